"""log.txt, written for a scientist: what ran, the results, every repair and skipped record, and how the run ended.

Every line is printable and bounded, whatever it quotes from the file: the log cannot send control codes to a terminal.
"""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from annotator.bounds import sentence
from annotator.errors import InputError
from annotator.sources.findings import BUILT_IN

if TYPE_CHECKING:
    from annotator.preflight.journal import Journal

WIDTH = 78


class Log:
    """Collects the parts of the log during a run. The log is written once, when the run ends or fails."""

    def __init__(self, provenance: Mapping[str, str]) -> None:
        self._provenance = provenance
        self.facts: list[tuple[str, str]] = []  # what ran and what the file is
        self.notes: list[str] = []  # about the compression and line ends of the file, and its outputs
        self.journal: Journal | None = None
        self.records_in = 0
        self.records_out: int | None = None  # None until the run has completed
        self.summary: dict[str, Any] | None = None

    def write(self, path: Path, ending: Exception | None) -> None:
        """Write the log.

        Args:
            path: the file to write.
            ending: the error that ended the run; None if the run completed.
        """
        with path.open("w", encoding="utf-8") as file:
            for line in self._lines(ending):
                file.write(sentence(line) + "\n")

    def _lines(self, ending: Exception | None) -> Iterable[str]:
        yield "Annotation log"
        yield "=" * WIDTH
        width = max((len(name) for name, _ in self.facts), default=0)
        width = max(width, *(len(name) for name in self._provenance), 0) if self._provenance else width
        for name, value in [*self._provenance.items(), *self.facts]:
            yield f"{name.capitalize():<{width}}  {value}"
        yield from self._repairs()
        yield from self._skipped()
        if self.records_out is not None:
            yield from self._results()
        yield from _title("End")
        if ending is None:
            yield "Completed."
        elif isinstance(ending, InputError):
            yield "Failed: the file cannot be annotated."
            yield ending.message
            yield ending.advice
        else:
            yield "Stopped: the run did not come to its end, for a reason that is not in the file."

    def _repairs(self) -> Iterable[str]:
        yield from _title("Repairs and remarks")
        repairs = self.notes + (self.journal.repairs() if self.journal else [])
        if not repairs:
            yield "None."
        for repair in repairs:
            yield f"- {repair}"
        lines = list_first(self.journal.repaired_lines()) if self.journal else []
        for line in lines:
            yield f"    {line}"

    def _skipped(self) -> Iterable[str]:
        yield from _title("Skipped records")
        if self.journal is None or not self.journal.skipped:
            yield "None."
            return
        yield f"{self.journal.skipped:,} of {self.records_in:,} records were skipped:"
        for code, count in self.journal.skipped_by_code.most_common():
            yield f"- {code}: {count:,}"
        for line in self.journal.skipped_lines():
            yield f"    {line}"

    def _results(self) -> Iterable[str]:
        yield from _title("Results")
        skipped = self.journal.skipped if self.journal else 0
        yield f"{self.records_in:,} records in = {self.records_out:,} records out + {skipped:,} skipped"
        if self.summary is None:
            return
        yield f"{self.summary['alleles']:,} variant alleles"
        types = ", ".join(f"{name} {count:,}" for name, count in self.summary["variant_types"].items())
        yield f"By type: {types}"
        titv = self.summary["titv"]
        ratio = "-" if titv["ratio"] is None else f"{titv['ratio']:.2f}"
        yield f"Transitions/transversions: {titv['transitions']:,}/{titv['transversions']:,} = {ratio}"
        yield "By most severe consequence:"
        for term, count in self.summary["consequences"].items():
            yield f"    {term:<40} {count:>10,}"
        yield "By gene or region:"
        for row in self.summary["genes"]:
            yield f"    {row['gene']:<40} {row['count']:>10,}"
        if more := self.summary["omitted"]["genes"]:
            yield f"    … and {more:,} more"
        for row in self.summary["sources"]:
            yield f"Known to {row['title']} {row['version']}: {row['alleles']:,} alleles in {row['records']:,} records"
        yield from findings_lines(self.summary)
        yield from self.summary["left_out"]


def list_first(lines: Iterable[str]) -> Iterable[str]:
    """Yield a heading before the lines, if there are any lines."""
    first = True
    for line in lines:
        if first:
            yield "One by one:"
            first = False
        yield line


def findings_lines(summary: Mapping[str, Any]) -> Iterable[str]:
    """Yield the findings of a summary: the total, the counts by source, each listed finding, and the unused sources."""
    findings, known = summary["findings"], summary["known"]
    if findings["alleles"] is None:
        yield "Findings: not looked for, since no source with clinical significance was used"
    else:
        yield f"Findings: {findings['alleles']:,} alleles"
    for used in findings["used"]:
        counts = used.get("significance", {})
        more = ", ".join(f"{name.replace('_', ' ')} {count:,}" for name, count in counts.items() if count)
        yield f"  {used['title']} {used['version']}: {used['alleles']:,} alleles{f' ({more})' if more else ''}"
        if used["name"] == BUILT_IN:
            for row in known:
                protein = f" {row['protein']}" if row["protein"] else ""
                disease = ", ".join(dict.fromkeys((row["disease"], row["disease_name"])))
                yield f"    {row['change']} {row['gene']}{protein}: {disease} ({row['source']})"
            if omitted := summary["omitted"]["known"]:
                yield f"    … and {omitted:,} more"
        for row in findings["listed"]:
            if row["source"] == used["name"]:
                what = " ".join(filter(None, (row["change"], row["gene"], row["protein"])))
                about = "; ".join(filter(None, (row["significance"], row["review"], row["id"])))
                yield f"    {row['contig']}:{row['pos']} {what}: {row['condition'] or '-'} ({about})"
    if findings["omitted"]:
        yield f"    … and {findings['omitted']:,} more alleles"
    for unused in findings["not_used"]:
        yield f"  Not used: {unused['title']}"


def _title(text: str) -> Iterable[str]:
    yield ""
    yield text
    yield "-" * WIDTH
