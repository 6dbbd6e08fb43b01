"""The registry of a job's output files. Pages, storage, the export, account deletion and the docs read it.

To add an output format, add an entry here and a function that writes `file_name` next to the annotated VCF: in
`annotator.tables` for one that is built from the VCF, in `annotator.run` for any other. The worker uploads each file
that it finds.
"""

from dataclasses import dataclass
from enum import Enum
from typing import Final


class Storage(Enum):
    """What happens to an output in S3 when the result is archived."""

    #: The result itself: copied to Glacier, deleted from S3, and brought back under a new key.
    ARCHIVED = "archived"
    #: Deleted from S3 with the result, and built again from the result after a restore.
    REBUILT = "rebuilt"
    #: Stays in S3, in the folder of the attempt that wrote it.
    KEPT = "kept"


@dataclass(frozen=True)
class Output:
    """One kind of output file.

    Attributes:
        kind: the name in the address of a download, and in `ResultFile.more_sizes`.
        file_name: the name in the worker's folder, and the last part of the key in S3.
        saved_as: the ending of the name that a browser saves the file under, after the stem of the upload's name.
        label: the text of the download button.
        media_type: the content type in S3.
        storage: what happens to the file when the result is archived.
        with_result: whether the file is offered only while the result is in S3.
        size_column: the column of `ResultFile` that has the size in bytes; "" for `more_sizes`.
        sha256_column: the column of `ResultFile` that has the SHA-256 in hex; "" for none.
        optional: whether a result may lack the file. The row has the size of an optional file that exists.
    """

    kind: str
    file_name: str
    saved_as: str
    label: str
    media_type: str = "application/octet-stream"
    storage: Storage = Storage.KEPT
    with_result: bool = False
    size_column: str = ""
    sha256_column: str = ""
    optional: bool = True


@dataclass(frozen=True)
class StoredOutput:
    """What S3 has of one output: its size in bytes, and its SHA-256 in hex."""

    size: int
    sha256: str


VCF: Final = Output(
    kind="vcf",
    file_name="annot.vcf.gz",
    saved_as=".annot.vcf.gz",
    label="Annotated VCF",
    storage=Storage.ARCHIVED,
    with_result=True,
    size_column="size",
    sha256_column="sha256",
    optional=False,
)
INDEX: Final = Output(
    kind="index",
    file_name="annot.vcf.gz.tbi",
    saved_as=".annot.vcf.gz.tbi",
    label="Tabix index",
    with_result=True,
    optional=False,
)
TSV: Final = Output(
    kind="tsv",
    file_name="annot.tsv.gz",
    saved_as=".annot.tsv.gz",
    label="Table (TSV)",
    storage=Storage.REBUILT,
    with_result=True,
    size_column="tsv_size",
)
PARQUET: Final = Output(
    kind="parquet",
    file_name="annot.parquet",
    saved_as=".annot.parquet",
    label="Table (Parquet)",
    storage=Storage.REBUILT,
    with_result=True,
    size_column="parquet_size",
    sha256_column="parquet_sha256",
)
SUMMARY: Final = Output(
    kind="summary",
    file_name="summary.json",
    saved_as=".annot.summary.json",
    label="Summary (JSON)",
    media_type="application/json",
    optional=False,
)
STATS: Final = Output(
    kind="stats",
    file_name="annot.stats.txt",
    saved_as=".annot.stats.txt",
    label="Statistics (for MultiQC)",
    media_type="text/plain; charset=utf-8",
    size_column="stats_size",
)
#: The log belongs to the job: a job that failed has one, too.
LOG: Final = Output(
    kind="log",
    file_name="log.txt",
    saved_as=".annot.log",
    label="Log",
    media_type="text/plain; charset=utf-8",
    optional=False,
)

#: The outputs of a result, in the order of the download buttons.
RESULT_OUTPUTS: Final = (VCF, INDEX, TSV, PARQUET, SUMMARY, STATS)


def rebuilt() -> tuple[Output, ...]:
    """Return the outputs that leave S3 with the result and are built again after a restore."""
    return tuple(output for output in RESULT_OUTPUTS if output.storage is Storage.REBUILT)


def output_of(kind: str) -> Output | None:
    """Return the output of a result with this kind."""
    return next((output for output in RESULT_OUTPUTS if output.kind == kind), None)
