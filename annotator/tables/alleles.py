"""Records as a data frame with a row for each ALT allele. polars does the work, column by column."""

import io
from collections.abc import Sequence
from functools import lru_cache

import polars as pl

from annotator import tags
from annotator.alleles import Kind, kind_of, shortest
from annotator.compose import ANY_ALLELE
from annotator.tables.entries import ENTRIES, shared_out

COLUMNS = ("contig", "pos", "id", "ref", "alt", "qual", "filter", "info")
#: Columns of an allele that are not the file's: row counts records, allele the ALT alleles of each, both from 0.
ROW, ALLELE, TYPE = "row", "allele", "type"
BASES = ["A", "C", "G", "T"]


def read(block: bytes, order: Sequence[str]) -> pl.DataFrame:
    """Return the alleles of a block of lines: COLUMNS but info, as text; ROW, ALLELE, TYPE; each tag of `order` by its
    name, as INFO has it for this allele; ENTRIES, the list of its entries of BCSQ. Null for what is missing.

    order: the tags that INFO ends with. A record without an ALT allele has one row.
    """
    records = pl.read_csv(
        io.BytesIO(block),
        has_header=False,
        separator="\t",
        quote_char=None,
        schema=dict.fromkeys(COLUMNS, pl.String),
        extra_columns="ignore",  # FORMAT and samples
        raise_if_empty=False,
    )
    given = [pl.when(pl.col(name) != ".").then(pl.col(name)).alias(name) for name in ("id", "alt", "qual", "filter")]
    found = _with_tags(records.with_columns(info=pl.concat_str(pl.lit(";"), "info")), order)
    found = found.with_columns(given).with_row_index(ROW).collect().lazy()
    several = pl.col("alt").str.contains(",", literal=True).fill_null(False)
    one = found.filter(~several).with_columns(
        pl.lit(0, pl.Int64).alias(ALLELE), pl.col(tags.BCSQ).str.split(",").alias(ENTRIES)
    )
    alleles = _with_types(one)
    split = _with_types(_split(found.filter(several), order))
    if split.height:
        split = split.join(shared_out(split), on=[ROW, ALLELE], how="left", maintain_order="left")
        alleles = pl.concat([alleles, split.select(alleles.columns)]).sort(ROW, maintain_order=True)
    return alleles.drop(tags.BCSQ)


def _with_tags(records: pl.DataFrame, order: Sequence[str]) -> pl.LazyFrame:
    """Replace INFO, with a ; in front, by the values of the tags.

    Since they end it in a known order, each goes up to the next one that is there: only one place has to be found for
    each, and nothing is copied. Should they stand in another order, they are cut out one by one.
    """
    info = pl.col("info")
    starts = records.select(info.str.find(f";{tag}=", literal=True).alias(f"={tag}") for tag in order)
    there = [tag for tag in order if starts[f"={tag}"].null_count() < starts.height]
    end, values, astray = info.str.len_bytes(), {}, []
    for tag in reversed(there):
        begin = pl.col(f"={tag}") + len(tag) + 2
        astray.append((end < begin).any().alias(tag))
        values[tag] = info.cast(pl.Binary).bin.slice(begin, end - begin).cast(pl.String).alias(tag)
        end = pl.coalesce(f"={tag}", end)
    placed = records.hstack(starts)
    if astray and any(placed.select(astray).row(0)):
        return records.lazy().with_columns(_cut(_cut(info, f";{tag}=", 1), ";", 0).alias(tag) for tag in order)
    none = pl.lit(None, pl.String)
    return placed.lazy().select(*COLUMNS[:-1], *(values.get(tag, none.alias(tag)) for tag in order))


def _cut(text: pl.Expr, at: str, part: int) -> pl.Expr:
    return text.str.splitn(at, 2).struct.field(f"field_{part}")


def _split(records: pl.LazyFrame, order: Sequence[str]) -> pl.LazyFrame:
    """Give each ALT allele of records with several a row, with its own part of every tag but BCSQ."""
    own = [pl.col(tag).str.split(",").list.get(pl.col(ALLELE), null_on_oob=True) for tag in order if tag != tags.BCSQ]
    return (
        records.with_columns(pl.col("alt").str.split(","))
        .with_columns(pl.int_ranges(pl.col("alt").list.len()).alias(ALLELE))
        .explode("alt", ALLELE)
        .with_columns(pl.when(value != ".").then(value).name.keep() for value in own)
    )


def _with_types(records: pl.LazyFrame) -> pl.DataFrame:
    """Add the type of each allele: that of the summary, null for what is no variant allele."""
    alleles = records.collect()
    ref, alt = pl.col("ref"), pl.col("alt")
    snv = ref.is_in(BASES) & alt.is_in(BASES) & (ref != alt)
    places = alleles.select(~snv.fill_null(False)).to_series().arg_true()
    types = pl.Series(TYPE, ["SNV"]).new_from_index(0, alleles.height)
    if places.is_empty():
        return alleles.with_columns(types)
    size = alt.str.len_bytes().cast(pl.Int64) - ref.str.len_bytes()
    sequence = ref.str.contains("^[ACGT]+$") & alt.str.contains("^[ACGT]+$")
    simple = (
        pl.when((size > 0) & (alt.str.starts_with(ref) | alt.str.ends_with(ref)) & sequence)
        .then(pl.lit("insertion"))
        .when((size < 0) & (ref.str.starts_with(alt) | ref.str.ends_with(alt)) & sequence)
        .then(pl.lit("deletion"))
    )
    some = alleles.select(ref, alt)[places].with_columns(simple.alias(TYPE))
    rest = some.filter(pl.col(TYPE).is_null()).select("ref", "alt").unique()
    if rest.height:
        names = rest.with_columns(pl.Series("name", [_type(*pair) for pair in rest.iter_rows()], pl.String))
        some = some.join(names, on=["ref", "alt"], how="left", maintain_order="left", nulls_equal=True)
        some = some.with_columns(pl.coalesce(TYPE, "name").alias(TYPE))
    return alleles.with_columns(types.scatter(places, some[TYPE]))


@lru_cache(maxsize=4096)
def _type(ref: str, alt: str | None) -> str | None:
    kind = kind_of(alt or ".")
    if alt is None or kind in {Kind.MISSING, Kind.OVERLAPPING} or alt in ANY_ALLELE or alt == ref:
        return None
    return shortest(1, ref, alt).type if kind is Kind.SEQUENCE else "other"
