"""Cells that no spreadsheet runs."""

import re

from annotator.tables.cells import CONTROL, NUMBER, RISKY

_RISKY, _NUMBER, _CONTROL = re.compile(RISKY), re.compile(NUMBER), re.compile(CONTROL)


def defused(value: str) -> str:
    """Return a text that a spreadsheet takes for text, as `annotator.tables.columns.defused` does."""
    if _RISKY.match(value) and not _NUMBER.fullmatch(value):
        value = f"'{value}"
    return _CONTROL.sub("?", value)
