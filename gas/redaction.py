"""Keep tokens out of all logs: of mailed links, of shared results, and of presigned addresses."""

import logging
import re

HIDDEN = "[hidden]"
#: Addresses whose last part is a secret that opens an account or a shared result.
_TOKEN_PATH = re.compile(r"(/accounts/(?:confirm-email|password/reset/key)/|/s/)[^\s\"'?<>]+")
#: Starts at a word boundary: otherwise each slash of a long path without a query would start a match.
_QUERY = re.compile(r"(?<![^\s\"'?<>])([^\s\"'?<>/]*+/[^\s\"'?<>]*+\?)[^\s\"'<>]++")


def redact(text: str) -> str:
    """Return the text without the tokens in paths and without query strings."""
    return _QUERY.sub(rf"\1{HIDDEN}", _TOKEN_PATH.sub(rf"\1{HIDDEN}", text))


class RedactingFormatter(logging.Formatter):
    """Redacts the whole line, tracebacks included."""

    def format(self, record: logging.LogRecord) -> str:
        return redact(super().format(record))
