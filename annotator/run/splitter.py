"""Cut a file's records into pieces: record by record at the start of the file, then in blocks of lines."""

import sys
from collections import deque
from collections.abc import Iterator, Sequence
from itertools import chain, count
from typing import TYPE_CHECKING

from annotator.effects.neighbors import LONGEST, MOST_TOGETHER, are_tied, ties
from annotator.effects.transcript import Span
from annotator.preflight.reader import Reader, lines_of
from annotator.preflight.record import Record
from annotator.preflight.records import RecordCheck
from annotator.run.outputs.summary import PREVIEW
from annotator.run.piece import Piece
from annotator.run.stream import Order, Pass

if TYPE_CHECKING:
    from annotator.run.columnar.plain import PlainRecords

#: Characters at the start of a file that are annotated record by record. HEAD covers small files as a whole.
#: HEAD_IN_COLUMNS is for large files, and for all files once the compiled loops are loaded: enough to learn most tags.
HEAD = 256 * 1024
HEAD_IN_COLUMNS = 4 * 1024
LARGE = 1024 * 1024  # bytes of a file, compressed or not
SIZE = 1024 * 1024  # bytes of a block
MOST_TAGS = 256
MOST_DIGITS = 15  # of a position


class Cutter:
    """Turns the lines of a file into pieces. For one thread only."""

    def __init__(self, check: RecordCheck, work: Pass, size: int = 0) -> None:
        """Prepare for a file.

        Args:
            check: checks the records.
            work: the pass.
            size: the size of the file in bytes, compressed or not.
        """
        self.check = check
        self.work = work
        self._head_size = min(HEAD, HEAD_IN_COLUMNS) if size >= LARGE or _loops_are_loaded() else HEAD
        self.order = Order()
        #: INFO tags of the records so far.
        self.tags: dict[str, None] = {}

    def pieces(self, reader: Reader) -> Iterator[Piece]:
        """Yield the pieces of the reader's remaining lines. Raises the errors of RecordCheck, and Unsorted."""
        yield from self.work.batches(self._head(reader))
        plain: PlainRecords | None = None
        for first, data in self._blocks(reader):
            if not self._in_blocks():
                yield from self.singly(first, lines_of(data))
                continue
            if plain is None:
                plain = _plain_records(self)
            yield from plain.pieces(first, data)

    def singly(self, first: int, lines: Sequence[str], checked: Sequence[Record | None] = ()) -> Iterator[Piece]:
        """Yield pieces of lines that are checked one by one.

        Args:
            first: the number of the first line.
            lines: the lines.
            checked: the results of `one` for the first of the lines, which are not checked again.
        """
        rest = (self.one(number, line) for number, line in enumerate(lines[len(checked) :], first + len(checked)))
        yield from self.work.batches(record for record in chain(checked, rest) if record is not None)

    def learn(self, record: Record) -> None:
        """Add the INFO tags of a record to `tags`, until MOST_TAGS are known."""
        if len(self.tags) < MOST_TAGS and record.info:
            self.tags.update(dict.fromkeys(entry.partition("=")[0] for entry in record.info.split(";")))

    def _head(self, reader: Reader) -> Iterator[Record]:
        size = alleles = 0
        contig = ""
        written: list[Span] = []  # REF of the contig's records
        full = False
        for number, line in reader.lines():
            if full and written and self._apart(contig, written, line):
                reader.put_back(number, line)
                return
            record = self.one(number, line)
            if record is not None:
                alleles += len(record.predictable)
                if record.contig != contig:
                    contig, written = record.contig, []
                written.append((record.pos, record.pos + len(record.ref) - 1))
                yield record
            size += len(line)
            full = size >= self._head_size and alleles >= PREVIEW and self._in_blocks()
            if full and (not self.check.samples or size >= self._head_size + MOST_TOGETHER):
                return

    def _apart(self, contig: str, written: list[Span], line: str) -> bool:
        """Return whether the next line is a record, and not a neighbor of any record before it."""
        own, pos, _ = self._place(line.encode("latin-1"))
        if not own:
            return False
        return own != contig or not are_tied(ties(self.work.reference.gene_models, own, pos), written)

    def _blocks(self, reader: Reader) -> Iterator[tuple[int, bytes]]:
        """Yield blocks as Reader.blocks does, but never cut between neighbors: later lines go into the next block."""
        if not self.check.samples:
            yield from reader.blocks(SIZE)
            return
        held, held_first = b"", 0
        for number, block in reader.blocks(SIZE):
            first, data = (held_first, held + block) if held else (number, block)
            cut = self._seam(data)
            if not cut and len(data) >= MOST_TOGETHER:
                cut = len(data)
            if cut:
                yield first, data[:cut]
            held, held_first = data[cut:], first + data.count(b"\n", 0, cut)
        if held:
            yield held_first, held

    def _seam(self, data: bytes) -> int:
        """Return the offset of the last line that is not a neighbor of any line before it; 0 if there is none."""
        ahead = _Ahead(self._backwards(data))
        while (line := ahead.take()) is not None:
            begin, contig, (pos, _) = line
            found = ties(self.work.reference.gene_models, contig, pos)
            before = ahead.until(contig, min((low for low, _ in found), default=pos) - LONGEST)
            if before is None:
                return 0
            if not are_tied(found, sorted(before)):
                return begin
        return 0

    def _backwards(self, data: bytes) -> Iterator["_Line"]:
        """Yield the records of whole lines from the last to the first, without unusable lines."""
        begin = len(data)
        while begin:
            end, begin = begin, data.rfind(b"\n", 0, begin - 1) + 1
            contig, pos, last = self._place(data[begin:end])
            if contig:
                yield begin, contig, (pos, last)

    def _place(self, line: bytes) -> tuple[str, int, int]:
        """Return a record's contig, and the first and last base of its REF; ("", 0, 0) if it is off the reference."""
        name, pos, _, ref, *_ = *line.split(b"\t", 4), b"", b"", b"", b""
        contig = self.work.reference.canonical(name.decode("latin-1"))
        if contig is None or not pos.isdigit() or len(pos) > MOST_DIGITS:
            return "", 0, 0
        last = int(pos) + len(ref) - 1
        fits = int(pos) > 0 and last <= self.work.reference.lengths[contig]
        return (contig, int(pos), last) if fits else ("", 0, 0)

    def one(self, number: int, line: str) -> Record | None:
        """Check a line with RecordCheck.check, and register its record's position and tags. Raises Unsorted."""
        record = self.check.check(number, line)
        if record is not None:
            self.order.add(record.contig, record.pos, number)
            self.learn(record)
        return record

    def _in_blocks(self) -> bool:
        """Return whether blocks can be used: not for references with known variants of their own."""
        return not self.work.reference.known and self.check.looks is not None


#: The offset of a line, its contig, and the first and last base of its REF.
_Line = tuple[int, str, Span]


class _Ahead:
    """An iterator of lines that can look ahead: lines can be read before they are taken."""

    def __init__(self, lines: Iterator[_Line]) -> None:
        self._lines = lines
        self._waiting: deque[_Line] = deque()

    def take(self) -> _Line | None:
        """Return the next line; None at the end."""
        return self._waiting.popleft() if self._waiting else next(self._lines, None)

    def until(self, contig: str, position: int) -> list[Span] | None:
        """Read ahead while lines are on a contig and at or after a position.

        Returns:
            The spans of the contig's lines that have been read and not taken; None if no line is left.
        """
        while not self._waiting or (self._waiting[-1][1] == contig and self._waiting[-1][2][0] >= position):
            line = next(self._lines, None)
            if line is None:
                break
            self._waiting.append(line)
        if not self._waiting:
            return None
        return [span for _, own, span in self._waiting if own == contig]


_begun = count()


def _loops_are_loaded() -> bool:
    """Return whether the compiled loops are in memory, so that small files are annotated faster with them.

    Loading them takes longer than annotating a small file, so a process loads them for its second file: more files are
    likely to follow. Nothing is compiled.
    """
    if not next(_begun) and "annotator.run.columnar.plain" not in sys.modules:
        return False
    from annotator.run.columnar import compiled, plain  # noqa: F401, PLC0415 - plain imports all loops

    return compiled.are_loaded()


def _plain_records(cutter: Cutter) -> "PlainRecords":
    # Imported here, so that a small file does not wait for Numba.
    from annotator.run.columnar.plain import PlainRecords  # noqa: PLC0415

    return PlainRecords(cutter)
