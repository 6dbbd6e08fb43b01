"""Write both tables of an annotated file, in one pass and with constant memory."""

import errno
import json
import os
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

import polars as pl

from annotator.effects import info_tags
from annotator.formats.bgzf import END, BgzfWriter
from annotator.tables import PARQUET, TSV, Tables, TooLarge, alleles, columns, csq_entries, genotype_counts, genotypes
from annotator.tables.blocks import Added, blocks, open_result, read_header
from annotator.tables.schema import GENES_KEY, METADATA_KEY, TRANSCRIPTS

#: Compression level of zlib and zstd: rows are so repetitive that higher levels take much time for little gain.
LEVEL = 2
#: Bytes of the flat table's rows that are text at the same time, plus one row.
BYTES_AT_ONCE = 32 * 1024**2
#: Alleles in a row group of the Parquet file, which a reader unpacks at once; and in a temporary piece of the file.
ROW_GROUP = 65_536
PIECE = 16_384
#: Maximum bytes of a row group; groups of long rows have fewer rows.
ROW_GROUP_BYTES = 128 * 1024**2
#: If a table cannot be written and less space than this is free, the error is reported as a full disk.
DISK_FULL_BYTES = 1024**2


def write(result: Path, out_dir: Path, check: Callable[[], None], output_bytes: int | None = None) -> Tables:
    """See `annotator.tables.write`, which imports this function when it is called."""
    tsv, parquet = out_dir / TSV, out_dir / PARQUET
    try:
        with (
            tempfile.TemporaryDirectory(dir=out_dir, prefix="tables-") as folder,
            open_result(result) as file,
            tsv.open("wb") as flat,
        ):
            work = _Work(read_header(file), BgzfWriter(flat, LEVEL), Path(folder), check, output_bytes)
            for block in blocks(file):
                work.add(block)
            check()
            work.finish(parquet)
            flat.write(END)
    except BaseException as error:
        # The errors of Polars do not always give the reason.
        full = isinstance(error, pl.exceptions.PolarsError) and shutil.disk_usage(out_dir).free < DISK_FULL_BYTES
        tsv.unlink(missing_ok=True)
        parquet.unlink(missing_ok=True)
        if full:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)) from error
        raise
    return Tables(tsv, parquet, work.transcripts, work.alleles)


class _Work:
    """Converts blocks of records to both tables."""

    def __init__(
        self, added: Added, flat: BgzfWriter, folder: Path, check: Callable[[], None], output_bytes: int | None
    ) -> None:
        # A file of an earlier version may lack one of the annotator's own tags.
        self._order = [*(tag for tag in info_tags.OWN if tag not in added.order), *added.order]
        # By whether a block has escapes.
        names = columns.source_names(added.sources)
        self._metadata = added.metadata(names)
        self._all_samples = len(added.samples)
        self._samples = len(added.samples) if self._metadata.has_genotypes else 0
        self._typed = [columns.typed(added.sources, self._samples, escaped=escaped) for escaped in (False, True)]
        self._entries = [columns.transcript_fields(escaped=escaped) for escaped in (False, True)]
        self._text = [columns.flat(added.sources, escaped=escaped) for escaped in (False, True)]
        self._flat = flat
        self._folder = folder
        self._check = check
        self._output_bytes = output_bytes
        self._written = self._records = 0
        self._pieces: list[Path] = []
        self._waiting: list[pl.DataFrame] = []
        self._waiting_rows = self._waiting_bytes = 0
        self._row_bytes = 0  # the largest average size of a row in any piece of the Parquet file
        self._genes: dict[str, tuple[int, int]] = {}  # the first and the last row of each gene
        self.transcripts = self.alleles = 0
        self._write("\t".join(columns.flat_names(added.sources)) + "\n")
        self.add(b"")  # a file without records has columns too

    def add(self, block: bytes) -> None:
        escaped = b"%" in block
        records = self._records
        counts = genotype_counts.count(block, self._all_samples) if self._all_samples > self._samples else None
        for found in alleles.read(block, self._order, self._samples):
            rows = csq_entries.by_transcript(found)
            numbered = found.with_columns(
                (pl.int_range(pl.len(), dtype=pl.Int64) + self.alleles).alias("row_number"),
                (pl.col(alleles.ROW).cast(pl.Int64) + records).alias("record"),
            )
            summed = csq_entries.add_summary(numbered, rows, self._entries[escaped], TRANSCRIPTS.name)
            typed = self._with_genotypes(summed, counts).select(self._typed[escaped])
            self._keep(typed, rows.select(_size(rows).sum()).item())
            if numbered.height:
                self._records = numbered["record"].item(-1) + 1
            self.transcripts += rows.height
            for some in alleles.by_weight(rows, _size(rows), BYTES_AT_ONCE):
                text = some.select(self._text[escaped]).write_csv(
                    include_header=False, separator="\t", quote_style="never"
                )
                self._write(text)

    def _with_genotypes(self, found: pl.DataFrame, counts: pl.DataFrame | None) -> pl.DataFrame:
        if counts is None:
            return genotypes.add(found, self._samples)
        of_allele = found.with_columns(pl.col(alleles.ROW).cast(pl.UInt32), pl.col(alleles.ALLELE).cast(pl.Int64))
        joined = of_allele.join(counts, on=[alleles.ROW, alleles.ALLELE], how="left", maintain_order="left")
        return joined.with_columns(pl.col(genotypes.HET, genotypes.HOM, genotypes.CALLED).fill_null(0))

    def _write(self, text: str) -> None:
        self._check()
        data = text.encode()
        self._written += len(data)
        if self._output_bytes is not None and self._written > self._output_bytes:
            raise TooLarge(self._output_bytes)
        self._flat.write(data)

    def finish(self, parquet: Path) -> None:
        """Write the remaining rows, and join the pieces of the Parquet file."""
        self._flat.finish()
        self._put_by()
        pl.scan_ipc(self._pieces).sink_parquet(
            parquet,
            compression="zstd",
            compression_level=LEVEL,
            metadata={
                METADATA_KEY: self._metadata.to_json(),
                GENES_KEY: json.dumps(self._genes, ensure_ascii=False, separators=(",", ":")),
            },
            row_group_size=max(1, min(ROW_GROUP, ROW_GROUP_BYTES // max(1, self._row_bytes))),
        )

    def _note_genes(self, typed: pl.DataFrame) -> None:
        of_rows = typed.lazy().select(pl.col("genes"), pl.col("row_number")).explode("genes").drop_nulls()
        row = pl.col("row_number")
        for name, first, last in (
            of_rows.group_by("genes").agg(row.min(), row.max().alias("last")).collect().iter_rows()
        ):
            self._genes[name] = self._genes.get(name, (first, last))[0], last

    def _keep(self, typed: pl.DataFrame, transcript_bytes: int) -> None:
        self._note_genes(typed)
        self.alleles += typed.height
        self._waiting.append(typed)
        self._waiting_rows += typed.height
        self._waiting_bytes += typed.select(_size(typed).sum()).item() + transcript_bytes
        if self._waiting_rows >= PIECE or self._waiting_bytes >= BYTES_AT_ONCE:
            self._put_by()

    def _put_by(self) -> None:
        """Write a piece to disk. Polars cannot append to a Parquet file, so pieces are kept and joined as a stream."""
        if self._waiting:
            self._pieces.append(self._folder / f"{len(self._pieces):06}")
            pl.concat(self._waiting).write_ipc(self._pieces[-1], compression="lz4")
            self._waiting.clear()
            self._row_bytes = max(self._row_bytes, self._waiting_bytes // max(1, self._waiting_rows))
            self._waiting_rows = self._waiting_bytes = 0


def _size(rows: pl.DataFrame) -> pl.Expr:
    """Return the approximate size of each row in bytes."""
    return pl.sum_horizontal(pl.col(pl.String).str.len_bytes().fill_null(0))
