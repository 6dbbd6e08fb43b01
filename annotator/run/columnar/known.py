"""Look up the alleles of a block in the tables of sources."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from annotator.effects.normalize import Variant
from annotator.preflight.record import Record
from annotator.run.columnar import forms
from annotator.run.columnar.alleles import Alleles
from annotator.run.columnar.compiled import Bytes, Ints, array_of, compiled, same
from annotator.run.columnar.scan import NEWLINE
from annotator.sources.lookup import Lookup, Lookups


class Said(NamedTuple):
    """The annotations of alleles in one source.

    text: rows of the source's table.
    start, stop: the offsets of each allele's tab-separated values in `text`; `start` is -1 for an allele that the
        source does not have.
    """

    text: Bytes
    start: Ints
    stop: Ints


class _Rows(NamedTuple):
    """The columns of a table's rows: positions, and offsets of the other columns. Sorted by position."""

    pos: Ints
    ref: Ints
    alt: Ints
    values: Ints
    end: Ints


def lookup(
    sources: Lookups,
    contig: str,
    alleles: Alleles,
    others: Sequence[Record],
    variants: Sequence[Variant],
    owners: Sequence[int],
) -> tuple[list[Said], list[str]]:
    """Look up alleles of plain records and of the other records in the sources, and count the known alleles.

    Args:
        sources: the open sources.
        contig: the contig of the block.
        alleles: the alleles of the plain records.
        others: the other records.
        variants: the normal forms of the other records' predictable alleles.
        owners: the index of the record of each variant.

    Returns:
        The annotations of each source for the plain records' alleles, and the INFO entries of the other records.

    Raises:
        EngineError: a source is damaged.
    """
    said = []
    added = [""] * len(others)
    for one in sources:
        text = array_of(one.text(contig, _blocks(one, contig, alleles.pos)))
        start, stop = np.full(len(alleles.pos), -1, np.int64), np.zeros(len(alleles.pos), np.int64)
        _match(text, _rows(text), alleles, start, stop)
        said.append(Said(text, start, stop))
        known = alleles.line[start >= 0]
        one.counts.alleles += len(known)
        one.counts.records += int(np.count_nonzero(np.diff(known, prepend=-1)))
        if variants:
            for number, entries in one.texts(others, owners, one.find(contig, variants)).items():
                added[number] = f"{added[number]};{entries}" if added[number] else entries
    return said, added


def _blocks(source: Lookup, contig: str, positions: Ints) -> list[int]:
    """Return the indices of the blocks of a source's table that cover one of the positions."""
    firsts, lasts = (np.asarray(column, np.int64) for column in source.places(contig))
    begins = np.searchsorted(lasts, positions)
    ends = np.searchsorted(firsts, positions, side="right")
    turns = np.zeros(len(firsts) + 1, np.int64)
    some = begins < ends
    np.add.at(turns, begins[some], 1)
    np.add.at(turns, ends[some], -1)
    return np.flatnonzero(np.cumsum(turns[:-1])).tolist()


def _rows(text: Bytes) -> _Rows:
    count = int(np.count_nonzero(text == NEWLINE))
    rows = _Rows(*(np.zeros(count, np.int64) for _ in _Rows.__annotations__))
    _read(text, *rows)
    return rows


@compiled
def _read(text: Bytes, pos: Ints, ref: Ints, alt: Ints, values: Ints, end: Ints) -> None:
    at = 0
    for row in range(len(pos)):
        tabs = number = 0
        while tabs < 4:
            letter = text[at]
            at += 1
            if letter == forms.TAB:
                tabs += 1
                if tabs == 2:
                    ref[row] = at
                elif tabs == 3:
                    alt[row] = at
            elif tabs == 1:
                number = 10 * number + letter - forms.ZERO
        pos[row], values[row] = number, at
        while text[at] != NEWLINE:
            at += 1
        end[row] = at
        at += 1


@compiled
def _match(text: Bytes, rows: _Rows, alleles: Alleles, start: Ints, stop: Ints) -> None:
    for one in range(len(alleles.pos)):
        pos, ref, given = alleles.pos[one], alleles.ref[one], alleles.given[one]
        ref_end, given_end = ref + alleles.ref_size[one], given + alleles.given_size[one]
        low, high = 0, len(rows.pos)
        while low < high:
            middle = (low + high) // 2
            if rows.pos[middle] < pos:
                low = middle + 1
            else:
                high = middle
        while low < len(rows.pos) and rows.pos[low] == pos:
            ref_there, alt_there, values = rows.ref[low], rows.alt[low], rows.values[low]
            if same(text, ref_there, alt_there - 1, alleles.letters, ref, ref_end) and same(
                text, alt_there, values - 1, alleles.letters, given, given_end
            ):
                start[one], stop[one] = values, rows.end[low]
                break
            low += 1
