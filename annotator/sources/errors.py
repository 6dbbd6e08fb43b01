"""Errors of installing a source."""


class SourceError(Exception):
    """The source cannot be installed, and nothing has changed.

    Attributes:
        code: bad-request, busy, not-found, refused, cut, wrong-checksum, wrong-size, no-space, unreadable, no-field,
            clash, other-build or empty.
        message: for the person who installs it: what was found, and what to do.
    """

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
