"""One pass over a file: source -> checks -> bcftools csq -> composed records -> bgzip, all at the same time.

Two threads move the data: one reads, checks and feeds csq; the other takes csq's answers and writes. The caller's
thread watches over them, so its callbacks, and signals, find it at any time.

csq is given each allele as a bare record of its own (contig, position, REF, ALT) and the answers are put back into the
original record. So nothing of a file can upset it, no column is reformatted on the way, an answer always belongs to one
allele, and the work does not grow with the number of samples.
"""

import threading
from collections import deque
from collections.abc import Callable, Iterator
from pathlib import Path
from subprocess import PIPE

from annotator.bcftools import Tool
from annotator.bgzf import BgzfWriter
from annotator.compose import Composer, predictable
from annotator.errors import EngineError
from annotator.preflight.records import Record
from annotator.references import Reference
from annotator.summary import Summary

BATCH = 64 * 1024
#: A bare record is padded to this share of the original's length. What waits in csq's buffers and in the pipes is then
#: bounded in bytes of the originals too, however many samples they have.
PADDING = 8

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
    ) -> None:
        self._reference = reference
        self._body = body
        self._start_tool = start_tool
        self._composer = Composer(reference)
        self._pending: deque[Record] = deque()
        self._stop = threading.Event()
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
        arguments: list[str | Path] = [
            *CSQ_OPTIONS,
            "--genetic-code",
            str(self._reference.genetic_code),
            "--fasta-ref",
            self._reference.fasta,
            "--gff-annot",
            self._reference.gff,
            "-",
        ]
        csq = self._start_tool("csq", arguments, PIPE, PIPE)
        feeder = threading.Thread(target=self._feed, args=(csq, records), name="annotator-feeder", daemon=True)
        collector = threading.Thread(target=self._collect, args=(csq,), name="annotator-collector", daemon=True)
        try:
            feeder.start()
            collector.start()
            for thread in (collector, feeder):
                while thread.is_alive():
                    watch()
                    thread.join(0.1)
            if self._feeder_error is None and self._collector_error is None:
                csq.process.wait()
        finally:
            self._stop.set()
            csq.kill()
            for thread in (feeder, collector):
                if thread.ident is not None:
                    thread.join()
            csq.close()
        self._judge(csq)

    def _judge(self, csq: Tool) -> None:
        """Raise the error that came first in the flow: what follows it is only its consequence."""
        broken_pipe = isinstance(self._feeder_error, OSError)
        if self._feeder_error is not None and not broken_pipe:
            raise self._feeder_error
        failure = csq.failure()
        if failure is not None:
            raise failure
        if self._collector_error is not None:
            raise self._collector_error
        if self._feeder_error is not None:
            raise EngineError("csq-closed", "bcftools csq closed its input early") from self._feeder_error
        if self._pending or self.summary.records != self._fed:
            raise EngineError("csq-lost", "bcftools csq gave back another number of records than it was given")

    def _feed(self, csq: Tool, records: Callable[[], Iterator[Record]]) -> None:
        stdin = csq.stdin
        try:
            stdin.write(self._bare_header())
            batch: list[str] = []
            size = 0
            for record in records():
                lines = _bare(record)
                self._pending.append(record)
                self._fed += 1
                batch.append(lines)
                size += len(lines)
                if size >= BATCH:
                    self.check()
                    stdin.write("".join(batch).encode("latin-1"))
                    batch, size = [], 0
            stdin.write("".join(batch).encode("latin-1"))
            stdin.close()
        except BaseException as error:
            self._feeder_error = error
            if not isinstance(error, OSError):
                csq.kill()  # else the collector would wait for an end of csq's input

    def _bare_header(self) -> bytes:
        contigs = "".join(f"##contig=<ID={name},length={size}>\n" for name, size in self._reference.lengths.items())
        text = f"##fileformat=VCFv4.2\n{contigs}#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\n"
        return text.encode("ascii")

    def _collect(self, csq: Tool) -> None:
        stdout = csq.stdout
        try:
            with self._body.open("wb") as file:
                writer = BgzfWriter(file)
                answers: list[str] = []
                for line in stdout:
                    if line.startswith(b"#"):
                        if line.startswith(b"##INFO=<ID=BCSQ,"):
                            self.bcsq_definition = line.decode("ascii").rstrip("\n")
                        continue
                    if not line.endswith(b"\n"):
                        return  # csq was ended in the middle of a line
                    answers.append(self._answer(line))
                    record = self._pending[0]
                    wanted = predictable(record)
                    if len(answers) < len(wanted):
                        continue
                    self._pending.popleft()
                    writer.write(self._compose(record, answers if wanted else []))
                    answers = []
                writer.finish()
        except BaseException as error:
            self._collector_error = error
            csq.kill()

    def _answer(self, line: bytes) -> str:
        columns = line.rstrip(b"\n").split(b"\t")
        record = self._pending[0]
        if int(columns[1]) != record.pos:
            raise EngineError("csq-order", "bcftools csq gave its records back in another order")
        info = columns[7]
        return info[5:].decode("ascii") if info.startswith(b"BCSQ=") else ""

    def _compose(self, record: Record, answers: list[str]) -> bytes:
        alleles = self._composer.alleles(record, answers)
        self.summary.add(record, alleles)
        columns = [record.left, self._composer.info(record, alleles)]
        if record.tail:
            columns.append(record.tail)
        return ("\t".join(columns) + "\n").encode("latin-1")


def _bare(record: Record) -> str:
    wanted = predictable(record) or ["."]
    size = len(record.left) + len(record.info) + len(record.tail)
    padding = "x" * (size // (PADDING * len(wanted)) - 40) or "."
    start = f"{record.contig}\t{record.pos}\t{padding}\t{record.ref}\t"
    return "".join(f"{start}{alt}\t.\t.\t.\n" for alt in wanted)
