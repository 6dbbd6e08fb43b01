"""Limits on texts that are stored for display, so that no file can swell a database row, a page, a mail or a log.

A file decides the number and the length of its alleles, names and values. Every such text passes through this module
before it is stored. What is cut off is counted and shown ("… and 1,234 more characters").
Result files are not for display: they keep every value in full.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any
from unicodedata import category

#: Maximum characters of one value, such as an allele, an ID or a condition.
VALUE = 200
#: Maximum characters of a sentence: a message, an advice, a repair, the reason for skipping a record, a line of the
#: log.
SENTENCE = 600
#: Repairs of one kind that are listed by tag or contig.
NAMED_REPAIRS = 20
#: Maximum rows of lists in the summary: genes, contigs, findings.
GENES, CONTIGS, FINDINGS = 1000, 100, 200
#: Maximum log lines for one reason, and bytes of all lines of one list.
LISTED_LINES, LISTED_BYTES = 10_000, 2 * 1024 * 1024
#: Characters by which a text may exceed its limit, because the note about what was cut off takes that much space.
ROOM = 40
#: Maximum bytes of the summary, and of the preview, as JSON.
SUMMARY_BYTES = PREVIEW_BYTES = 512 * 1024
#: Maximum bytes of the listed findings, as a part of the summary.
FINDINGS_BYTES = 256 * 1024
#: Maximum bytes of the details of one event in a job's timeline, as JSON.
EVENT_BYTES = 16 * 1024


def printable(value: str) -> str:
    """Replace characters that are not printable (control, escape, bidirectional, NUL) by "?"."""
    if value.isprintable():
        return value
    return "".join(letter if letter.isprintable() or category(letter) == "Zs" else "?" for letter in value)


def text(value: str, limit: int = VALUE) -> str:
    """Return the first `limit` characters, made printable, and the number of characters that were cut off."""
    if len(value) <= limit + ROOM:
        return printable(value)
    return f"{printable(value[:limit])}… and {len(value) - limit:,} more characters"


def sentence(value: str) -> str:
    """Return a message as one line of at most SENTENCE characters."""
    return text(value, SENTENCE)


def rows_within(rows: Sequence[Mapping[str, Any]], limit: int) -> list[Mapping[str, Any]]:
    """Return the first rows whose total size as JSON is at most `limit` bytes."""
    kept, size = [], 2
    for row in rows:
        size += json_size(row) + 2
        if size > limit:
            break
        kept.append(row)
    return kept


def json_size(value: object) -> int:
    """Return the size of a value as JSON in bytes, with each non-ASCII character counted as an escape."""
    return len(json.dumps(value))


def within(value: Any, limit: int) -> Any:
    """Return a JSON value of at most `limit` bytes whose texts are printable: the last check before a database row.

    If a value is too large, its texts and lists are cut to half their length until it fits.
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
