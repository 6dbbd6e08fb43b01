"""Annotate one file: the library's front door."""

import json
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from subprocess import DEVNULL
from types import MappingProxyType
from typing import Any

from annotator import __version__, bounds, tables
from annotator.effects.consequences import Choice
from annotator.errors import Cancelled, EngineError
from annotator.formats import bcftools
from annotator.formats.bcftools import Tool
from annotator.preflight.build_detection.header_build import Installed
from annotator.preflight.header import Header, read_header
from annotator.preflight.journal import Journal
from annotator.preflight.reader import Reader
from annotator.preflight.records import RecordCheck
from annotator.preflight.sniff import Sniffed, sniff
from annotator.reference.pack import Reference
from annotator.run import vcf_writer
from annotator.run.garbage import relaxed_gc
from annotator.run.piece import Piece
from annotator.run.readback import Reading, Unreadable
from annotator.run.run_log import Log
from annotator.run.sort_records import sort_records
from annotator.run.splitter import Cutter
from annotator.run.stream import Pass, Unsorted
from annotator.sources.lookup import Lookups
from annotator.sources.manifest import Source
from annotator.tables import PARQUET, STATS, TSV
from annotator.tables.stats import Stats

RESULT, INDEX, LOG, SUMMARY = "annot.vcf.gz", "annot.vcf.gz.tbi", "log.txt", "summary.json"
PROGRESS_SECONDS = 0.5


@dataclass(frozen=True)
class Limits:
    """What one run may use. Sizes in bytes, of texts before they are packed; seconds is wall time.

    expanded_bytes: of the file; line_bytes: of its longest line; output_bytes: of the annotated VCF, and of its flat
    table. memory_bytes: of each bcftools process; in a child process (`annotator.run.child`) of all processes together.
    """

    expanded_bytes: int = 2 * 1024**3
    line_bytes: int = 8 * 1024**2
    output_bytes: int = 64 * 1024**3
    memory_bytes: int = 1024**3
    seconds: float = 1500


@dataclass(frozen=True)
class Outputs:
    """What is written.

    transcripts: those that get an entry in INFO/CSQ of the annotated file.
    stats: whether bcftools' statistics, annot.stats.txt, are written.
    table_records: the most records for which the tables annot.tsv.gz and annot.parquet are written with the statistics;
        for more, `annotator.tables.write` makes them later.
    name: what the statistics call the file, and MultiQC the sample; "" for `file` of the provenance.
    """

    transcripts: Choice = Choice.ALL
    stats: bool = False
    table_records: int = 0
    name: str = ""


@dataclass(frozen=True)
class Progress:
    """stage is "preflight", "annotate", "index" or "summary"; records is how many have been annotated."""

    stage: str
    records: int


@dataclass(frozen=True)
class Report:
    """What came out. records_in = records_out + skipped; summary and preview are described in docs/annotation.md."""

    records_in: int
    records_out: int
    skipped: int
    repairs: list[str]
    summary: dict[str, Any]
    preview: list[dict[str, Any]]


@relaxed_gc()
def annotate(
    source: Path,
    out_dir: Path,
    *,
    reference: Reference,
    sources: Sequence[Source] = (),
    limits: Limits = Limits(),
    on_progress: Callable[[Progress], None] | None = None,
    cancelled: Callable[[], bool] = lambda: False,
    provenance: Mapping[str, str] = MappingProxyType({}),
    installed: Installed = tuple,
    outputs: Outputs = Outputs(),
) -> Report:
    """Annotate a VCF or BCF file against a reference, with what sources know of its alleles.

    Writes annot.vcf.gz, annot.vcf.gz.tbi, log.txt, summary.json, and what outputs names, into out_dir, which must
    exist. provenance is written into the header and the log. Both callbacks are called from the calling thread:
    cancelled about ten times a second, on_progress at each change of stage and at most twice a second. installed gives
    the references that a file may be on if it does not fit this one, to name the right one; it is called only then,
    from another thread. Raises InputError, EngineError or Cancelled; of these runs, only log.txt is left.
    """
    with tempfile.TemporaryDirectory(dir=out_dir, prefix="work-") as folder:
        work_dir = Path(folder)
        run = _Run(
            source,
            out_dir,
            work_dir,
            reference,
            sources,
            limits,
            on_progress,
            cancelled,
            provenance,
            installed,
            outputs,
        )
        try:
            report = run.annotate()
        except Exception as error:
            for name in (RESULT, INDEX, SUMMARY, TSV, PARQUET, STATS):
                (out_dir / name).unlink(missing_ok=True)
            run.log.write(out_dir / LOG, error)
            raise
        else:
            run.log.write(out_dir / LOG, None)
            return report
        finally:
            if run.log.journal is not None:
                run.log.journal.close()


class _Run:
    """One call of annotate."""

    def __init__(
        self,
        source: Path,
        out_dir: Path,
        work_dir: Path,
        reference: Reference,
        sources: Sequence[Source],
        limits: Limits,
        on_progress: Callable[[Progress], None] | None,
        cancelled: Callable[[], bool],
        provenance: Mapping[str, str],
        installed: Installed,
        outputs: Outputs,
    ) -> None:
        self._source = source
        self._out_dir = out_dir
        self._work_dir = work_dir
        self._reference = reference
        self._sources = sources
        self._limits = limits
        self._on_progress = on_progress
        self._cancelled = cancelled
        self._provenance = provenance
        self._installed = installed
        self._outputs = outputs
        self._deadline = time.monotonic() + limits.seconds
        self._told = 0.0
        self._stage = ""
        self._versions = bcftools.versions()
        self.log = Log(provenance)
        self.log.facts = [
            ("annotator", __version__),
            ("libraries", self.libraries),
            ("transcripts", outputs.transcripts),
            ("reference", f"{reference.id} {reference.version}: {reference.title}"),
            ("pack checksum", f"sha256:{reference.checksum}"),
        ]

    @property
    def libraries(self) -> str:
        versions = self._versions
        return f"bcftools {versions['bcftools']} (htslib {versions['htslib']}, pysam {versions['pysam']})"

    def annotate(self) -> Report:
        bcftools.SERVER.prepare()
        self._tell("preflight", 0, now=True)
        sniffed = sniff(self._source)
        size = self._source.stat().st_size
        self.log.facts.append(("input", f"{sniffed.packing}, {size:,} bytes"))
        # Opened once: a source of which a newer version is installed meanwhile stays the same for this run.
        with Lookups(self._sources, self._reference) as lookups:
            self.log.facts += lookups.facts().items()
            return self._attempts(sniffed, lookups)

    def _attempts(self, sniffed: Sniffed, lookups: Lookups) -> Report:
        unsorted_line: int | None = None
        strict = False
        while True:
            # Most files are sorted and sound, so the first pass takes it for granted; for those that turn out not to
            # be, it starts over with a sort, or with a look at every value of every sample.
            try:
                return self._attempt(sniffed, lookups, unsorted_line, strict)
            except Unsorted as unsorted:
                unsorted_line = unsorted.line
            except Unreadable as unreadable:
                if strict:
                    raise unreadable.error from None
                strict = True

    def _attempt(self, sniffed: Sniffed, lookups: Lookups, unsorted_line: int | None, strict: bool) -> Report:
        if self.log.journal is not None:
            self.log.journal.close()
        journal = self.log.journal = Journal(self._work_dir)
        self.log.notes = []
        if sniffed.bom:
            self.log.notes.append("The byte order mark at the start was removed.")
        if sniffed.newline == "\r":
            self.log.notes.append("Line ends of old Macintosh files (CR) were replaced.")
        if unsorted_line is not None:
            self.log.notes.append(f"The records are not sorted (first seen in line {unsorted_line}); they were sorted.")
        lookups.restart()
        with Reading(self._tool) as proof:
            return self._pass(sniffed, lookups, unsorted_line, strict, journal, proof)

    def _pass(
        self,
        sniffed: Sniffed,
        lookups: Lookups,
        unsorted_line: int | None,
        strict: bool,
        journal: Journal,
        proof: Reading,
    ) -> Report:
        work = Pass(
            self._reference,
            self._work_dir / "body",
            lookups,
            proof,
            output_bytes=self._limits.output_bytes,
            choice=self._outputs.transcripts,
        )
        found: list[tuple[Header, RecordCheck]] = []

        def pieces() -> Iterator[Piece]:
            reader = Reader(
                self._source,
                sniffed,
                expanded_bytes=self._limits.expanded_bytes,
                line_bytes=self._limits.line_bytes,
                note=self.log.notes.append,
                check=work.check,
                start_tool=lambda command, arguments, stdout: self._tool(command, arguments, DEVNULL, stdout),
            )
            with closing(reader):
                header = read_header(reader.lines(), journal, lookups.replaced)
                check = RecordCheck(header, self._reference, journal, strict, self._installed, lambda: reader.cut)
                found.append((header, check))
                for piece in self._pieces(reader, check, work, unsorted_line is None):
                    if not proof.header:
                        declared = check.declared()
                        proof.declared = [*declared, *header.meta]
                        contigs = vcf_writer.every_contig_line(header, self._reference)
                        proof.header = self._header_lines(work, header, [*declared, *contigs], [], "")
                    yield piece

        def watch() -> None:
            self._tell("annotate" if work.summary.records else "preflight", work.summary.records)
            self._watch()

        try:
            work.run(pieces, watch)
        finally:
            self.log.records_in = found[0][1].records if found else 0
        header, check = found[0]
        return self._finish(work, header, check, journal, proof)

    def _pieces(self, reader: Reader, check: RecordCheck, work: Pass, in_order: bool) -> Iterator[Piece]:
        if in_order:
            check.begin()
            yield from Cutter(check, work, self._source.stat().st_size).pieces(reader)
            check.end()
        else:
            checked = check.check_all(reader.lines())
            yield from work.batches(sort_records(checked, list(self._reference.lengths), self._work_dir, work.check))

    def _finish(self, work: Pass, header: Header, check: RecordCheck, journal: Journal, proof: Reading) -> Report:
        records_in, records_out = check.records, work.summary.records
        if records_in != records_out + journal.skipped:
            raise EngineError("records-lost", "records in are not records out and skipped")
        repairs = self.log.notes + journal.repairs()
        self._tell("index", records_out, now=True)
        target = self._out_dir / RESULT
        told = f"in {records_in}, out {records_out}, skipped {journal.skipped}"
        definitions = [*check.declared(), *vcf_writer.contig_lines(header, check.names, self._reference)]
        lines = self._header_lines(work, header, definitions, repairs, told)
        size = vcf_writer.write(target, self._work_dir / "body", lines)
        self._index(target, work, size)
        proof.end(target, [*check.declared(), *header.meta], self._watch)
        report = Report(
            records_in=records_in,
            records_out=records_out,
            skipped=journal.skipped,
            repairs=repairs,
            summary=self._summary(work, header, check.names, records_in, journal, repairs),
            preview=[dict(row) for row in work.summary.rows()],
        )
        report.summary["left_out"] = self._more(target, records_out, repairs)
        text = json.dumps(report.summary, indent=1, ensure_ascii=False)
        self._tell("summary", records_out, now=True)
        (self._out_dir / SUMMARY).write_text(text + "\n", encoding="utf-8")
        self.log.records_out = records_out
        self.log.summary = report.summary
        return report

    def _summary(
        self,
        work: Pass,
        header: Header,
        names: Mapping[str, str],
        records_in: int,
        journal: Journal,
        repairs: list[str],
    ) -> dict[str, Any]:
        reference = self._reference
        # Of a genome with thousands of scaffolds, those that the file has.
        told = [one for one in reference.contigs if one.name in names or len(reference.contigs) <= bounds.CONTIGS]
        found = work.summary.as_dict()
        found["omitted"]["contigs"] = max(0, len(told) - bounds.CONTIGS)
        return {
            "records": {"in": records_in, "out": work.summary.records, "skipped": journal.skipped},
            **found,
            "contradictions": work.composer.contradictions,
            "sources": work.sources.as_rows(),
            "samples": header.samples,
            "repairs": repairs,
            "skipped_examples": journal.skipped_examples,
            "skipped_reasons": dict(journal.skipped_by_code.most_common()),
            "reference": {
                "id": reference.id,
                "title": reference.title,
                "md5": {contig.name: contig.md5 for contig in told[: bounds.CONTIGS]},
            },
            "versions": {
                "bcftools": self._versions["bcftools"],
                "annotator": __version__,
                "pack": reference.version,
            },
        }

    def _more(self, target: Path, records: int, notes: list[str]) -> list[str]:
        """Write what follows from the result: statistics, which bcftools makes meanwhile, and both tables.

        Args:
            target: the annotated file.
            records: how many it has.
            notes: gets a sentence if the statistics lack something.

        Returns:
            Sentences about the tables that are left out.
        """
        if not self._outputs.stats:
            return []
        left_out = []
        with Stats(
            target,
            self._out_dir,
            name=self._outputs.name or self._provenance.get("file", ""),
            memory_bytes=self._limits.memory_bytes,
            cpu_seconds=max(1, int(self._limits.seconds)),
        ) as stats:
            if records <= self._outputs.table_records:
                try:
                    tables.write(target, self._out_dir, check=self._watch, output_bytes=self._limits.output_bytes)
                except tables.TooLarge as error:
                    left_out.append(str(error))
            stats.finish(self._watch)
        if stats.note:
            self.log.notes.append(stats.note)
            notes.append(stats.note)
        return left_out

    def _index(self, target: Path, work: Pass, header_size: int) -> None:
        if work.index.complete:
            work.index.write(self._out_dir / INDEX, work.blocks, header_size)
            return
        index = self._tool("index", ["-f", "-t", target.resolve()], DEVNULL, DEVNULL)
        try:
            index.wait(self._watch)
            if failure := index.failure():
                raise failure
        finally:
            index.close()

    def _header_lines(
        self, work: Pass, header: Header, definitions: list[str], repairs: list[str], records: str
    ) -> list[str]:
        return vcf_writer.header_lines(
            header,
            definitions=definitions,
            source_definitions=work.sources.definitions(),
            facts={
                "annotator": __version__,
                "libraries": self.libraries,
                "transcripts": self._outputs.transcripts,
                "reference": f"{self._reference.id} {self._reference.version} sha256:{self._reference.checksum}",
                **work.sources.facts(),
                "records": records,
            },
            repairs=repairs,
            provenance=self._provenance,
        )

    def _tool(self, command: str, arguments: list[str | Path], stdin: int, stdout: int) -> Tool:
        return Tool(
            command,
            arguments,
            work_dir=self._work_dir,
            memory_bytes=self._limits.memory_bytes,
            cpu_seconds=max(1, int(self._limits.seconds)),
            stdin=stdin,
            stdout=stdout,
        )

    def _watch(self) -> None:
        if self._cancelled():
            raise Cancelled
        if time.monotonic() > self._deadline:
            raise EngineError("time-limit", f"the annotation took longer than {self._limits.seconds:g} s")

    def _tell(self, stage: str, records: int, now: bool = False) -> None:
        if self._on_progress is None:
            return
        at = time.monotonic()
        if now or stage != self._stage or at - self._told >= PROGRESS_SECONDS:
            self._stage, self._told = stage, at
            self._on_progress(Progress(stage, records))
