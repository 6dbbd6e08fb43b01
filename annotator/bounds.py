"""Limits on texts that are stored to be shown, so that no file can swell a database row, a page, a mail or a log.

A file decides how long its alleles, names and values are, and how many of them there are. Every such text passes
through this module where it is stored. What is left out is counted and said ("… and 1,234 more characters").
Result files are not shown: they keep every value whole.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any
from unicodedata import category

#: Characters of one value, such as an allele, an ID or a condition.
VALUE = 200
#: Characters of a sentence: a message, an advice, a repair, the reason for skipping a record, a line of the log.
SENTENCE = 600
#: Repairs of one kind that are listed by the name of a tag or a contig.
NAMED_REPAIRS = 20
#: Rows of a list in the summary: genes, contigs, findings.
GENES, CONTIGS, FINDINGS = 1000, 100, 200
#: Lines of the log that are listed for one reason, and bytes of all lines of one list.
LISTED_LINES, LISTED_BYTES = 10_000, 2 * 1024 * 1024
#: Characters that a text may be longer, since the note of what was left out takes as many.
ROOM = 40
#: Bytes of the summary, and of the preview, as JSON.
SUMMARY_BYTES = PREVIEW_BYTES = 512 * 1024
#: Of these, bytes of the findings that are listed.
FINDINGS_BYTES = 256 * 1024
#: Bytes of the details of one event of a job's timeline, as JSON.
EVENT_BYTES = 16 * 1024


def printable(value: str) -> str:
    """Replace characters that are not printable (control, escape, bidirectional, NUL) by "?"."""
    if value.isprintable():
        return value
    return "".join(letter if letter.isprintable() or category(letter) == "Zs" else "?" for letter in value)


def text(value: str, limit: int = VALUE) -> str:
    """Return the first `limit` characters, printable, and how many more there are."""
    if len(value) <= limit + ROOM:
        return printable(value)
    return f"{printable(value[:limit])}… and {len(value) - limit:,} more characters"


def sentence(value: str) -> str:
    """Return a message of one line, at most SENTENCE characters long."""
    return text(value, SENTENCE)


def rows_within(rows: Sequence[Mapping[str, Any]], limit: int) -> list[Mapping[str, Any]]:
    """Return the first rows that together have at most `limit` bytes as JSON."""
    kept, size = [], 2
    for row in rows:
        size += json_size(row) + 2
        if size > limit:
            break
        kept.append(row)
    return kept


def json_size(value: object) -> int:
    """Return how many bytes a value has as JSON, each character beyond ASCII counted as an escape."""
    return len(json.dumps(value))


def within(value: Any, limit: int) -> Any:
    """Return a JSON value that has at most `limit` bytes and printable texts: the last guard in front of a row.

    A value that is too large loses the ends of its texts and lists, half of what is left each time.
    """
    items, characters = 100_000, 10_000
    bounded = _cut(value, items, characters)
    while items and json_size(bounded) > limit:
        items, characters = items // 2, characters // 2
        bounded = _cut(bounded, items, characters)
    return bounded


def _cut(value: Any, items: int, characters: int) -> Any:
    if isinstance(value, str):
        return text(value, characters)
    if isinstance(value, Mapping):
        return {text(str(key)): _cut(one, items, characters) for key, one in list(value.items())[:items]}
    if isinstance(value, list | tuple):
        return [_cut(one, items, characters) for one in value[:items]]
    return value
