"""Options, progress reports and result of `annotate`."""

from dataclasses import dataclass
from typing import Any

from annotator.effects.consequences import Choice


@dataclass(frozen=True)
class Limits:
    """Limits of one run. Sizes are in bytes of uncompressed text.

    expanded_bytes: maximum size of the input.
    line_bytes: maximum length of a line of the input.
    output_bytes: maximum size of the annotated VCF, and of each flat table.
    memory_bytes: memory of each bcftools process; in a child process (`annotator.run.process`), memory of all
        processes together.
    seconds: wall time.
    """

    expanded_bytes: int = 2 * 1024**3
    line_bytes: int = 8 * 1024**2
    output_bytes: int = 64 * 1024**3
    memory_bytes: int = 1024**3
    seconds: float = 1500


@dataclass(frozen=True)
class Outputs:
    """Options of the annotated file, and what is written in addition to it, its index, log and summary.

    transcripts: the transcripts that get an entry in INFO/CSQ of the annotated file.
    predicted: whether protein descriptions are in parentheses, as HGVS writes predicted ones: p.(Gln5Ter).
    stats: whether bcftools' statistics, annot.stats.txt, are written.
    table_records: maximum number of records for which the tables annot.tsv.gz and annot.parquet are written together
        with the statistics. For larger files, `annotator.tables.write` makes the tables later.
    name: the file's name in the statistics, and the sample's name in MultiQC; "" to use `file` of the provenance.
    """

    transcripts: Choice = Choice.ALL
    predicted: bool = False
    stats: bool = False
    table_records: int = 0
    name: str = ""

    @property
    def facts(self) -> dict[str, str]:
        """The lines about these options in the header and the log of a result, by name."""
        told = {"transcripts": str(self.transcripts)}
        if self.predicted:
            told["predicted"] = "HGVS p. in parentheses, such as p.(Gln5Ter)"
        return told


@dataclass(frozen=True)
class Progress:
    """Progress of a run.

    stage: "preflight", "annotate", "index" or "summary".
    records: number of annotated records.
    """

    stage: str
    records: int


@dataclass(frozen=True)
class Report:
    """Result of a run. docs/annotation.md describes summary and preview.

    records_in: number of records of the input: the sum of records_out and skipped.
    records_out: number of annotated records.
    skipped: number of skipped records.
    repairs: one sentence for each kind of repair.
    summary: the content of summary.json.
    preview: the first annotated alleles.
    """

    records_in: int
    records_out: int
    skipped: int
    repairs: list[str]
    summary: dict[str, Any]
    preview: list[dict[str, Any]]
