"""Cuts what is left of a file to pieces: blocks of plain records, and the others, which are checked one by one."""

import io
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from annotator.alleles import Change, shortest
from annotator.blocks.block import Block
from annotator.blocks.known import entries
from annotator.blocks.places import Places
from annotator.compose import touched
from annotator.hgvs import genomic
from annotator.preflight.info import pattern
from annotator.preflight.reader import Reader
from annotator.preflight.records import Looks, Record, RecordCheck
from annotator.references import Reference
from annotator.sources.matching import Window, normal
from annotator.stream import Order, Pass, Piece
from annotator.summary import PREVIEW

if TYPE_CHECKING:
    import polars as pl

#: So much of a file's text goes record by record: small files as a whole, of large ones enough to know their tags.
HEAD = 256 * 1024
SIZE = 2 * 1024 * 1024  # characters of a block
LEAST = 64  # records of one contig in a row that are worth a block
#: REF and ALT of a plain record have no more bases; `places.MARGIN` is wider.
LONGEST = 60
MOST_TAGS = 256
MOST_AT_POSITION = 100  # plain records, so that RecordCheck's own bound is never met here
SPAN = 4 * 1024 * 1024  # bases in memory
SPARSE = 4096  # bases for each record: beyond it they are read for each alone

_COLUMNS = ("chrom", "pos", "id", "ref", "alt", "qual", "filter", "info", "tail")
_QUAL = r"^(?:\.|[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?)$"
_POS = r"^[1-9][0-9]{0,9}$"
_BASES = rf"^[ACGT]{{1,{LONGEST}}}$"


class Cutter:
    """Turns the lines of a file into pieces. One thread only."""

    def __init__(self, reference: Reference, check: RecordCheck, work: Pass) -> None:
        self._reference = reference
        self._check = check
        self._order = Order()
        self._work = work
        self._sources = list(work.sources)
        self._window = Window(reference.sequence.fetch)
        self._places: tuple[str, Places] | None = None
        self._tags: dict[str, None] = {}
        self._pattern: tuple[int, str] = 0, ""

    def pieces(self, reader: Reader) -> Iterator[Piece]:
        """Yield the pieces of what the reader still has. Raises what RecordCheck raises, and Unsorted."""
        yield from self._work.batches(self._head(reader))
        for first, lines in reader.blocks(SIZE):
            yield from self._block(first, lines)

    def _head(self, reader: Reader) -> Iterator[Record]:
        size = alleles = 0
        for number, line in reader.lines():
            record = self._one(number, line)
            if record is not None:
                self._learn(record)
                alleles += len(record.alts)
                yield record
            size += len(line)
            if size >= HEAD and alleles >= 2 * PREVIEW and self._quick():
                return

    def _quick(self) -> bool:
        """Whether there is any use of blocks: not for references with known variants of their own."""
        return not self._reference.known and self._check.looks is not None

    def _one(self, number: int, line: str) -> Record | None:
        record = self._check.check(number, line)
        if record is not None:
            self._order.add(record.contig, record.pos, number)
        return record

    def _learn(self, record: Record) -> None:
        if len(self._tags) < MOST_TAGS and record.info:
            self._tags.update(dict.fromkeys(entry.partition("=")[0] for entry in record.info.split(";")))

    def _singly(self, first: int, lines: Sequence[str]) -> Iterator[Record]:
        for number, line in enumerate(lines, first):
            record = self._one(number, line)
            if record is not None:
                self._learn(record)
                yield record

    def _block(self, first: int, lines: list[str]) -> Iterator[Piece]:
        frame = _columns(lines) if self._quick() else None
        if frame is None:
            yield from self._work.batches(self._singly(first, lines))
            return
        start = 0
        for run in frame["chrom"].rle():
            stop = start + run["len"]
            yield from self._run(frame[start:stop], first + start, lines[start:stop], run["value"])
            start = stop

    def _run(self, frame: "pl.DataFrame", first: int, lines: list[str], name: str) -> Iterator[Piece]:
        """Lines that have one contig."""
        if len(lines) >= LEAST and self._check.contig_of(name) is None:
            yield from self._work.batches(self._singly(first, lines[:1]))
            frame, first, lines = frame[1:], first + 1, lines[1:]
        contig, looks = self._check.contig_of(name), self._check.looks
        if len(lines) < LEAST or contig is None or looks is None or _crowded(frame):
            yield from self._work.batches(self._singly(first, lines))
            return
        frame = self._fitting(frame.with_row_index("row").filter(self._plain(looks, frame["tail"])), contig)
        rows, positions = frame["row"].to_list(), frame["pos"].to_list()
        position = positions[-1] if positions else 0
        before = self._check.crowd(contig, position)
        others = self._others(rows, contig, first, lines)
        self._watch_order(rows, positions, others, contig, first)
        if positions:
            crowd = [len(lines[row]) for row, pos in zip(rows, positions, strict=True) if pos == position]
            self._check.at(contig, position, before[0] + len(crowd), before[1] + sum(crowd))
        if rows:
            described, crossing = self._described(frame, contig)
            size = sum(map(len, lines))
            yield Block(name, contig, size, described, crossing, others, self._places_of(contig), self._work)
        else:
            yield from self._work.batches(record for _, record in others)

    def _plain(self, looks: Looks, tails: "pl.Series") -> "pl.Expr":
        """Whether a record is one that RecordCheck would return as it stands, if its place exists and its REF fits."""
        import polars as pl

        col = pl.col
        if self._pattern[0] != len(self._tags):
            self._pattern = len(self._tags), pattern(looks.tests, self._tags)
        wanted = (
            col("pos").str.contains(_POS)
            & (col("id").str.len_bytes() > 0)
            & col("ref").str.contains(_BASES)
            & col("alt").str.contains(_BASES)
            & (col("ref") != col("alt"))
            & col("qual").str.contains(_QUAL)
            & col("filter").is_in(list(looks.filters))
            & col("info").str.contains(self._pattern[1])
        )
        if looks.columns == 8:
            return (wanted & col("tail").is_null()).fill_null(value=False)
        # FORMAT and the samples: as many columns as there are to be, and in each no more values than FORMAT names.
        formats = {
            name: looks.colons[name] for name in tails.str.extract(r"^([^\t]*)").unique() if name in looks.colons
        }
        sound = pl.lit(value=False)
        for name, colons in formats.items():
            too_many = rf"\t[^\t:]*(?::[^\t:]*){{{colons + 1}}}"
            sound |= col("tail").str.starts_with(name + "\t") & ~col("tail").str.slice(len(name)).str.contains(too_many)
        count = col("tail").str.count_matches("\t", literal=True) == looks.columns - 9
        return (wanted & count & sound).fill_null(value=False)

    def _fitting(self, frame: "pl.DataFrame", contig: str) -> "pl.DataFrame":
        """The records that lie on the contig, and whose REF is there; pos becomes a number."""
        import polars as pl

        frame = frame.with_columns(pl.col("pos").cast(pl.Int64)).filter(
            pl.col("pos") + pl.col("ref").str.len_bytes() - 1 <= self._reference.lengths[contig]
        )
        fits = pl.Series(self._fit(contig, frame["pos"].to_list(), frame["ref"].to_list()), dtype=pl.Boolean)
        return frame.filter(fits)

    def _fit(self, contig: str, positions: list[int], refs: list[str]) -> list[bool]:
        fetch = self._reference.sequence.fetch
        fits: list[bool] = []
        start = 0
        while start < len(positions):
            # What lies close together is compared with one stretch of the sequence.
            stop = bisect_left(positions, positions[start] + SPAN, lo=start + 1)
            some = list(zip(positions[start:stop], refs[start:stop], strict=True))
            first, last = min(some)[0], max(some)[0] + LONGEST
            if last - first <= SPARSE * len(some) and last - first <= 2 * SPAN:
                text = fetch(contig, first, last)
                fits += [text.startswith(ref, pos - first) for pos, ref in some]
            else:
                fits += [fetch(contig, pos, pos + len(ref) - 1) == ref for pos, ref in some]
            start = stop
        return fits

    def _others(self, rows: list[int], contig: str, first: int, lines: list[str]) -> list[tuple[int, Record]]:
        """Check the lines that are not among the rows, each when the rows before it have been counted."""
        plain = set(rows)
        found: list[tuple[int, Record]] = []
        seen = counted = 0
        for row in range(len(lines)) if len(rows) < len(lines) else ():
            if row in plain:
                continue
            self._check.passed(contig, row - seen - counted)
            counted = row - seen
            seen += 1
            record = self._check.check(first + row, lines[row])
            if record is not None:
                self._learn(record)
                found.append((row, record))
        self._check.passed(contig, len(rows) - counted)
        return found

    def _watch_order(
        self, rows: list[int], positions: list[int], others: list[tuple[int, Record]], contig: str, first: int
    ) -> None:
        every = list(zip(rows, positions, strict=True))
        if others:
            every = sorted(every + [(row, record.pos) for row, record in others])
        if not every:
            return
        places = [pos for _, pos in every]
        ends = (every[0], every[-1]) if places == sorted(places) else every
        for row, pos in ends:
            self._order.add(contig, pos, first + row)

    def _described(self, frame: "pl.DataFrame", contig: str) -> "tuple[pl.DataFrame, list[Change]]":
        """Add what the block needs: stretch, near, type, hgvs (null for SNVs) and added; and the changes that lie in
        several stretches, whose number, counted from -1 down, stands for the stretch.
        """
        import polars as pl

        places = self._places_of(contig)
        frame = frame.with_columns(stretch=places.series.search_sorted(frame["pos"], side="right").cast(pl.Int64) - 1)
        frame = frame.with_columns(near=places.near_series.gather(frame["stretch"]))
        single = ((pl.col("ref").str.len_bytes() == 1) & (pl.col("alt").str.len_bytes() == 1)).alias("single")
        frame = frame.with_columns(single)
        prefix = self._reference.hgvs_prefix_of(contig)
        crossing: list[Change] = []
        own: list[tuple[int, int, str, str, str | None, int, str, str]] = []
        longer = frame.with_row_index("place").filter(~pl.col("single")).select("place", "pos", "ref", "alt")
        for place, pos, ref, alt in longer.iter_rows():
            change = shortest(pos, ref, alt)
            start, end = touched(change)
            stretch = places.at(start)
            if stretch != places.at(end):
                crossing.append(change)
                stretch = -len(crossing)
            variant = normal(contig, pos, ref, alt, self._window.fetch) if self._sources else (pos, ref, alt)
            swap = change.ref + change.alt if change.type == "SNV" else None
            own.append((place, stretch, change.type, genomic(change, contig, self._window, prefix), swap, *variant))
        columns = {"place": pl.UInt32, "stretch_": pl.Int64, "type": pl.String, "hgvs": pl.String, "swap": pl.String}
        columns |= {"pos_": pl.Int64, "ref_": pl.String, "alt_": pl.String}
        found = pl.DataFrame(own, schema=columns, orient="row")
        frame = frame.with_row_index("place").join(found, on="place", how="left", maintain_order="left")
        frame = frame.with_columns(
            stretch=pl.coalesce("stretch_", "stretch"),
            type=pl.col("type").fill_null("SNV"),
            swap=pl.when("single").then(pl.concat_str("ref", "alt")).otherwise("swap"),
        )
        normals = frame.select(*(pl.coalesce(f"{name}_", name).alias(name) for name in ("pos", "ref", "alt")))
        return frame.with_columns(added=entries(self._sources, contig, normals)), crossing

    def _places_of(self, contig: str) -> Places:
        if self._places is None or self._places[0] != contig:
            self._places = contig, Places(self._reference.features, contig)
        return self._places[1]


def _columns(lines: list[str]) -> "pl.DataFrame | None":
    """The first eight columns, and what follows them as tail; None if there is more to the lines than plain text."""
    text = "\n".join(lines)
    if not text.isascii() or "" in lines or "\r" in text or "\x1f" in text or "\n#" in text or text.startswith("#"):
        return None
    import polars as pl

    read = pl.read_csv(
        io.BytesIO(text.encode()), separator="\x1f", has_header=False, quote_char=None, infer_schema=False,
        new_columns=["line"],
    )  # fmt: skip
    if len(read) != len(lines):
        return None
    return read.select(pl.col("line").str.splitn("\t", len(_COLUMNS)).struct.rename_fields(_COLUMNS)).unnest("line")


def _crowded(frame: "pl.DataFrame") -> bool:
    longest: int = max(frame["pos"].rle().struct.field("len"))
    return longest > MOST_AT_POSITION
