"""One attempt to annotate a file: read, check, annotate and write it in one pass."""

import json
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from subprocess import DEVNULL
from typing import Any

from annotator import __version__, bounds
from annotator.errors import EngineError
from annotator.preflight.header import Header, read_header
from annotator.preflight.journal import Journal
from annotator.preflight.reader import Reader
from annotator.preflight.records import RecordCheck
from annotator.preflight.sniff import Sniffed
from annotator.run.context import RunContext
from annotator.run.options import Report
from annotator.run.outputs import vcf_writer
from annotator.run.outputs.derived import write_derived
from annotator.run.outputs.readback import Reading
from annotator.run.outputs.run_log import Log
from annotator.run.piece import Piece
from annotator.run.sort_records import sort_records
from annotator.run.splitter import Cutter
from annotator.run.stream import Pass
from annotator.sources.lookup import Lookups

RESULT, INDEX, SUMMARY = "annot.vcf.gz", "annot.vcf.gz.tbi", "summary.json"


class Attempt:
    """One pass over a file."""

    def __init__(
        self,
        context: RunContext,
        log: Log,
        sniffed: Sniffed,
        lookups: Lookups,
        *,
        unsorted_line: int | None = None,
        strict: bool = False,
    ) -> None:
        """Begin an attempt.

        Args:
            context: the run.
            log: collects notes and repairs. Those of an earlier attempt are dropped.
            sniffed: how the file is compressed.
            lookups: the open sources.
            unsorted_line: number of the first line that is out of order, if the records must be sorted; otherwise
                None.
            strict: whether every value of every sample is checked.
        """
        self._context = context
        self._reference = context.reference
        self._log = log
        self._sniffed = sniffed
        self._lookups = lookups
        self._sort = unsorted_line is not None
        self._strict = strict
        if log.journal is not None:
            log.journal.close()
        self._journal = log.journal = Journal(context.work_dir)
        log.notes = []
        if sniffed.bom:
            log.notes.append("The byte order mark at the start was removed.")
        if sniffed.newline == "\r":
            log.notes.append("Line ends of old Macintosh files (CR) were replaced.")
        if self._sort:
            log.notes.append(f"The records are not sorted (first seen in line {unsorted_line}); they were sorted.")
        lookups.restart()

    def report(self) -> Report:
        """Annotate the file, and write its outputs.

        Raises:
            Unsorted: a record is out of order, and this attempt does not sort the records.
            Unreadable: bcftools cannot read the result.
        """
        with Reading(self._context.tool) as proof:
            return self._pass(proof)

    def _pass(self, proof: Reading) -> Report:
        context = self._context
        work = Pass(
            self._reference,
            context.work_dir / "body",
            self._lookups,
            proof,
            output_bytes=context.limits.output_bytes,
            choice=context.outputs.transcripts,
            predicted=context.outputs.predicted,
        )
        found: list[tuple[Header, RecordCheck]] = []

        def pieces() -> Iterator[Piece]:
            reader = Reader(
                context.source,
                self._sniffed,
                expanded_bytes=context.limits.expanded_bytes,
                line_bytes=context.limits.line_bytes,
                note=self._log.notes.append,
                check=work.check,
                start_tool=lambda command, arguments, stdout: context.tool(command, arguments, DEVNULL, stdout),
            )
            with closing(reader):
                header = read_header(reader.lines(), self._journal, self._lookups.replaced)
                check = RecordCheck(
                    header, self._reference, self._journal, self._strict, context.installed, lambda: reader.cut
                )
                found.append((header, check))
                for piece in self._pieces(reader, check, work):
                    if not proof.header:
                        declared = check.declared()
                        proof.declared = [*declared, *header.meta]
                        contigs = vcf_writer.every_contig_line(header, self._reference)
                        proof.header = self._header_lines(work, header, [*declared, *contigs], [], "")
                    yield piece

        def watch() -> None:
            context.tell("annotate" if work.summary.records else "preflight", work.summary.records)
            context.watch()

        try:
            work.run(pieces, watch)
        finally:
            self._log.records_in = found[0][1].records if found else 0
        header, check = found[0]
        return self._finish(work, header, check, proof)

    def _pieces(self, reader: Reader, check: RecordCheck, work: Pass) -> Iterator[Piece]:
        if not self._sort:
            check.begin()
            yield from Cutter(check, work, self._context.source.stat().st_size).pieces(reader)
            check.end()
            return
        checked = check.check_all(reader.lines())
        names = list(self._reference.lengths)
        yield from work.batches(sort_records(checked, names, self._context.work_dir, work.check))

    def _finish(self, work: Pass, header: Header, check: RecordCheck, proof: Reading) -> Report:
        journal, out_dir = self._journal, self._context.out_dir
        records_in, records_out = check.records, work.summary.records
        if records_in != records_out + journal.skipped:
            raise EngineError("records-lost", "records in are not records out and skipped")
        repairs = self._log.notes + journal.repairs()
        self._context.tell("index", records_out, now=True)
        target = out_dir / RESULT
        told = f"in {records_in}, out {records_out}, skipped {journal.skipped}"
        definitions = [*check.declared(), *vcf_writer.contig_lines(header, check.names, self._reference)]
        lines = self._header_lines(work, header, definitions, repairs, told)
        size = vcf_writer.write(target, self._context.work_dir / "body", lines)
        self._index(target, work, size)
        proof.end(target, [*check.declared(), *header.meta], self._context.watch)
        report = Report(
            records_in=records_in,
            records_out=records_out,
            skipped=journal.skipped,
            repairs=repairs,
            summary=self._summary(work, header, check, repairs),
            preview=[dict(row) for row in work.summary.rows()],
        )
        left_out, note = write_derived(self._context, target, records_out)
        report.summary["left_out"] = left_out
        if note:
            self._log.notes.append(note)
            repairs.append(note)
        text = json.dumps(report.summary, indent=1, ensure_ascii=False)
        self._context.tell("summary", records_out, now=True)
        (out_dir / SUMMARY).write_text(text + "\n", encoding="utf-8")
        self._log.records_out = records_out
        self._log.summary = report.summary
        return report

    def _summary(
        self,
        work: Pass,
        header: Header,
        check: RecordCheck,
        repairs: list[str],
    ) -> dict[str, Any]:
        reference, journal = self._reference, self._journal
        # If the genome has thousands of scaffolds, list only those that occur in the file.
        told = [one for one in reference.contigs if one.name in check.names or len(reference.contigs) <= bounds.CONTIGS]
        found = work.summary.as_dict()
        found["omitted"]["contigs"] = max(0, len(told) - bounds.CONTIGS)
        return {
            "records": {"in": check.records, "out": work.summary.records, "skipped": journal.skipped},
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
                "bcftools": self._context.versions["bcftools"],
                "annotator": __version__,
                "pack": reference.version,
            },
        }

    def _index(self, target: Path, work: Pass, header_size: int) -> None:
        if work.index.complete:
            work.index.write(self._context.out_dir / INDEX, work.blocks, header_size)
            return
        index = self._context.tool("index", ["-f", "-t", target.resolve()], DEVNULL, DEVNULL)
        try:
            index.wait(self._context.watch)
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
                "libraries": self._context.libraries,
                **self._context.outputs.facts,
                "reference": f"{self._reference.id} {self._reference.version} sha256:{self._reference.checksum}",
                **work.sources.facts(),
                "records": records,
            },
            repairs=repairs,
            provenance=self._context.provenance,
        )
