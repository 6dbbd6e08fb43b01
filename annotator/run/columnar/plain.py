"""Find the plain records of a block of lines; the others are checked one by one, in file order."""

from collections.abc import Iterator, Sequence
from functools import partial

import numpy as np

from annotator.effects.transcript import Span
from annotator.preflight.record import Looks, Record
from annotator.preflight.types import plain_types
from annotator.run.columnar.alleles import Alleles, described
from annotator.run.columnar.block import Block
from annotator.run.columnar.clinical import Significances
from annotator.run.columnar.compiled import Bytes, Ints, array_of
from annotator.run.columnar.forms import ANY, FLOAT, GENOTYPE, INTEGER
from annotator.run.columnar.kinds import WORTH_A_KIND, Kinds
from annotator.run.columnar.neighbors import CodingMap, of_lines, with_neighbors
from annotator.run.columnar.scan import CHROM, ID, LINE, REF, Forms, Lines, scan
from annotator.run.columnar.text_sets import words
from annotator.run.columnar.transcript_columns import transcript_columns
from annotator.run.columnar.window import window
from annotator.run.piece import Piece
from annotator.run.splitter import Cutter

#: Minimum bytes of lines of one contig for a block.
LEAST = 2 * 1024
#: A block looks up gene models within MARGIN bases of its alleles. Alleles no further apart than GAP share a lookup.
MARGIN, GAP = 100, 5_000
KINDS = {"": ANY, "Integer": INTEGER, "Float": FLOAT}
MOST_FILTERS, LONGEST_FILTER = 1000, 1000  # limits of the texts of FILTER in plain records: number, characters
MOST_AT_POSITION = 100  # records, below RecordCheck's own limit


def _kinds(looks: Looks) -> Ints:
    """Return the kinds of the tags of each known FORMAT; -1 after the last tag."""
    rows = [
        [GENOTYPE if tag == "GT" else KINDS.get(looks.types.get(tag, ""), ANY) for tag in text.split(":")]
        for text in looks.formats
    ]
    kinds = np.full((len(rows), max(map(len, rows), default=0) + 1), -1, np.int64)
    for row, own in zip(kinds, rows, strict=True):
        row[: len(own)] = own
    return kinds


class PlainRecords:
    """Cuts blocks of lines into pieces. For one thread only."""

    def __init__(self, cutter: Cutter) -> None:
        self._cutter = cutter
        self._check = cutter.check
        self._work = cutter.work
        self._significances = Significances()
        self._forms: tuple[tuple[int, ...], Forms] | None = None

    def pieces(self, first: int, data: bytes) -> Iterator[Piece]:
        """Yield the pieces of a block of lines. Raises the errors of RecordCheck, and Unsorted.

        Args:
            first: the number of the first line.
            data: whole lines.
        """
        text = array_of(data if data.endswith(b"\n") else data + b"\n")
        looks = self._check.looks
        if looks is None:
            yield from self._singly(text, first)
            return
        lines = scan(text, self._wanted(looks))
        starts = self._starts(text, lines)
        for start, stop in zip(starts, [*starts[1:], len(lines.pos)], strict=True):
            yield from self._run(text[lines.begins[start] : lines.begins[stop]], lines.part(start, stop), first + start)

    def _starts(self, text: Bytes, lines: Lines) -> list[int]:
        """Return the indices of the lines at which another contig starts.

        Lines on no contig of the reference, or with another name of the same contig, stay with the lines before them
        and are not plain: they must not separate neighbors.
        """
        canonical = self._work.reference.canonical
        fresh = np.flatnonzero(lines.fresh).tolist()
        starts: list[int] = []
        name, contig = b"", None
        for start, stop in zip(fresh, [*fresh[1:], len(lines.pos)], strict=True):
            own_name = text[lines.begins[start] : lines.ends[start, CHROM]].tobytes()
            own = canonical(own_name.decode("latin-1"))
            if not starts or own not in (None, contig):
                starts.append(start)
                name, contig = own_name, own
            elif own_name != name:
                lines.plain[start:stop] = False
        return starts

    def _singly(self, text: Bytes, first: int, checked: Sequence[Record | None] = ()) -> Iterator[Piece]:
        yield from self._cutter.singly(first, text[:-1].tobytes().decode("latin-1").split("\n"), checked)

    def _wanted(self, looks: Looks) -> Forms:
        key = len(self._cutter.tags), len(looks.filters), len(looks.formats), looks.widened
        if self._forms is None or self._forms[0] != key:
            tags = [*self._cutter.tags, *self._renamed()]
            filters = [text for text in sorted(looks.filters) if len(text) <= LONGEST_FILTER][:MOST_FILTERS]
            forms = Forms(
                looks.columns,
                words(dict.fromkeys(filters, 0)),
                words({tag: KINDS[type_] for tag, type_ in plain_types(looks.tests, tags).items()}),
                words({text: number for number, text in enumerate(looks.formats)}),
                _kinds(looks),
            )
            self._forms = key, forms
        return self._forms[1]

    def _run(self, text: Bytes, lines: Lines, first: int) -> Iterator[Piece]:
        """Yield the pieces of lines of one contig; `first` is the number of the first line."""
        name = text[: lines.ends[0, CHROM]].tobytes().decode("latin-1")
        contig = self._check.contig_of(name)
        if len(text) < LEAST or _most_at_position(lines) + self._before(lines, contig) > MOST_AT_POSITION:
            yield from self._singly(text, first)
            return
        checked: list[Record | None] = []
        while contig is None and len(checked) < len(lines.pos):
            # Checking the first record of a contig decides whether, and under which name, the contig is known.
            line = len(checked)
            checked.append(self._cutter.one(first + line, _raw(text, lines, line)))
            contig = self._check.contig_of(name)
        if contig is None:
            yield from self._singly(text, first, checked)
            return
        lines.plain[: len(checked)] = False
        yield from self._block(text, lines, first, contig, checked)

    def _before(self, lines: Lines, contig: str | None) -> int:
        """Return how many earlier records are at the position of the first line."""
        return self._check.crowd(contig, int(lines.pos[0]))[0] if contig else 0

    def _block(
        self, text: Bytes, lines: Lines, first: int, contig: str, checked: Sequence[Record | None]
    ) -> Iterator[Piece]:
        """Yield the pieces of lines of a contig; `checked` has the records of its first lines, None for no record."""
        reference = self._work.reference
        lines.plain[_last(lines) > reference.lengths[contig]] = False
        wanted = np.flatnonzero(lines.plain)
        if not len(wanted):
            yield from self._singly(text, first, checked)
            return
        fetch = partial(reference.sequence.fetch, contig)
        around = window(lines.pos, wanted, fetch)
        alleles = described(text, lines, around)
        spans = _spans(alleles)
        crowded = [span for span, count in spans if count >= WORTH_A_KIND]
        models = reference.gene_models.near(contig, [span for span, _ in spans], crowded)
        columns = transcript_columns(models.transcripts)
        if self._check.samples:
            apart = with_neighbors(text, lines, alleles, CodingMap(columns))
            lines.plain[apart] = False
            alleles = of_lines(alleles, lines.plain)
        plain = np.flatnonzero(lines.plain)
        if not len(plain):
            yield from self._singly(text, first, checked)
            return
        others = self._in_between(text, lines, plain, contig, first, checked)
        self._watch_order(lines, plain, others, contig, first)
        yield Block(
            contig,
            text,
            lines,
            around,
            alleles,
            others,
            Kinds(self._work.composer, contig, models, columns, crowded, fetch),
            self._significances,
            words(dict.fromkeys(self._renamed(), 0)),
            self._work,
        )

    def _renamed(self) -> list[str]:
        """Return the tags of other annotators that occur in the file's records so far."""
        return [tag for tag, name in self._check.renamed.items() if name in self._cutter.tags]

    def _in_between(
        self, text: Bytes, lines: Lines, plain: Ints, contig: str, first: int, checked: Sequence[Record | None]
    ) -> list[tuple[int, Record]]:
        """Check the lines that are not plain, each after the lines before it have been counted; see `_block`."""
        last = int(lines.pos[plain[-1]])
        there = plain[lines.pos[plain] == last]
        crowd = self._check.crowd(contig, last)
        found: list[tuple[int, Record]] = []
        counted = 0
        for seen, line in enumerate(np.flatnonzero(~lines.plain).tolist()):
            self._check.passed(contig, line - seen - counted)
            counted = line - seen
            if line < len(checked):
                record = checked[line]
            elif (record := self._check.check(first + line, _raw(text, lines, line))) is not None:
                self._cutter.learn(record)
            if record is not None:
                found.append((line, record))
        self._check.passed(contig, len(plain) - counted)
        sizes = int((lines.ends[there, LINE] - lines.begins[there]).sum())
        self._check.at(contig, last, crowd[0] + len(there), crowd[1] + sizes)
        return found

    def _watch_order(
        self, lines: Lines, plain: Ints, others: list[tuple[int, Record]], contig: str, first: int
    ) -> None:
        every = np.concatenate([plain, np.array([line for line, _ in others], np.int64)])
        pos = np.concatenate([lines.pos[plain], np.array([record.pos for _, record in others], np.int64)])
        order = np.argsort(every, kind="stable")
        every, pos = every[order], pos[order]
        if (np.diff(pos) >= 0).all():
            every, pos = every[[0, -1]], pos[[0, -1]]
        for line, place in zip(every.tolist(), pos.tolist(), strict=True):
            self._cutter.order.add(contig, place, first + line)


def _spans(alleles: Alleles) -> list[tuple[Span, int]]:
    """Return the stretches of the contig near alleles, in order, each with its number of alleles."""
    starts = np.sort(alleles.start)
    ends = np.sort(alleles.start + alleles.lost + alleles.slide)
    cuts = np.flatnonzero(starts[1:] - ends[:-1] > GAP) + 1
    bounds = np.concatenate([[0], cuts, [len(starts)]]) if len(starts) else np.zeros(1, np.int64)
    low, high = starts[bounds[:-1]] - MARGIN, ends[bounds[1:] - 1] + MARGIN
    return list(zip(zip(low.tolist(), high.tolist(), strict=True), np.diff(bounds).tolist(), strict=True))


def _raw(text: Bytes, lines: Lines, line: int) -> str:
    return text[lines.begins[line] : lines.ends[line, LINE]].tobytes().decode("latin-1")


def _last(lines: Lines) -> Ints:
    """Return the last base of each line's REF."""
    last: Ints = lines.pos + lines.ends[:, REF] - lines.ends[:, ID] - 2
    return last


def _most_at_position(lines: Lines) -> int:
    """Return the maximum number of lines at one position; lines with another CHROM may lie between them."""
    if lines.fresh[1:].any():
        return int(np.unique(lines.pos, return_counts=True)[1].max())
    return int(lines.crowd.max())
