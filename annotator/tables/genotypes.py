"""Genotypes of samples: as columns of a data frame with a row for each ALT allele, and as counts."""

import re
from collections.abc import Sequence
from functools import lru_cache

import polars as pl

from annotator.effects import info_tags
from annotator.tables.alleles import ALLELE, FORMAT, ROW, cell, info
from annotator.tables.schema import SAMPLE_COLUMNS, sample_column

#: Columns of counts.
HET, HOM, CALLED = "samples_het", "samples_hom", "samples_called"
_SEPARATOR = re.compile(r"[/|]")
#: Maximum length of a genotype; longer ones count as no call.
LONGEST = 1000


@lru_cache(maxsize=4096)
def zygosity(genotype: str, allele: int) -> str | None:
    """Return a sample's zygosity for an allele: "het", "hom", "absent", or None if it is unknown.

    Args:
        genotype: GT, such as 0/1.
        allele: the number of the ALT allele, from 1.
    """
    if len(genotype) > LONGEST:
        return None
    alleles = _SEPARATOR.split(genotype.lstrip("/|"))
    if str(allele) in alleles:
        return "hom" if set(alleles) == {str(allele)} else "het"
    return "absent" if all(one.isdecimal() for one in alleles) else None


def add(alleles: pl.DataFrame, samples: int) -> pl.DataFrame:
    """Replace FORMAT and the cells of `alleles.read` by each sample's columns, and add HET, HOM and CALLED.

    Args:
        samples: the number of samples; if 0, all counts are 0.
    """
    names = [sample_column(number, one.name) for number in range(1, samples + 1) for one in SAMPLE_COLUMNS]
    if not samples:
        return alleles.with_columns(pl.lit(0, pl.Int64).alias(name) for name in (HET, HOM, CALLED))
    formats = alleles[FORMAT].unique().to_list() or [None]
    parts = [
        _typed(alleles.filter(pl.col(FORMAT).eq_missing(pl.lit(one, pl.String))), (one or "").split(":"), samples)
        for one in formats
    ]
    found = parts[0] if len(parts) == 1 else pl.concat(parts).sort(ROW, ALLELE)
    kinds = [pl.col(sample_column(number, "zygosity")) for number in range(1, samples + 1)]

    def count(mask: pl.Expr) -> pl.Expr:
        return mask.cast(pl.Int64)

    counts = (
        pl.sum_horizontal(count(one.eq_missing(pl.lit("het"))) for one in kinds).alias(HET),
        pl.sum_horizontal(count(one.eq_missing(pl.lit("hom"))) for one in kinds).alias(HOM),
        pl.sum_horizontal(count(one.is_not_null()) for one in kinds).alias(CALLED),
    )
    cells = [FORMAT, *(cell(number) for number in range(1, samples + 1))]
    dropped = found.drop(cells).with_columns(counts)
    return dropped.select(pl.exclude(names), *names)


def _typed(part: pl.DataFrame, format_: Sequence[str], samples: int) -> pl.DataFrame:
    """Add the columns of samples to alleles that have the same FORMAT."""
    split = {
        number: pl.col(cell(number)).str.split_exact(":", len(format_) - 1) if len(format_) > 1 else None
        for number in range(1, samples + 1)
    }

    def value(number: int, tag: str) -> pl.Expr:
        """The tag's text for a sample; null if it is missing."""
        if tag not in format_:
            return pl.lit(None, pl.String)
        whole = split[number]
        text = pl.col(cell(number)) if whole is None else whole.struct.field(f"field_{format_.index(tag)}")
        return pl.when(~text.is_in([".", ""])).then(text)

    texts = part.lazy().with_columns(
        value(number, tag).alias(f"{tag}/{number}")
        for number in range(1, samples + 1)
        for tag in ("GT", "DP", "GQ", "AD", "HF", "AF")
    )
    found = texts.collect()
    found = found.with_columns(_zygosity(found, number) for number in range(1, samples + 1))
    typed = found.lazy().with_columns(column for number in range(1, samples + 1) for column in _of_sample(number))
    return typed.drop(pl.selectors.matches(r"^(GT|DP|GQ|AD|HF|AF)/\d+$")).collect()


def _zygosity(found: pl.DataFrame, number: int) -> pl.Expr:
    gt, text = f"GT/{number}", pl.concat_str(pl.col(f"GT/{number}"), pl.lit(" "), pl.col(ALLELE) + 1)
    pairs = found.select(gt, ALLELE).unique().drop_nulls().rows()
    known = {f"{genotype} {allele + 1}": zygosity(genotype, allele + 1) for genotype, allele in pairs}
    has_allele = pl.col("alt").is_not_null()
    kind = text.replace_strict(known, default=None, return_dtype=pl.String) if known else pl.lit(None, pl.String)
    return pl.when(has_allele).then(kind).alias(sample_column(number, "zygosity"))


def _of_sample(number: int) -> list[pl.Expr]:
    depths = pl.col(f"AD/{number}").str.split(",").list.eval(pl.element().cast(pl.Int64, strict=False))
    own = depths.list.get(pl.col(ALLELE) + 1, null_on_oob=True)
    total = depths.list.sum()
    balance = pl.when(total > 0).then(own / total)

    def share(tag: str) -> pl.Expr:
        values = pl.col(f"{tag}/{number}").str.split(",")
        return values.list.get(pl.col(ALLELE), null_on_oob=True).cast(pl.Float64, strict=False)

    is_mitochondrial = pl.col(info(info_tags.HGVS_G)).str.starts_with("m.")
    columns = {
        "gt": pl.col(f"GT/{number}"),
        "dp": pl.col(f"DP/{number}").cast(pl.Int32, strict=False),
        "gq": pl.col(f"GQ/{number}").cast(pl.Float64, strict=False).round().cast(pl.Int32, strict=False),
        "ad_ref": depths.list.get(0, null_on_oob=True).cast(pl.Int32, strict=False),
        "ad_alt": own.cast(pl.Int32, strict=False),
        "ab": balance,
        "hf": pl.when(is_mitochondrial).then(pl.coalesce(share("HF"), share("AF"), balance)),
    }
    return [value.alias(sample_column(number, name)) for name, value in columns.items()]
