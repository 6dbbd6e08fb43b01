"""One pass over a file: source -> checks -> bcftools csq -> composed records -> bgzip, all at the same time.

Two threads move the data: one reads, checks and feeds csq; the other takes csq's answers and writes. The caller's
thread watches over them, so its callbacks, and signals, find it at any time.

csq is given each allele as a bare record of its own (contig, position, REF, ALT) and the answers are put back into the
original record. So nothing of a file can upset it, no column is reformatted on the way, an answer always belongs to one
allele, and the work does not grow with the number of samples.

A run of csq knows one genetic code. Where the contigs of a reference have several, csq is run anew at each change, one
run after the other, since the records come contig by contig.
"""

import queue
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from itertools import chain, groupby
from pathlib import Path
from subprocess import PIPE

from annotator.bcftools import Tool
from annotator.bgzf import BgzfWriter
from annotator.compose import Composer, predictable
from annotator.errors import EngineError
from annotator.preflight.records import Record
from annotator.references import Reference
from annotator.sources.lookup import Lookups
from annotator.summary import Summary

BATCH = 64 * 1024
#: A bare record is padded to this share of the original's length. What waits in csq's buffers and in the pipes is then
#: bounded in bytes of the originals too, however many samples they have.
PADDING = 8
#: Of a reference whose genes are in slices, so much of a file is read before csq is started, in bytes of its records.
#: If that is all of it, csq is given the genes of its contigs alone.
LOOK_AHEAD = 4 * 1024 * 1024

#: --local-csq: one record at a time, see docs/annotation.md. --force: a contig without genes is no error.
CSQ_OPTIONS = ["--local-csq", "--force", "--no-version"]


class Stopped(Exception):
    """The pass was told to stop."""


class Unsorted(Exception):
    """A record lies before the one in front of it."""

    def __init__(self, line: int) -> None:
        super().__init__(line)
        self.line = line


def in_order(records: Iterator[Record]) -> Iterator[Record]:
    """Pass records on; raise Unsorted at the first that is not in order, or comes back to a contig."""
    contig, pos = "", 0
    done: set[str] = set()
    for record in records:
        if record.contig != contig:
            if record.contig in done:
                raise Unsorted(record.line)
            done.add(record.contig)
            contig, pos = record.contig, record.pos
        elif record.pos < pos:
            raise Unsorted(record.line)
        else:
            pos = record.pos
        yield record


class Pass:
    """One pass; `run` it in the caller's thread."""

    def __init__(
        self,
        reference: Reference,
        body: Path,
        start_tool: Callable[[str, list[str | Path], int, int], Tool],
        sources: Lookups,
    ) -> None:
        self._reference = reference
        self.sources = sources
        self._body = body
        self._start_tool = start_tool
        self._composer = Composer(reference)
        self._pending: deque[tuple[Record, str]] = deque()  # with what its INFO gets from sources
        self._stop = threading.Event()
        self._starting = threading.Lock()  # no run of csq begins once the pass has been stopped
        self._tools: list[Tool] = []
        self._started: queue.SimpleQueue[Tool | None] = queue.SimpleQueue()  # None: there are no more
        self._fed = 0
        self._feeder_error: BaseException | None = None
        self._collector_error: BaseException | None = None
        self.summary = Summary()
        #: csq's own header line for BCSQ.
        self.bcsq_definition = ""

    def check(self) -> None:
        """Raise Stopped once the pass is over; for the feeding side to call often."""
        if self._stop.is_set():
            raise Stopped

    def run(self, records: Callable[[], Iterator[Record]], watch: Callable[[], None]) -> None:
        """Annotate the records. watch is called about ten times a second and may raise to end the pass.

        Raises what reading the records raised, or EngineError.
        """
        feeder = threading.Thread(target=self._feed, args=(records,), name="annotator-feeder", daemon=True)
        collector = threading.Thread(target=self._collect, name="annotator-collector", daemon=True)
        try:
            if not self._reference.has_slices and len(self._reference.genetic_codes) == 1:
                self._start_csq(self._reference.contigs[0].genetic_code, None)  # while the first records are read
            feeder.start()
            collector.start()
            for thread in (collector, feeder):
                while thread.is_alive():
                    watch()
                    thread.join(0.1)
            if self._feeder_error is None and self._collector_error is None:
                for csq in self._tools:
                    csq.process.wait()
        finally:
            self._end()
            self._started.put(None)
            for thread in (feeder, collector):
                if thread.ident is not None:
                    thread.join()
            for csq in self._tools:
                csq.close()
        self._judge()

    def _start_csq(self, code: int, contigs: Iterable[str] | None) -> Tool:
        """Begin a run for records of these contigs; of any, if None."""
        names = self._reference.lengths if contigs is None else contigs
        with self._starting:
            self.check()
            arguments: list[str | Path] = [
                *CSQ_OPTIONS,
                "--genetic-code",
                str(code),
                "--fasta-ref",
                self._reference.fasta,
                "--gff-annot",
                self._reference.gff_for(names, self._body.with_name(f"genes-{len(self._tools)}.gff3.gz")),
                "-",
            ]
            csq = self._start_tool("csq", arguments, PIPE, PIPE)
            self._tools.append(csq)
        self._started.put(csq)
        return csq

    def _end(self) -> None:
        """Let no run of csq begin any more, and end those there are: nobody would read what they write."""
        with self._starting:
            self._stop.set()
        self._kill()

    def _kill(self) -> None:
        for csq in list(self._tools):
            csq.kill()

    def _judge(self) -> None:
        """Raise the error that came first in the flow: what follows it is only its consequence."""
        broken_pipe = isinstance(self._feeder_error, BrokenPipeError | Stopped)
        if self._feeder_error is not None and not broken_pipe:
            raise self._feeder_error
        for csq in self._tools:
            if failure := csq.failure():
                raise failure
        if self._collector_error is not None:
            raise self._collector_error
        if self._feeder_error is not None:
            raise EngineError("csq-closed", "bcftools csq closed its input early") from self._feeder_error
        if self._pending or self.summary.records != self._fed:
            raise EngineError("csq-lost", "bcftools csq gave back another number of records than it was given")

    def _feed(self, records: Callable[[], Iterator[Record]]) -> None:
        try:
            for csq, run in self._runs(records()):
                csq.stdin.write(self._bare_header())
                self._feed_one(csq, run)
                csq.stdin.close()
        except BaseException as error:
            self._feeder_error = error
            if not isinstance(error, BrokenPipeError):
                self._kill()  # else the collector would wait for an end of csq's input
        finally:
            self._started.put(None)

    def _runs(self, records: Iterator[Record]) -> Iterator[tuple[Tool, Iterator[Record]]]:
        """Cut the records where the genetic code changes, and give each run a csq."""
        if self._tools:
            yield self._tools[0], records
            return
        reference = self._reference
        codes = reference.genetic_codes
        if len(codes) == 1:
            groups: Iterable[tuple[int, Iterator[Record]]] = [(next(iter(codes)), records)]
        else:
            code_of = {contig: code for code, names in codes.items() for contig in names}
            groups = groupby(records, key=lambda record: code_of[record.contig])
        for code, group in groups:
            head, size, whole = [], 0, True
            for record in group:
                head.append(record)
                size += len(record.left) + len(record.info) + len(record.tail)
                if size > LOOK_AHEAD:
                    whole = False
                    break
            contigs = dict.fromkeys(record.contig for record in head) if whole else codes[code]
            yield self._start_csq(code, contigs), chain(head, group)
        if not self._tools:  # no record at all: csq's header is wanted all the same
            yield self._start_csq(reference.genetic_code, ()), iter(())

    def _feed_one(self, csq: Tool, records: Iterator[Record]) -> None:
        batch: list[Record] = []
        lines: list[str] = []
        size = 0
        for record in records:
            batch.append(record)
            lines.append(_bare(record))
            size += len(lines[-1])
            if size >= BATCH:
                self._send(csq, batch, lines)
                batch, lines, size = [], [], 0
        self._send(csq, batch, lines)

    def _send(self, csq: Tool, batch: list[Record], lines: list[str]) -> None:
        self.check()
        self._pending.extend(zip(batch, self.sources.info(batch), strict=True))
        self._fed += len(batch)
        csq.stdin.write("".join(lines).encode("latin-1"))

    def _bare_header(self) -> bytes:
        contigs = "".join(f"##contig=<ID={name},length={size}>\n" for name, size in self._reference.lengths.items())
        text = f"##fileformat=VCFv4.2\n{contigs}#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\n"
        return text.encode("ascii")

    def _collect(self) -> None:
        try:
            with self._body.open("wb") as file:
                writer = BgzfWriter(file)
                for csq in iter(self._started.get, None):
                    if not self._collect_one(csq, writer):
                        self._end()
                        return
                writer.finish()
        except BaseException as error:
            self._collector_error = error
            self._end()

    def _collect_one(self, csq: Tool, writer: BgzfWriter) -> bool:
        """Write what a run of csq has found; False if it was ended in the middle of a line."""
        answers: list[str] = []
        for line in csq.stdout:
            if line.startswith(b"#"):
                if line.startswith(b"##INFO=<ID=BCSQ,"):
                    self.bcsq_definition = line.decode("ascii").rstrip("\n")
                continue
            if not line.endswith(b"\n"):
                return False
            answers.append(self._answer(line))
            record, added = self._pending[0]
            wanted = predictable(record)
            if len(answers) < len(wanted):
                continue
            self._pending.popleft()
            writer.write(self._compose(record, answers if wanted else [], added))
            answers = []
        return True

    def _answer(self, line: bytes) -> str:
        columns = line.rstrip(b"\n").split(b"\t")
        record, _ = self._pending[0]
        if int(columns[1]) != record.pos:
            raise EngineError("csq-order", "bcftools csq gave its records back in another order")
        info = columns[7]
        return info[5:].decode("ascii") if info.startswith(b"BCSQ=") else ""

    def _compose(self, record: Record, answers: list[str], added: str) -> bytes:
        alleles = self._composer.alleles(record, answers)
        self.summary.add(record, alleles, added)
        columns = [record.left, self._composer.info(record, alleles, added)]
        if record.tail:
            columns.append(record.tail)
        return ("\t".join(columns) + "\n").encode("latin-1")


def _bare(record: Record) -> str:
    wanted = predictable(record) or ["."]
    size = len(record.left) + len(record.info) + len(record.tail)
    padding = "x" * (size // (PADDING * len(wanted)) - 40) or "."
    start = f"{record.contig}\t{record.pos}\t{padding}\t{record.ref}\t"
    return "".join(f"{start}{alt}\t.\t.\t.\n" for alt in wanted)
