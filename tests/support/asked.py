"""What this process asks of AWS, counted where it leaves: every attempt of every client, the broker's too."""

from typing import Any

from botocore import handlers


class Asked:
    """`calls` lists "s3.PutObject", "sqs.SendMessage"… Make it before the first client of the process is made."""

    def __init__(self) -> None:
        self.calls: list[str] = []
        handlers.BUILTIN_HANDLERS.append(("before-send", self._count))

    def _count(self, event_name: str, **_: Any) -> None:
        # Appending is one step: parts of a file are sent by several threads.
        self.calls.append(event_name.removeprefix("before-send."))
