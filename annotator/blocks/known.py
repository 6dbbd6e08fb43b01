"""What sources say of the alleles of a block: their rows and the block's are joined as columns."""

import io
from collections.abc import Iterable

import polars as pl

from annotator.sources.lookup import Lookup

#: For so many alleles a block of a source's table is read as a whole; if there are fewer, each is looked up.
DENSE = 4
_KEY = ["pos", "ref", "alt"]


def entries(lookups: Iterable[Lookup], contig: str, alleles: pl.DataFrame) -> pl.Series:
    """Return the entries of INFO for each allele, "" for none. alleles: pos, ref and alt in normal form.

    Raises EngineError if a source is damaged.
    """
    columns = []
    for lookup in lookups:
        found = _joined(lookup, contig, alleles)
        if found is None:
            rows = lookup.find(contig, list(alleles.iter_rows()))
            found = pl.Series([None if row is None else lookup.info(row) for row in rows], dtype=pl.String)
        count = len(found) - found.null_count()
        lookup.counts.alleles += count
        lookup.counts.records += count
        columns.append(found)
    if not columns:
        return pl.repeat("", len(alleles), dtype=pl.String, eager=True)
    return pl.select(pl.concat_str(columns, separator=";", ignore_nulls=True)).to_series()


def _joined(lookup: Lookup, contig: str, alleles: pl.DataFrame) -> pl.Series | None:
    """Null where the source does not have the allele; None if this is not the way to ask."""
    first, last = alleles["pos"].min(), alleles["pos"].max()
    assert isinstance(first, int)
    assert isinstance(last, int)
    text = lookup.text(contig, first, last, len(alleles) // DENSE)
    if text is None or not text.isascii():
        return None
    if not text:
        return pl.repeat(None, len(alleles), dtype=pl.String, eager=True)
    tags = lookup.source.tags
    values = [f"value {number}" for number in range(len(tags))]
    table = pl.read_csv(
        io.BytesIO(text), separator="\t", has_header=False, quote_char=None, new_columns=["contig", *_KEY, *values],
        schema_overrides={"pos": pl.Int64}, infer_schema=False,
    )  # fmt: skip
    said = (
        pl.when(pl.col(value) != ".").then(pl.lit(f"{tag}=") + pl.col(value))
        for tag, value in zip(tags, values, strict=True)
    )
    table = table.select(*_KEY, said=pl.concat_str(*said, separator=";", ignore_nulls=True))
    found = alleles.join(table, on=_KEY, how="left", maintain_order="left")
    return found["said"] if len(found) == len(alleles) else None
