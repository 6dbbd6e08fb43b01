"""One pass over a file: source -> checks -> bcftools csq -> composed records -> bgzip, all at the same time.

Three threads move the data: one reads, checks and feeds csq; one takes csq's answers; one puts them into the records,
compresses and writes these, and has bcftools read them. The caller's thread watches over them, so its callbacks, and
signals, find it at any time.
What they hand on are pieces of a file: records one by one (Batch), or in columns (annotator.blocks), of one contig.

csq is given each allele as a bare record of its own (contig, position, number, REF, ALT), in normal form, and the
answers are put back into the original record. So nothing of a file can upset it, no column is reformatted on the way,
an answer always belongs to one allele, however the file writes it, and the work does not grow with the number of
samples.

Normal forms lie to the left of what the file has, by a repeat's length: those of a piece are sorted anew, and the first
of the next piece may lie before them. csq, which looks at each record alone, takes that; it may only give back what is
on one position together. Therefore the numbers. In front of the first record of a contig it takes none: so each contig
is begun with a line at its first base, of which nothing is asked.

A run of csq knows one genetic code. Where the contigs of a reference have several, csq is run anew at each change, one
run after the other, since the records come contig by contig.
"""

import queue
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from itertools import chain, groupby
from pathlib import Path
from subprocess import PIPE
from typing import NamedTuple

from annotator import phasing, tabix
from annotator.answers import Answers
from annotator.batch import Batch
from annotator.bcftools import Tool
from annotator.bgzf import BgzfWriter
from annotator.compose import Composer
from annotator.errors import EngineError, InputError
from annotator.findings import Findings
from annotator.phasing import Combination
from annotator.pieces import BLANK, Piece
from annotator.preflight.reader import human_bytes
from annotator.preflight.records import Record
from annotator.reading import Reading
from annotator.references import Reference
from annotator.regions import Places
from annotator.sources.lookup import Lookups
from annotator.sources.matching import Variant, Window
from annotator.summary import Summary

BATCH = 64 * 1024
#: Of a reference whose genes are in slices, so much of a file is read before csq is started, in bytes of its records.
#: If that is all of it, csq is given the genes near its records alone.
LOOK_AHEAD = 4 * 1024 * 1024

#: So much of a file, in bytes of its records, waits for csq's answers at most; and always so many pieces, without
#: which what csq's buffers hold back might never come.
WAITING, WAITING_PIECES = 6 * 1024 * 1024, 4

#: --local-csq: one record at a time, see docs/annotation.md. --force: a contig without genes is no error.
CSQ_OPTIONS = ["--local-csq", "--force", "--no-version"]


class Stopped(Exception):
    """The pass was told to stop."""


class Unsorted(Exception):
    """A record lies before the one in front of it."""

    def __init__(self, line: int) -> None:
        super().__init__(line)
        self.line = line


class _Waiting(NamedTuple):
    """A piece that waits: its size, and where csq is asked; see Piece."""

    size: int
    contig: str
    first: int
    last: int


class Order:
    """Watches over the order of records; a contig must not be come back to."""

    def __init__(self) -> None:
        self._contig, self._pos = "", 0
        self._done: set[str] = set()

    def add(self, contig: str, pos: int, line: int) -> None:
        """Take note of a record, or of several in order of which this is the first. Raises Unsorted."""
        if contig != self._contig:
            if contig in self._done:
                raise Unsorted(line)
            self._done.add(contig)
            self._contig = contig
        elif pos < self._pos:
            raise Unsorted(line)
        self._pos = pos


class Pass:
    """One pass; `run` it in the caller's thread."""

    def __init__(
        self,
        reference: Reference,
        body: Path,
        start_tool: Callable[[str, list[str | Path], int, int], Tool],
        sources: Lookups,
        reading: Reading,
        *,
        output_bytes: int,
    ) -> None:
        """output_bytes: the most that the annotated records may have, before they are packed."""
        self.reference = reference
        self.sources = sources
        self._reading = reading
        self._output_bytes = output_bytes
        self._written = 0
        #: Bases for the feeding side.
        self.fetch = Window(reference.sequence.fetch).fetch
        self._body = body
        self._start_tool = start_tool
        self.composer = Composer(reference)
        self._pending: queue.SimpleQueue[Piece | None] = queue.SimpleQueue()  # None: a run of csq gets no more
        self._stop = threading.Event()
        self._starting = threading.Lock()  # no run of csq begins once the pass has been stopped
        self._tools: list[Tool] = []
        self._started: queue.SimpleQueue[Tool | None] = queue.SimpleQueue()  # None: there are no more
        self._turn = threading.Condition()  # what waits has become less, or the pass is over
        self._waiting: deque[_Waiting] = deque()  # for csq's answers
        self._fed = 0
        self._feeder_error: BaseException | None = None
        self._collector_error: BaseException | None = None
        clinical = [lookup.source for lookup in sources]
        self.summary = Summary(Findings(reference, clinical, built_in=len(reference.known) > 0))
        #: Where the records are in the body, and where its bgzip blocks begin, with the end of the last.
        self.index = tabix.Index()
        self.blocks: Sequence[int] = ()
        #: csq's own header line for BCSQ.
        self.bcsq_definition = ""

    def check(self) -> None:
        """Raise Stopped once the pass is over; for the feeding side to call often."""
        if self._stop.is_set():
            raise Stopped

    def run(self, pieces: Callable[[], Iterator[Piece]], watch: Callable[[], None]) -> None:
        """Annotate the records. watch is called about ten times a second and may raise to end the pass.

        Raises what reading the records raised, or EngineError.
        """
        feeder = threading.Thread(target=self._feed, args=(pieces,), name="annotator-feeder", daemon=True)
        collector = threading.Thread(target=self._collect, name="annotator-collector", daemon=True)
        try:
            if not self.reference.has_slices and len(self.reference.genetic_codes) == 1:
                self._start_csq(self.reference.contigs[0].genetic_code, None)  # while the first records are read
            feeder.start()
            collector.start()
            for thread in (collector, feeder):
                while thread.is_alive():
                    watch()
                    thread.join(0.1)
            if self._feeder_error is None and self._collector_error is None:
                for csq in self._tools:
                    csq.wait(watch)
        except BaseException:
            self._reading.kill()  # whoever writes to it must not wait for it
            raise
        finally:
            self._end()
            self._started.put(None)
            self._pending.put(None)
            for thread in (feeder, collector):
                if thread.ident is not None:
                    thread.join()
            for csq in self._tools:
                csq.close()
        self._judge()

    def _start_csq(self, code: int, contigs: Iterable[str] | None, places: Places | None = None) -> Tool:
        """Begin a run for records of these contigs, of any if None; and in these places alone, if they are known."""
        names = self.reference.lengths if contigs is None else contigs
        with self._starting:
            self.check()
            arguments: list[str | Path] = [
                *CSQ_OPTIONS,
                "--genetic-code",
                str(code),
                "--fasta-ref",
                self.reference.fasta,
                "--gff-annot",
                self.reference.gff_for(names, self._body.with_name(f"genes-{len(self._tools)}.gff3"), places),
                "-",
            ]
            csq = self._start_tool("csq", arguments, PIPE, PIPE)
            self._tools.append(csq)
        self._started.put(csq)
        return csq

    def _end(self) -> None:
        """Let no run of csq begin any more, and end those there are: nobody would read what they write."""
        with self._starting, self._turn:
            self._stop.set()
            self._turn.notify_all()
        self._kill()

    def _kill(self) -> None:
        for csq in list(self._tools):
            csq.kill()

    def _judge(self) -> None:
        """Raise the error that came first in the flow: what follows it is only its consequence."""
        broken_pipe = isinstance(self._feeder_error, BrokenPipeError | Stopped)
        if self._feeder_error is not None and not broken_pipe:
            raise self._feeder_error
        if self._collector_error is not None:  # csq was ended for it
            raise self._collector_error
        for csq in self._tools:
            if failure := csq.failure():
                raise failure
        if self._feeder_error is not None:
            raise EngineError("csq-closed", "bcftools csq closed its input early") from self._feeder_error
        if self.summary.records != self._fed:
            raise EngineError("csq-lost", "bcftools csq gave back another number of records than it was given")

    def _feed(self, pieces: Callable[[], Iterator[Piece]]) -> None:
        try:
            for csq, run in self._runs(pieces()):
                csq.stdin.write(self._bare_header())
                contig = ""
                for piece in run:
                    self._wait_for_room(piece)
                    self._fed += piece.records
                    self._pending.put(piece)
                    if piece.contig != contig:
                        contig = piece.contig
                        csq.stdin.write(self._first_line(contig))
                    csq.stdin.write(piece.bare())
                csq.stdin.close()
                self._pending.put(None)
        except BaseException as error:
            self._feeder_error = error
            if not isinstance(error, BrokenPipeError):
                self._kill()  # else the collector would wait for an end of csq's input
        finally:
            self._pending.put(None)
            self._started.put(None)

    def _wait_for_room(self, piece: Piece) -> None:
        """Wait until not too much waits for csq. Raises Stopped."""
        with self._turn:
            self._turn.wait_for(lambda: self._stop.is_set() or self._has_room(piece))
            self.check()
            self._waiting.append(_Waiting(piece.size, piece.contig, *piece.span()))

    def _has_room(self, piece: Piece) -> bool:
        """Whether another piece may wait. csq gives back nothing of a position before it has seen another one: pieces
        that it holds for that do not count, as more of them will not have it answer.
        """
        loose = list(self._waiting)
        held = (loose[-1].contig, loose[-1].last) if loose else None
        while loose and (loose[-1].contig, loose[-1].last) == held:
            if (one := loose.pop()).first != one.last:
                break
        return len(loose) < WAITING_PIECES or sum(one.size for one in loose) + piece.size <= WAITING

    def _runs(self, pieces: Iterator[Piece]) -> Iterator[tuple[Tool, Iterator[Piece]]]:
        """Cut the pieces where the genetic code changes, and give each run a csq."""
        if self._tools:
            yield self._tools[0], pieces
            return
        reference = self.reference
        codes = reference.genetic_codes
        if len(codes) == 1:
            groups: Iterable[tuple[int, Iterator[Piece]]] = [(next(iter(codes)), pieces)]
        else:
            code_of = {contig: code for code, names in codes.items() for contig in names}
            groups = groupby(pieces, key=lambda piece: code_of[piece.contig])
        for code, group in groups:
            head, size, whole = [], 0, True
            for piece in group:
                head.append(piece)
                size += piece.size
                if size > LOOK_AHEAD:
                    whole = False
                    break
            if whole:
                places: dict[str, list[tuple[int, int]]] = {piece.contig: [] for piece in head}
                for piece in head:
                    places[piece.contig] += piece.places()
                yield self._start_csq(code, places, places), iter(head)
            else:
                yield self._start_csq(code, codes[code]), chain(head, group)
        if not self._tools:  # no record at all: csq's header is wanted all the same
            yield self._start_csq(reference.genetic_code, ()), iter(())

    def _bare_header(self) -> bytes:
        contigs = "".join(f"##contig=<ID={name},length={size}>\n" for name, size in self.reference.lengths.items())
        text = f"##fileformat=VCFv4.2\n{contigs}#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\n"
        return text.encode("ascii")

    def _first_line(self, contig: str) -> bytes:
        return f"{contig}\t1\t0\t{self.fetch(contig, 1, 1)}\t.{BLANK}".encode("ascii")

    def _collect(self) -> None:
        try:
            with self._body.open("wb") as file:
                writer = BgzfWriter(file)
                with Behind(partial(self._write, writer)) as behind:
                    for csq in iter(self._started.get, None):
                        if not self._collect_one(csq, behind):
                            self._end()
                            return
                writer.finish()
            self.blocks = writer.blocks
        except BaseException as error:
            self._collector_error = error
            self._end()

    def _write(self, writer: BgzfWriter, piece: Piece) -> None:
        data = piece.lines()
        self._written += len(data)
        if self._written > self._output_bytes:
            raise InputError(
                "result-too-large",
                f"The annotated file would be larger than {human_bytes(self._output_bytes)}, the most that is allowed.",
                "Split the file, by chromosome for example, and upload the parts.",
            )
        writer.write(data)
        self.index.add(*piece.indexed(), len(data))
        self._reading.write(piece.unproven())

    def _collect_one(self, csq: Tool, writer: "Behind") -> bool:
        """Write what a run of csq has found; False if it was ended in the middle."""
        answers = Answers(csq.stdout)
        contig = ""
        for piece in self._ahead(answers):
            if piece.contig != contig:
                contig = piece.contig
                if answers.take(1) is None:
                    return False
            lines = answers.take(piece.asked)
            if lines is None:
                return False
            piece.answer(lines)
            writer.write(piece)
            with self._turn:
                self._waiting.popleft()
                self._turn.notify()
        if not answers.ended():
            raise EngineError("csq-lost", "bcftools csq gave back more records than it was given")
        self.bcsq_definition = answers.definition
        return True

    def _ahead(self, answers: Answers) -> Iterator[Piece]:
        """The pieces of a run, in order. As long as csq, which reads its genes first, has not answered, those that wait
        are prepared meanwhile.
        """
        waiting: deque[Piece] = deque()
        more = True
        while more or waiting:
            while more and not (waiting and (self._pending.empty() or answers.begun())):
                piece = self._pending.get()
                if piece is None:
                    more = False
                    break
                if isinstance(piece, Batch) and not answers.begun():
                    piece.prepare()
                waiting.append(piece)
            if waiting:
                yield waiting.popleft()

    def batches(self, records: Iterable[Record]) -> Iterator[Batch]:
        """Gather records to pieces."""
        batch: list[Record] = []
        size = 0
        for record in records:
            if batch and (record.contig != batch[0].contig or (size >= BATCH and self._cut(batch[-1], record, size))):
                yield Batch(batch, self)
                batch, size = [], 0
            batch.append(record)
            size += len(record.left) + len(record.info) + len(record.tail)
        if batch:
            yield Batch(batch, self)

    def _cut(self, before: Record, record: Record, size: int) -> bool:
        """Whether a piece of that size, in characters, may end in front of a record, whose neighbour may be in it."""
        if not record.tail or size >= phasing.MOST_TOGETHER:
            return True
        return not phasing.bound(self.reference.features, record.contig, before.pos, record.pos)

    def combinations(self, records: Sequence[Record], variants: Sequence[Variant]) -> list[Combination]:
        """What lies together in the samples of a piece; see phasing.combinations. For the feeding side."""
        if not records:
            return []
        # Calls on mitochondria tell how many of a cell's many molecules have an allele, and not which ones.
        phased = self.reference.hgvs_prefix_of(records[0].contig) != "m"
        return phasing.combinations(records, variants, self.reference.features, self.fetch, phased=phased)

    def told(self, combinations: Sequence[Combination], answers: Iterable[str], contig: str) -> Mapping[Variant, str]:
        """What is written of combinations, which are counted; answers: csq's to them. For the collecting side."""
        found, count = phasing.told(zip(combinations, answers, strict=True), contig, self.composer)
        self.summary.phased += count
        return found


class Behind:
    """Writes in a thread of its own, one piece behind. Use as a context manager; an error of one piece comes with the
    next.
    """

    def __init__(self, write: Callable[[Piece], None]) -> None:
        self._write = write
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="annotator-writer")
        self._last: Future[None] | None = None

    def __enter__(self) -> "Behind":
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        with self._thread:
            if self._last is not None and kind is None:
                self._last.result()

    def write(self, piece: Piece) -> None:
        if self._last is not None:
            self._last.result()
        self._last = self._thread.submit(self._write, piece)
