"""One pass over a file: source -> checks -> annotation -> bgzip, all at the same time.

Two threads move the data: one reads, checks and annotates; one writes the annotated lines, compresses them, and has
bcftools read them. The caller's thread watches over both, so its callbacks, and signals, find it at any time.
The threads hand on pieces of a file: records one by one (Batch), or in columns (annotator.run.columnar), of one contig.
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

#: Characters of records that make a piece.
BATCH = 64 * 1024


class Stopped(Exception):
    """The pass was told to stop."""


class Unsorted(Exception):
    """A record lies before the one in front of it."""

    def __init__(self, line: int) -> None:
        super().__init__(line)
        self.line = line


class Order:
    """Watches the order of records; a contig must not appear again."""

    def __init__(self) -> None:
        self._contig, self._pos = "", 0
        self._done: set[str] = set()

    def add(self, contig: str, pos: int, line: int) -> None:
        """Take note of a record, or of the first of several in order. Raises Unsorted."""
        if contig != self._contig:
            if contig in self._done:
                raise Unsorted(line)
            self._done.add(contig)
            self._contig = contig
        elif pos < self._pos:
            raise Unsorted(line)
        self._pos = pos


class Pass:
    """One pass; `run` it in the caller's thread.

    Args:
        reference: the pack.
        body: where the annotated records are written, as bgzip blocks without an end.
        sources: the open sources.
        reading: has bcftools read what is written.
        output_bytes: the most that the annotated records may have, uncompressed.
        choice: the transcripts that get an entry in INFO/CSQ.
        predicted: whether descriptions of proteins stand in parentheses.
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
        #: Bases for the thread that annotates.
        self.fetch = Window(reference.sequence.fetch).fetch
        clinical = [lookup.source for lookup in sources]
        self.summary = Summary(Findings(reference, clinical, built_in=len(reference.known) > 0))
        #: Where the records are in the body, and where its bgzip blocks begin, with the end of the last.
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
        """Raise Stopped once the pass is over. Readers of records call it often."""
        if self._stop.is_set():
            raise Stopped

    def run(self, pieces: Callable[[], Iterator[Piece]], watch: Callable[[], None]) -> None:
        """Annotate the records.

        Args:
            pieces: called once, in another thread.
            watch: called about ten times a second; may raise to end the pass.

        Raises:
            Exception: what reading or annotating the records raised.
            EngineError: a record was lost.
        """
        thread = threading.Thread(target=self._annotate, args=(pieces,), name="annotator", daemon=True)
        try:
            thread.start()
            while thread.is_alive():
                watch()
                thread.join(0.1)
        except BaseException:
            self._reading.kill()  # its writer must not wait for it
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
        """Gather records to pieces."""
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
        """Return whether a piece of `size` characters may end before a record, whose neighbor may be in it.

        written: where the REF of each record of the piece lies.
        """
        if not record.tail or size >= MOST_TOGETHER:
            return True
        found = ties(self.reference.gene_models, record.contig, record.pos)
        return not are_tied(found, written)

    def phased(self, records: Sequence[Record], variants: Sequence[Variant]) -> Mapping[Variant, str]:
        """Return GAS_PHASED, escaped, of the normal forms that lie together with others in the samples of a piece.

        The combinations are counted.
        """
        if not records:
            return {}
        contig, models = records[0].contig, self.reference.gene_models
        # Calls on mitochondria tell how many of a cell's many molecules have an allele, and not which ones.
        phased = not self.composer.is_mitochondrial(contig)
        together = phased_changes.combinations(records, variants, models, self.fetch, phased=phased)
        fetch = partial(self.reference.sequence.fetch, contig)
        genomic, protein = partial(self.composer.genomic, contig), self.composer.protein
        found, count = phased_descriptions(together, fetch, genomic, protein)
        self.summary.phased += count
        return found


class Behind:
    """Write each piece in a separate thread while the caller makes the next one. Use as a context manager.

    An error of one piece is raised with the next.
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
        """Have a piece written after the one before it. Raises what writing that one raised."""
        if self._last is not None:
            self._last.result()
        self._last = self._thread.submit(self._write, piece)
