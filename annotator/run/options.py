"""What a caller of `annotate` chooses, and what it gets back."""

from dataclasses import dataclass
from typing import Any

from annotator.effects.consequences import Choice


@dataclass(frozen=True)
class Limits:
    """What one run may use. Sizes are in bytes, of texts before they are compressed.

    expanded_bytes: the largest input.
    line_bytes: the longest line of the input.
    output_bytes: the largest annotated VCF, and the largest flat table.
    memory_bytes: the memory of each bcftools process; in a child process (`annotator.run.process`) that of all
        processes.
    seconds: wall time.
    """

    expanded_bytes: int = 2 * 1024**3
    line_bytes: int = 8 * 1024**2
    output_bytes: int = 64 * 1024**3
    memory_bytes: int = 1024**3
    seconds: float = 1500


@dataclass(frozen=True)
class Outputs:
    """What is written next to the annotated file, its index, log and summary.

    transcripts: those that get an entry in INFO/CSQ of the annotated file.
    predicted: whether descriptions of proteins stand in parentheses, as HGVS has predicted ones: p.(Gln5Ter).
    stats: whether bcftools' statistics, annot.stats.txt, are written.
    table_records: the most records for which the tables annot.tsv.gz and annot.parquet are written with the statistics;
        for more, `annotator.tables.write` makes them later.
    name: what the statistics call the file, and MultiQC the sample; "" for `file` of the provenance.
    """

    transcripts: Choice = Choice.ALL
    predicted: bool = False
    stats: bool = False
    table_records: int = 0
    name: str = ""

    @property
    def facts(self) -> dict[str, str]:
        """What the header and the log of a result say about these options, by name."""
        told = {"transcripts": str(self.transcripts)}
        if self.predicted:
            told["predicted"] = "HGVS p. in parentheses, such as p.(Gln5Ter)"
        return told


@dataclass(frozen=True)
class Progress:
    """How far a run is.

    stage: "preflight", "annotate", "index" or "summary".
    records: how many have been annotated.
    """

    stage: str
    records: int


@dataclass(frozen=True)
class Report:
    """What came out. docs/annotation.md describes summary and preview.

    records_in: records of the input; records_out and skipped add up to it.
    repairs: a sentence for each kind of repair.
    summary: the content of summary.json.
    preview: the first annotated alleles.
    """

    records_in: int
    records_out: int
    skipped: int
    repairs: list[str]
    summary: dict[str, Any]
    preview: list[dict[str, Any]]
