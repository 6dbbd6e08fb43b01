"""A mail service that is down."""

from typing import Any

DOWN = "tests.support.mail_down.DownBackend"


class DownBackend:
    """A mail service that cannot be reached."""

    tries = 0

    def __init__(self, *_: Any, **__: Any) -> None:
        pass

    def send_messages(self, messages: Any) -> int:
        DownBackend.tries += 1
        raise ConnectionError("SES cannot be reached")
