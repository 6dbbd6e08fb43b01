"""Small VCFs of the mitochondrial genome, and what became of them when they were annotated."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from annotator.run.options import Report

COLUMNS = "#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO"
HEADER = f"##fileformat=VCFv4.2\n##contig=<ID=MT,length=16569>\n{COLUMNS}\n"


@dataclass
class Result:
    """An annotated file, read."""

    report: Report
    folder: Path
    header: list[str]
    records: list[list[str]]  # columns

    @property
    def log(self) -> str:
        return (self.folder / "log.txt").read_text(encoding="utf-8")

    def info(self, number: int = 0) -> dict[str, str]:
        """INFO of a record, as a dict; flags have an empty value."""
        pairs = (entry.partition("=") for entry in self.records[number][7].split(";"))
        return {key: value for key, _, value in pairs}

    def repaired(self, words: str) -> bool:
        """Whether a note with these words is in the report, the log and the header alike."""
        in_header = any(line.startswith("##gas_repair=") and words in line for line in self.header)
        return any(words in repair for repair in self.report.repairs) and words in self.log and in_header


Annotate = Callable[..., Result]


def vcf(*records: str, header: str = HEADER) -> str:
    """A VCF with these records; columns may be separated by single spaces, and INFO and its like left out."""
    lines = []
    for record in records:
        columns = record.split(" ")
        missing = [".", ".", "."][: max(0, 8 - len(columns))]
        lines.append("\t".join(columns + missing))
    return header + "".join(line + "\n" for line in lines)
