"""Records as a data frame with a row for each ALT allele. polars does the work, column by column."""

import io
from collections.abc import Iterator, Sequence
from functools import lru_cache

import polars as pl

from annotator.effects import info_tags
from annotator.effects.allele import ANY_ALLELE, Kind, kind_of, shortest
from annotator.tables import csq_entries
from annotator.tables.csq_entries import ENTRIES

COLUMNS = ("contig", "pos", "id", "ref", "alt", "qual", "filter", "info")
#: Columns of an allele that are not the file's: row counts records, allele the ALT alleles of each, both from 0.
ROW, ALLELE, TYPE = "row", "allele", "type"
#: The last position that an allele replaces, if INFO/END declares it; FORMAT; and the cells of samples, see `cell`.
END, FORMAT = "end", "format"
#: How many entries of CSQ a frame has, or one allele more. An allele without any counts as one.
ENTRIES_AT_ONCE = 40_000
#: Longer pairs of REF and ALT are not remembered.
REMEMBERED = 100
BASES = ["A", "C", "G", "T"]


def info(tag: str) -> str:
    """Return the name of a tag's column. No column of COLUMNS can have it, as no tag has a slash."""
    return f"INFO/{tag}"


def cell(sample: int) -> str:
    """Return the name of a sample's column. sample: its number, from 1."""
    return f"sample/{sample}"


def read(block: bytes, order: Sequence[str], samples: int = 0) -> Iterator[pl.DataFrame]:
    """Yield the alleles of a block of lines, in order, ENTRIES_AT_ONCE at a time.

    A frame has COLUMNS but info, as text; FORMAT and a `cell` for each sample; ROW, ALLELE, TYPE, END; each tag of
    `order` but CSQ under the name `info` gives it, as INFO has it for this allele; and ENTRIES, the list
    of its entries of CSQ. Null for what is missing. A record without an ALT allele has one row. Without records there
    is one frame without rows.

    Args:
        order: the tags that INFO ends with, CSQ among them.
        samples: how many of the first samples to read.
    """
    cells = [FORMAT, *(cell(number) for number in range(1, samples + 1))] if samples else []
    records = pl.read_csv(
        io.BytesIO(block),
        has_header=False,
        separator="\t",
        quote_char=None,
        schema=dict.fromkeys((*COLUMNS, *cells), pl.String),
        extra_columns="ignore",  # other samples
        raise_if_empty=False,
    )
    given = [pl.when(pl.col(name) != ".").then(pl.col(name)).alias(name) for name in ("id", "alt", "qual", "filter")]
    records = records.with_columns(info=pl.concat_str(pl.lit(";"), "info"))
    if b"END=" in block:
        declared = pl.col("info").str.extract(r";END=(\d{1,15})(?:;|$)").cast(pl.Int64)
        records = records.with_columns(pl.when(pl.col("alt").str.contains("<", literal=True)).then(declared).alias(END))
    else:
        records = records.with_columns(pl.lit(None, pl.Int64).alias(END))
    found = _with_tags(records, order, [*COLUMNS[:-1], END, *cells])
    placed = found.with_columns(given).with_row_index(ROW).collect().lazy()
    several = pl.col("alt").str.contains(",", literal=True).fill_null(False)
    one = placed.filter(~several).with_columns(
        pl.lit(0, pl.Int64).alias(ALLELE), pl.col(info(info_tags.CSQ)).str.split(",").alias(ENTRIES)
    )
    alleles = one.drop(info(info_tags.CSQ)).collect()
    if alleles.height < placed.select(pl.len()).collect().item():
        split = _split(placed.filter(several), [tag for tag in order if tag != info_tags.CSQ]).select(alleles.columns)
        alleles = pl.concat([alleles, split.collect()]).sort(ROW, ALLELE)
    yield from by_weight(_with_types(alleles), pl.col(ENTRIES).list.len().fill_null(1), ENTRIES_AT_ONCE)


def by_weight(frame: pl.DataFrame, weight: pl.Expr, most: int) -> Iterator[pl.DataFrame]:
    """Cut a frame so that the rows of a part weigh `most` together, or one row more. One without rows stays whole."""
    groups = frame.select(weight.cum_sum() // most).to_series().rle().struct.field("len")
    start = 0
    if groups.is_empty():
        yield frame
    for length in groups:
        yield frame.slice(start, length)
        start += length


def _with_tags(records: pl.DataFrame, order: Sequence[str], kept: Sequence[str]) -> pl.LazyFrame:
    """Replace INFO, with a ; in front, by the values of the tags, next to the columns `kept`.

    Since they end it in a known order, each goes up to the next one that is there: only one place has to be found for
    each, and nothing is copied. If they are in another order, they are cut out one by one.
    """
    text = pl.col("info")
    starts = records.select(text.str.find(f";{tag}=", literal=True).alias(f"={tag}") for tag in order)
    there = [tag for tag in order if starts[f"={tag}"].null_count() < starts.height]
    end, values, astray = text.str.len_bytes(), {}, []
    for tag in reversed(there):
        begin = pl.col(f"={tag}") + len(tag) + 2
        astray.append((end < begin).any().alias(tag))
        values[tag] = text.cast(pl.Binary).bin.slice(begin, end - begin).cast(pl.String).alias(info(tag))
        end = pl.coalesce(f"={tag}", end)
    placed = records.hstack(starts)
    if astray and any(placed.select(astray).row(0)):
        return records.lazy().with_columns(_cut(_cut(text, f";{tag}=", 1), ";", 0).alias(info(tag)) for tag in order)
    none = pl.lit(None, pl.String)
    return placed.lazy().select(*kept, *(values.get(tag, none.alias(info(tag))) for tag in order))


def _cut(text: pl.Expr, at: str, part: int) -> pl.Expr:
    return text.str.splitn(at, 2).struct.field(f"field_{part}")


def _split(records: pl.LazyFrame, own: Sequence[str]) -> pl.LazyFrame:
    """Give each ALT allele of records with several a row, with its own part of every tag, and its entries of CSQ.

    The parts are taken before the rows are made: else each row would hold the values of all alleles.
    """
    names = [info(tag) for tag in own]
    places = pl.int_ranges(pl.col("alt").list.len())
    return (
        records.drop(info(info_tags.CSQ))
        .with_columns(pl.col("alt", *names).fill_null(".").str.split(","))
        .with_columns(pl.col(names).list.gather(places, null_on_oob=True), places.alias(ALLELE))
        .explode("alt", ALLELE, *names)
        .with_columns(pl.when(pl.col(name) != ".").then(pl.col(name)).alias(name) for name in names)
        .join(csq_entries.by_allele(records, ROW, ALLELE, pl.col(info(info_tags.CSQ))), on=[ROW, ALLELE], how="left")
    )


def _with_types(alleles: pl.DataFrame) -> pl.DataFrame:
    """Add the type of each allele: that of the summary, null for what is no variant allele."""
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
    described = pl.col(info(info_tags.HGVS_G)).is_not_null()
    some = alleles.select(ref, alt, described.alias("described"))[places].with_columns(simple.alias(TYPE))
    rest = some.filter(pl.col(TYPE).is_null()).select("ref", "alt").unique()
    if rest.height:
        names = rest.with_columns(pl.Series("name", [_type(ref, alt) for ref, alt in rest.iter_rows()], pl.String))
        some = some.join(names, on=["ref", "alt"], how="left", maintain_order="left", nulls_equal=True)
        # Where REF has N and the reference another base, nobody knows what the change is, and it has no description.
        guessed = ref.str.contains("N", literal=True) & ~pl.col("described") & pl.col("name").is_not_null()
        type_ = pl.when(guessed).then(pl.lit("other")).otherwise("name")
        some = some.with_columns(pl.coalesce(TYPE, type_).alias(TYPE))
    return alleles.with_columns(types.scatter(places, some[TYPE]))


def _type(ref: str, alt: str | None) -> str | None:
    return (_short_type if len(ref) + len(alt or "") <= REMEMBERED else _any_type)(ref, alt)


def _any_type(ref: str, alt: str | None) -> str | None:
    kind = kind_of(alt or ".")
    if alt is None or kind in {Kind.MISSING, Kind.OVERLAPPING} or alt in ANY_ALLELE or alt == ref:
        return None
    return shortest(1, ref, alt).type if kind is Kind.SEQUENCE else "other"


_short_type = lru_cache(maxsize=4096)(_any_type)
