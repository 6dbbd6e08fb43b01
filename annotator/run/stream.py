"""One pass over a file: source -> checks -> annotation -> bgzip, all at the same time.

Two threads process the data: one reads, checks and annotates; the other writes the annotated lines, compresses them,
and passes them to bcftools. The caller's thread watches both, so it can run callbacks and handle signals at any time.
The threads exchange pieces of a file. A piece has records of one contig, either one by one (Batch) or in columns
(annotator.run.columnar).
"""

import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from pathlib import Path

from annotator.effects.consequences import Choice
from annotator.effects.neighbors import MOST_TOGETHER, are_tied, ties
from annotator.effects.normalize import Variant, Window
from annotator.effects.transcript import Span
from annotator.errors import EngineError, InputError
from annotator.formats import tabix
from annotator.formats.bgzf import BgzfWriter
from annotator.preflight.reader import human_bytes
from annotator.preflight.record import Record
from annotator.reference.pack import Reference
from annotator.run import phased_changes
from annotator.run.composer import Composer
from annotator.run.outputs.readback import Reading
from annotator.run.outputs.summary import Summary
from annotator.run.phased_descriptions import phased_descriptions
from annotator.run.piece import Piece
from annotator.run.record_piece import Batch
from annotator.sources.findings import Findings
from annotator.sources.lookup import Lookups

#: Characters of records after which a piece may end.
BATCH = 64 * 1024


class Stopped(Exception):
    """The pass was stopped."""


class Unsorted(Exception):
    """A record is out of order; `line` is the number of its line."""

    def __init__(self, line: int) -> None:
        super().__init__(line)
        self.line = line


class Order:
    """Checks the order of records: positions must not decrease, and a contig must not appear again."""

    def __init__(self) -> None:
        self._contig, self._pos = "", 0
        self._done: set[str] = set()

    def add(self, contig: str, pos: int, line: int) -> None:
        """Check the next record, or the first of several sorted records.

        Args:
            contig: the contig of the record.
            pos: its position.
            line: the number of its line.

        Raises:
            Unsorted: the record is out of order.
        """
        if contig != self._contig:
            if contig in self._done:
                raise Unsorted(line)
            self._done.add(contig)
            self._contig = contig
        elif pos < self._pos:
            raise Unsorted(line)
        self._pos = pos


class Pass:
    """One pass over a file. Call `run` in the caller's thread.

    Args:
        reference: the reference pack.
        body: the file for the annotated records: bgzip blocks without the end marker.
        sources: the open sources.
        reading: passes the written records to bcftools.
        output_bytes: maximum size of the annotated records, uncompressed.
        choice: the transcripts that get an entry in INFO/CSQ.
        predicted: whether protein descriptions are in parentheses.
    """

    def __init__(
        self,
        reference: Reference,
        body: Path,
        sources: Lookups,
        reading: Reading,
        *,
        output_bytes: int,
        choice: Choice = Choice.ALL,
        predicted: bool = False,
    ) -> None:
        self.reference = reference
        self.sources = sources
        self.composer = Composer(reference, choice, predicted=predicted)
        #: Returns bases of the reference. For the annotating thread only.
        self.fetch = Window(reference.sequence.fetch).fetch
        clinical = [lookup.source for lookup in sources]
        self.summary = Summary(Findings(reference, clinical, built_in=len(reference.known) > 0))
        #: The places of the records in the body; the offsets of its bgzip blocks, and the end of the last block.
        self.index = tabix.Index()
        self.blocks: Sequence[int] = ()
        self._body = body
        self._reading = reading
        self._output_bytes = output_bytes
        self._written = 0
        self._read = 0
        self._stop = threading.Event()
        self._error: BaseException | None = None

    def check(self) -> None:
        """Raise Stopped if the pass is over. Readers of records call this method often."""
        if self._stop.is_set():
            raise Stopped

    def run(self, pieces: Callable[[], Iterator[Piece]], watch: Callable[[], None]) -> None:
        """Annotate the records.

        Args:
            pieces: called once, in another thread.
            watch: called about ten times a second; may raise to end the pass.

        Raises:
            Exception: any error that reading or annotating the records raised.
            EngineError: a record was lost.
        """
        thread = threading.Thread(target=self._annotate, args=(pieces,), name="annotator", daemon=True)
        try:
            thread.start()
            while thread.is_alive():
                watch()
                thread.join(0.1)
        except BaseException:
            self._reading.kill()  # so that the writing thread does not wait for bcftools
            raise
        finally:
            self._stop.set()
            if thread.ident is not None:
                thread.join()
        if self._error is not None:
            raise self._error
        if self.summary.records != self._read:
            raise EngineError("records-lost", "another number of records was annotated than was read")

    def _annotate(self, pieces: Callable[[], Iterator[Piece]]) -> None:
        try:
            with self._body.open("wb") as file:
                writer = BgzfWriter(file)
                with Behind(partial(self._write, writer)) as behind:
                    for piece in pieces():
                        self.check()
                        self._read += piece.records
                        piece.annotate()
                        behind.write(piece)
                writer.finish()
            self.blocks = writer.blocks
        except BaseException as error:
            self._error = error

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

    def batches(self, records: Iterable[Record]) -> Iterator[Batch]:
        """Group records into pieces."""
        batch: list[Record] = []
        written: list[Span] = []
        size = 0
        for record in records:
            if batch and (record.contig != batch[0].contig or (size >= BATCH and self._cut(written, record, size))):
                yield Batch(batch, self)
                batch, written, size = [], [], 0
            batch.append(record)
            written.append((record.pos, record.pos + len(record.ref) - 1))
            size += len(record.left) + len(record.info) + len(record.tail)
        if batch:
            yield Batch(batch, self)

    def _cut(self, written: Sequence[Span], record: Record, size: int) -> bool:
        """Return whether a piece may end before a record: a short piece must not be cut between neighbors.

        Args:
            written: the first and last base of the REF of each record of the piece.
            record: the next record.
            size: the characters of the piece.
        """
        if not record.tail or size >= MOST_TOGETHER:
            return True
        found = ties(self.reference.gene_models, record.contig, record.pos)
        return not are_tied(found, written)

    def phased(self, records: Sequence[Record], variants: Sequence[Variant]) -> Mapping[Variant, str]:
        """Return GAS_PHASED, escaped, by normal form, for the alleles of a piece that lie together with others.

        Also counts the combinations in the summary.

        Args:
            records: the records of a piece.
            variants: the normal forms of their predictable alleles.
        """
        if not records:
            return {}
        contig, models = records[0].contig, self.reference.gene_models
        # Mitochondrial calls show how many of a cell's molecules have an allele, but not which molecules.
        phased = not self.composer.is_mitochondrial(contig)
        together = phased_changes.combinations(records, variants, models, self.fetch, phased=phased)
        fetch = partial(self.reference.sequence.fetch, contig)
        genomic, protein = partial(self.composer.genomic, contig), self.composer.protein
        found, count = phased_descriptions(together, fetch, genomic, protein)
        self.summary.phased += count
        return found


class Behind:
    """Write each piece in a separate thread while the caller makes the next one. Use as a context manager.

    An error in writing one piece is raised by the next call of `write`, or at the end of the block.
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
        """Wait for the previous piece, raise its error if it has one, and start to write this piece."""
        if self._last is not None:
            self._last.result()
        self._last = self._thread.submit(self._write, piece)
