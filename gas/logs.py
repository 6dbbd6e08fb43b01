"""The format of log lines: quoted parts of files or requests cannot forge a line or control a terminal.

A line that is logged during a request ends with the id of the request.
"""

import logging
from contextvars import ContextVar
from types import TracebackType
from typing import Final

from gas.redaction import RedactingFormatter

MESSAGE_CHARACTERS: Final = 10_000
TRACEBACK_CHARACTERS: Final = 50_000

#: The id of the current request; "" outside of requests.
request_id: ContextVar[str] = ContextVar("request_id", default="")

_Raised = tuple[type[BaseException], BaseException, TracebackType | None] | tuple[None, None, None]


class LineFormatter(RedactingFormatter):
    """A message is one line of printable text, without tokens, with the request id. Lines of a traceback follow."""

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - logging's name
        record.message = _escaped(record.message, MESSAGE_CHARACTERS)
        line = super().formatMessage(record)
        return f"{line} [request {found}]" if (found := request_id.get()) else line

    def formatException(self, ei: _Raised) -> str:  # noqa: N802 - logging's name
        text = super().formatException(ei)
        more = len(text) - TRACEBACK_CHARACTERS
        # The last lines of a traceback name the error.
        kept = f"… {more:,} characters left out …\n{text[-TRACEBACK_CHARACTERS:]}" if more > 0 else text
        return "\n".join(f"  {_escaped(line, TRACEBACK_CHARACTERS)}" for line in kept.split("\n"))


def _escaped(text: str, limit: int) -> str:
    """Return a text with unprintable characters escaped as Python does, cut at `limit` characters."""
    more = len(text) - limit
    text = text[:limit]
    if not text.isprintable():
        text = "".join(one if one.isprintable() else one.encode("unicode_escape").decode("ascii") for one in text)
    return f"{text}… and {more:,} more characters" if more > 0 else text
