"""Finds the plain records of a block of lines; the others are checked one by one, in their place."""

import io
from bisect import bisect_left
from collections.abc import Iterator

import polars as pl

from annotator.blocks.alleles import Alleles
from annotator.blocks.block import Block
from annotator.blocks.cutting import Cutter
from annotator.preflight.info import pattern
from annotator.preflight.records import Looks, Record
from annotator.stream import Piece

#: Characters of text of one contig that are worth a block.
LEAST = 16 * 1024
#: REF and ALT of a plain record have no more bases; `places.MARGIN` is wider.
LONGEST = 60
MOST_ALLELES = 8
MOST_AT_POSITION = 100  # plain records, so that RecordCheck's own bound is never met here
SPAN = 4 * 1024 * 1024  # bases in memory
SPARSE = 4096  # bases for each record: beyond it they are read for each alone

COLUMNS = ("chrom", "pos", "id", "ref", "alt", "qual", "filter", "info", "tail")
_QUAL = r"^(?:\.|[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?)$"
_POS = r"^[1-9][0-9]{0,9}$"
_BASES = f"[ACGT]{{1,{LONGEST}}}"
_ALTS = f"^{_BASES}(?:,{_BASES}){{0,{MOST_ALLELES - 1}}}$"


class PlainRecords:
    """Cuts blocks of lines into pieces. One thread only."""

    def __init__(self, cutter: Cutter) -> None:
        self._cutter = cutter
        self._check = cutter.check
        self._reference = cutter.work.reference
        self._alleles = Alleles(cutter.work)
        self._pattern = -1, ""

    def pieces(self, first: int, lines: list[str]) -> Iterator[Piece]:
        """first: the number of the first line. Raises what RecordCheck raises, and Unsorted."""
        frame = _columns(lines)
        if frame is None:
            yield from self._cutter.singly(first, lines)
            return
        start = 0
        for run in frame["chrom"].rle():
            stop = start + run["len"]
            yield from self._run(frame[start:stop], first + start, lines[start:stop], run["value"])
            start = stop

    def _run(self, frame: pl.DataFrame, first: int, lines: list[str], name: str) -> Iterator[Piece]:
        """Lines that have one contig."""
        size = sum(map(len, lines))
        if size >= LEAST and len(lines) > 1 and self._check.contig_of(name) is None:
            yield from self._cutter.singly(first, lines[:1])
            frame, first, lines = frame[1:], first + 1, lines[1:]
        contig, looks = self._check.contig_of(name), self._check.looks
        if size < LEAST or contig is None or looks is None or _crowded(frame):
            yield from self._cutter.singly(first, lines)
            return
        plain = frame.with_row_index("row").filter(self._sound(looks, frame["tail"]))
        plain = self._fitting(plain.with_columns(pl.col("pos").cast(pl.Int64)), contig)
        last = plain["pos"][-1] if len(plain) else 0
        crowd = self._check.crowd(contig, last)
        others = self._others(plain["row"], contig, first, lines)
        if not len(plain):
            for _, record in others:
                self._cutter.order.add(contig, record.pos, record.line)
            yield from self._cutter.work.batches(record for _, record in others)
            return
        self._watch_order(plain, others, contig, first)
        there = [len(lines[row]) for row in plain.filter(pos=last)["row"]]
        self._check.at(contig, last, crowd[0] + len(there), crowd[1] + sum(there))
        described = self._alleles.describe(plain, contig, [record for _, record in others])
        yield Block(name, contig, size, plain, others, described, self._cutter.work)

    def _sound(self, looks: Looks, tails: pl.Series) -> pl.Expr:
        """Whether a record is one that RecordCheck would return as it stands, if its place exists and its REF fits."""
        col = pl.col
        if self._pattern[0] != len(self._cutter.tags):
            self._pattern = len(self._cutter.tags), pattern(looks.tests, self._cutter.tags)
        alts = col("alt").str.split(",")
        sound = (
            col("pos").str.contains(_POS)
            & (col("id").str.len_bytes() > 0)
            & col("ref").str.contains(f"^{_BASES}$")
            & col("alt").str.contains(_ALTS)
            & (col("alt") != col("ref"))
            & (~col("alt").str.contains(",", literal=True) | self._different(alts))
            & col("qual").str.contains(_QUAL)
            & col("filter").is_in(list(looks.filters))
            & col("info").str.contains(self._pattern[1])
        )
        if looks.columns == len(COLUMNS) - 1:
            return (sound & col("tail").is_null()).fill_null(value=False)
        # FORMAT and the samples: as many columns as there are to be, and in each no more values than FORMAT names.
        seen = tails.str.extract(r"^([^\t]*)").unique().drop_nulls()
        listed = pl.lit(value=False)
        for name in set(seen).intersection(looks.colons):
            too_many = rf"\t[^\t:]*(?::[^\t:]*){{{looks.colons[name] + 1}}}"
            samples = col("tail").str.slice(len(name))
            listed |= (
                samples.str.starts_with("\t") & col("tail").str.starts_with(name) & ~samples.str.contains(too_many)
            )
        count = col("tail").str.count_matches("\t", literal=True) == looks.columns - len(COLUMNS)
        return (sound & count & listed).fill_null(value=False)

    @staticmethod
    def _different(alts: pl.Expr) -> pl.Expr:
        return ~alts.list.contains(pl.col("ref")) & (alts.list.n_unique() == alts.list.len())

    def _fitting(self, frame: pl.DataFrame, contig: str) -> pl.DataFrame:
        """The records that lie on the contig, and whose REF is there."""
        ends = frame["pos"] + frame["ref"].str.len_bytes() - 1
        frame = frame.filter(ends <= self._reference.lengths[contig])
        positions, refs = frame["pos"].to_list(), frame["ref"].to_list()
        fetch = self._reference.sequence.fetch
        fits: list[bool] = []
        start = 0
        while start < len(positions):
            # What lies close together is compared with one stretch of the sequence.
            begin = positions[start]
            stop = bisect_left(positions, begin + SPAN, lo=start + 1)
            some, bases = positions[start:stop], refs[start:stop]
            first, last = min(some), max(some) + LONGEST
            if last - first <= min(SPARSE * len(some), 2 * SPAN):
                text = fetch(contig, first, last)
                fits += [text.startswith(ref, pos - first) for pos, ref in zip(some, bases, strict=True)]
            else:
                fits += [fetch(contig, pos, pos + len(ref) - 1) == ref for pos, ref in zip(some, bases, strict=True)]
            start = stop
        return frame if all(fits) else frame.filter(pl.Series(fits, dtype=pl.Boolean))

    def _others(self, plain: pl.Series, contig: str, first: int, lines: list[str]) -> list[tuple[int, Record]]:
        """Check the lines that are not among the plain rows, each when the rows before it have been counted."""
        found: list[tuple[int, Record]] = []
        counted = 0
        others = pl.int_range(len(lines), dtype=pl.UInt32, eager=True)
        for seen, row in enumerate(others.filter(~others.is_in(plain.implode()))):
            self._check.passed(contig, row - seen - counted)
            counted = row - seen
            record = self._check.check(first + row, lines[row])
            if record is not None:
                self._cutter.learn(record)
                found.append((row, record))
        self._check.passed(contig, len(plain) - counted)
        return found

    def _watch_order(self, plain: pl.DataFrame, others: list[tuple[int, Record]], contig: str, first: int) -> None:
        every = plain.select("row", "pos")
        if others:
            more = pl.DataFrame([(row, record.pos) for row, record in others], schema=every.schema, orient="row")
            every = every.vstack(more).sort("row")
        if every["pos"].is_sorted():
            every = every[[0, -1]]
        for row, pos in every.iter_rows():
            self._cutter.order.add(contig, pos, first + row)


def _columns(lines: list[str]) -> pl.DataFrame | None:
    """The first eight columns, and what follows them as tail; None if there is more to the lines than plain text."""
    text = "\n".join(lines)
    if not text.isascii() or "" in lines or "\r" in text or "\x1f" in text or "\n#" in text or text.startswith("#"):
        return None
    read = pl.read_csv(
        io.BytesIO(text.encode()), separator="\x1f", has_header=False, quote_char=None, infer_schema=False,
        new_columns=["line"],
    )  # fmt: skip
    if len(read) != len(lines):
        return None
    return read.select(pl.col("line").str.splitn("\t", len(COLUMNS)).struct.rename_fields(COLUMNS)).unnest("line")


def _crowded(frame: pl.DataFrame) -> bool:
    return bool((frame["pos"].rle().struct.field("len") > MOST_AT_POSITION).any())
