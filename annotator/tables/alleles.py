"""Convert records to a data frame with a row for each ALT allele, column by column in Polars."""

import io
from collections.abc import Iterator, Sequence
from functools import lru_cache

import polars as pl

from annotator.effects import info_tags
from annotator.effects.allele import ANY_ALLELE, Kind, kind_of, shortest
from annotator.tables import csq_entries
from annotator.tables.csq_entries import ENTRIES

COLUMNS = ("contig", "pos", "id", "ref", "alt", "qual", "filter", "info")
#: Columns that are not in the file: row is the number of the record, allele that of the ALT allele, both from 0.
ROW, ALLELE, TYPE = "row", "allele", "type"
#: The last position that an allele replaces, if INFO/END declares it; FORMAT; and the samples' cells, see `cell`.
END, FORMAT = "end", "format"
#: Maximum number of CSQ entries in a frame, plus those of one allele. An allele without entries counts as one.
ENTRIES_AT_ONCE = 40_000
#: Maximum length of REF and ALT together for a cached type.
REMEMBERED = 100
BASES = ["A", "C", "G", "T"]


def info(tag: str) -> str:
    """Return the name of a tag's column. It differs from all COLUMNS, because no tag contains a slash."""
    return f"INFO/{tag}"


def cell(sample: int) -> str:
    """Return the name of a sample's column. sample: its number, from 1."""
    return f"sample/{sample}"


def read(block: bytes, order: Sequence[str], samples: int = 0) -> Iterator[pl.DataFrame]:
    """Yield the alleles of a block of lines, in order, ENTRIES_AT_ONCE at a time.

    Each frame has these columns, with null for missing values:
        COLUMNS without info, as text;
        FORMAT, and a `cell` for each sample;
        ROW, ALLELE, TYPE and END;
        each tag of `order` except CSQ, named by `info`, with the value of INFO for this allele;
        ENTRIES, the list of the allele's CSQ entries.
    A record without an ALT allele has one row. A block without records gives one frame without rows.

    Args:
        block: whole lines.
        order: the tags at the end of INFO, including CSQ.
        samples: how many of the first samples to read.
    """
    cells = [FORMAT, *(cell(number) for number in range(1, samples + 1))] if samples else []
    records = pl.read_csv(
        io.BytesIO(block),
        has_header=False,
        separator="\t",
        quote_char=None,
        schema=dict.fromkeys((*COLUMNS, *cells), pl.String),
        extra_columns="ignore",  # the samples that are not read
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
    """Split a frame into parts of at most `most` weight, plus one row. A frame without rows is not split."""
    groups = frame.select(weight.cum_sum() // most).to_series().rle().struct.field("len")
    start = 0
    if groups.is_empty():
        yield frame
    for length in groups:
        yield frame.slice(start, length)
        start += length


def _with_tags(records: pl.DataFrame, order: Sequence[str], kept: Sequence[str]) -> pl.LazyFrame:
    """Replace INFO, which begins with an added ;, by the values of the tags, next to the columns `kept`.

    The tags are at the end of INFO in a known order, so each value ends where the next present tag begins. Only one
    position per tag has to be found, and nothing is copied. If the order differs, tags are cut out one by one.
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
    """Give each ALT allele of multiallelic records a row, with its own value of every tag, and its CSQ entries.

    The values are split before the rows are made: otherwise each row would hold the values of all alleles.
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
    """Add the type of each allele, the same as in the summary; null for what is not a variant allele."""
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
        # Where REF has N and the reference has another base, the change is unknown, and there is no description.
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
