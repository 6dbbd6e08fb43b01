"""Entries of INFO/CSQ in data frames: a row for each allele and transcript, and a summary of an allele's transcripts.

The column ENTRIES has a list of each allele's entries; null if it has none.
"""

from collections.abc import Sequence

import polars as pl

from annotator.effects.csq_field import FIELDS, TAG
from annotator.effects.terms import IMPACT, Impact

ENTRIES = "entries"
#: The number of an allele in its frame, from 0.
PLACE = "place"
#: Columns of `add_summary`: the number of transcripts that the allele touches, and how many have each impact.
TOUCHED, IN_CODING = "transcripts", "transcripts_coding"
COUNTS = {impact: f"n_{impact.lower()}" for impact in Impact}
#: All terms of the allele's transcripts: as a list, and as bits of a number.
TERMS, TERM_BITS = "terms", "term_bits"
_BIT = {term: 1 << number for number, term in enumerate(IMPACT)}
#: Fields of the picked transcript that `add_summary` adds.
PICKED = ("Feature", "Gene", "BIOTYPE", "EXON", "INTRON", "Codons", "Amino_acids", "Protein_position")


def field(name: str) -> pl.Expr:
    """Return the column of a CSQ field; null or "" means empty."""
    return pl.col(column(name))


def column(name: str) -> str:
    """Return the name of a field's column. INFO tags cannot contain a slash."""
    return f"{TAG}/{name}"


def by_allele(records: pl.LazyFrame, row: str, allele: str, value: pl.Expr) -> pl.LazyFrame:
    """Return `row`, `allele` (from 0) and ENTRIES of the alleles that have entries in a record's CSQ value."""
    number = pl.col(ENTRIES).str.extract(r"\|(\d+)$")
    return (
        records.select(row, value.str.split(",").alias(ENTRIES))
        .explode(ENTRIES)
        .with_columns((number.cast(pl.Int64) - 1).alias(allele))
        .drop_nulls(allele)
        .group_by(row, allele, maintain_order=True)
        .agg(ENTRIES)
    )


def by_transcript(alleles: pl.DataFrame) -> pl.DataFrame:
    """Give each entry of an allele a row, and an allele without entries one row. Add each `field`, and PLACE."""
    parts = pl.col(ENTRIES).str.split_exact("|", len(FIELDS) - 1).struct
    fields = (parts.field(f"field_{number}").alias(column(name)) for number, name in enumerate(FIELDS))
    return alleles.lazy().with_row_index(PLACE).explode(ENTRIES).with_columns(fields).drop(ENTRIES).collect()


def add_summary(alleles: pl.DataFrame, rows: pl.DataFrame, fields: Sequence[pl.Expr], name: str) -> pl.DataFrame:
    """Add to each allele the fields PICKED of its most important transcript, and a summary of all its transcripts.

    Args:
        alleles: a frame with a row for each allele.
        rows: `by_transcript` of the alleles.
        fields: the fields of each entry in the list `name`.
        name: the column with the list of all entries.
    """
    entries = rows.lazy().filter(field("Feature") != "")
    is_picked = field("PICK") == "1"
    picked = entries.filter(is_picked).select(PLACE, *(field(name).replace("", None) for name in PICKED))
    counts = entries.group_by(PLACE).agg(
        pl.len().cast(pl.Int64).alias(TOUCHED),
        (field("CDS_position") != "").sum().cast(pl.Int64).alias(IN_CODING),
        *((field("IMPACT") == impact).sum().cast(pl.Int64).alias(name) for impact, name in COUNTS.items()),
    )
    all_entries = rows.lazy().filter(field("Consequence") != "").select(PLACE, pl.struct(fields).alias(name))
    given = field("Consequence").str.split("&")
    terms = (
        rows.lazy()
        .filter(field("Consequence") != "")
        .select(PLACE, given.alias(TERMS))
        .explode(TERMS)
        .unique(maintain_order=True)
        .with_columns(pl.col(TERMS).replace_strict(_BIT, default=0, return_dtype=pl.Int64).alias(TERM_BITS))
        .group_by(PLACE, maintain_order=True)
        .agg(TERMS, pl.col(TERM_BITS).sum())
    )
    return (
        alleles.lazy()
        .with_row_index(PLACE)
        .join(all_entries.group_by(PLACE, maintain_order=True).agg(name), on=PLACE, how="left", maintain_order="left")
        .join(terms, on=PLACE, how="left", maintain_order="left")
        .join(picked.unique(PLACE, keep="first"), on=PLACE, how="left", maintain_order="left")
        .join(counts, on=PLACE, how="left", maintain_order="left")
        .with_columns(pl.col(TOUCHED, IN_CODING, TERM_BITS, *COUNTS.values()).fill_null(0))
        .collect()
    )
