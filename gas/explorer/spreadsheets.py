"""Cells that no spreadsheet runs."""

import re

from annotator.tables.cells import CONTROL, NUMBER, RISKY

_RISKY = re.compile(RISKY)
_NUMBER = re.compile(NUMBER)
_CONTROL = re.compile(CONTROL)


def defused(value: str) -> str:
    """Return a text that a spreadsheet reads as text, as `annotator.tables.columns.defused` does."""
    if _RISKY.match(value) and not _NUMBER.fullmatch(value):
        value = f"'{value}"
    return _CONTROL.sub("?", value)
