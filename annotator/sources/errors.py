"""What can go wrong while a source is installed."""


class SourceError(Exception):
    """The source cannot be installed; nothing of it is. message is for who installs it: what was found, what to do.

    code: bad-request, busy, not-found, refused, cut, wrong-checksum, wrong-size, no-space, unreadable, no-field,
    clash, other-build, empty.
    """

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
