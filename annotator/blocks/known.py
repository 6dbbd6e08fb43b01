"""What sources say of the alleles of a block: their rows and the block's are joined as columns."""

import io
from collections.abc import Sequence

import polars as pl

from annotator.preflight.records import Record
from annotator.sources.lookup import Lookup, Lookups

#: For so many alleles a block of a source's table is read as a whole; if there are fewer, each is looked up.
DENSE = 4
KEY = ["pos", "ref", "alt"]


def lookup(
    sources: Lookups,
    contig: str,
    asked: pl.DataFrame,
    owners: pl.Series,
    others: Sequence[Record],
    numbers: Sequence[int],
) -> tuple[pl.DataFrame, list[str]]:
    """Look up alleles, and count them. asked: their normal forms, first those of plain records, which owners tells,
    then those of the others, whose numbers are given.

    Returns the sources' rows for the former, null for none, as columns "said 0" and so on; and entries of INFO for the
    other records. Raises EngineError if a source is damaged.
    """
    said = []
    added = [""] * len(others)
    for place, one in enumerate(sources):
        rows = _rows(one, contig, asked)
        mine, theirs = rows[: len(owners)], rows[len(owners) :].to_list()
        known = owners.filter(mine.is_not_null())
        one.counts.alleles += len(known)
        one.counts.records += known.n_unique()
        said.append(mine.alias(f"said {place}"))
        for number, text in one.texts(others, numbers, theirs).items():
            added[number] = f"{added[number]};{text}" if added[number] else text
    return pl.DataFrame(said), added


def _rows(source: Lookup, contig: str, alleles: pl.DataFrame) -> pl.Series:
    first, last = (int(pos) for pos in alleles.select(pl.min("pos"), last=pl.max("pos")).row(0))
    text = source.text(contig, first, last, len(alleles) // DENSE)
    if text is not None and text.isascii():
        table = pl.read_csv(
            io.BytesIO(text or b"\n"), separator="\x1f", has_header=False, quote_char=None, infer_schema=False,
            new_columns=["line"],
        )  # fmt: skip
        names = ["contig", *KEY, "said"]
        table = table.select(pl.col("line").str.splitn("\t", len(names)).struct.rename_fields(names)).unnest("line")
        table = table.select(pl.col("pos").cast(pl.Int64), *names[2:])
        found = alleles.join(table, on=KEY, how="left", maintain_order="left")
        if len(found) == len(alleles):
            return found["said"]
    return pl.Series(source.find(contig, list(alleles.iter_rows())), dtype=pl.String)


def entries(tags: Sequence[str], said: str) -> pl.Expr:
    """The column of rows as entries of INFO, "" for none."""
    values = pl.col(said).str.split_exact("\t", len(tags) - 1)
    texts = []
    for number, tag in enumerate(tags):
        value = values.struct.field(f"field_{number}")
        texts.append(pl.when(value != ".").then(pl.lit(f"{tag}=") + value))
    return pl.concat_str(texts, separator=";", ignore_nulls=True)
