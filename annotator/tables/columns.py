"""The columns of both tables, out of the tags of an annotated file. docs/annotation.md describes them.

The flat table is for people and spreadsheets: texts that the file or a source dictates are defused in it. The Parquet
file is for programs, and has them as they are.
"""

from collections.abc import Sequence

import polars as pl

from annotator import tags
from annotator.tables.alleles import TYPE
from annotator.tables.blocks import SourceTag

FLAT = (
    *("CHROM", "POS", "ID", "REF", "ALT", "QUAL", "FILTER", "gene", "transcript", "biotype", "strand", "consequence"),
    *("most_severe", "hgvs_g", "hgvs_c", "hgvs_c_flag", "hgvs_p", "amino_acid_change", "phased"),
    *("known", "known_source"),
)
TYPED = (
    *("contig", "pos", "id", "ref", "alt", "type", "gene", "consequence", "hgvs_g", "hgvs_c", "hgvs_c_flag", "hgvs_p"),
    *("phased", "known", "known_source", "qual", "filter"),
)
_LETTERS = {"%3A": ":", "%3B": ";", "%3D": "=", "%25": "%", "%2C": ",", "%0D": " ", "%0A": " ", "%09": " "}
_ESCAPES = _LETTERS | {code.lower(): letter for code, letter in _LETTERS.items()}


def source_names(sources: Sequence[SourceTag]) -> list[str]:
    """What the columns of sources are called: as their tags, unless another column has that name, in whatever case."""
    seen = {name.casefold() for name in (*FLAT, *TYPED)}
    names = []
    for source in sources:
        name = source.tag
        while name.casefold() in seen:
            name += "_"
        seen.add(name.casefold())
        names.append(name)
    return names


def flat_names(sources: Sequence[SourceTag]) -> list[str]:
    return [*FLAT, *source_names(sources)]


#: How a cell begins that a spreadsheet might run as a formula or take for a quoted one; full-width signs count too.
_RISKY = r"^\s*[=+\-@\t\r\"'＝＋－＠]"
_NUMBER = r"^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$"
_CONTROL = r"[\x00-\x1f\x7f-\x9f]"


def defused(value: pl.Expr) -> pl.Expr:
    """Return a text cell that a spreadsheet takes for text and a terminal for nothing else.

    A cell that begins as a formula gets an apostrophe in front, as does one that begins with an apostrophe: so one
    apostrophe less gives the value back. Numbers stay as they are. Control characters become "?".
    """
    risky = value.str.contains(_RISKY) & ~value.str.contains(_NUMBER)
    marked = pl.when(risky).then(pl.concat_str(pl.lit("'"), value)).otherwise(value)
    return marked.str.replace_all(_CONTROL, "?")


def flat(sources: Sequence[SourceTag], *, escaped: bool) -> list[pl.Expr]:
    """The columns of the flat table, out of `entries.by_transcript`. escaped: there may be escapes in INFO."""
    own = _own(escaped)
    columns = [
        defused(pl.col("contig")),
        pl.col("pos"),
        *(defused(pl.col(name)) for name in ("id", "ref", "alt")),
        pl.col("qual"),
        defused(pl.col("filter")),
        pl.coalesce("gene", own[tags.GENE]),
        *(pl.col(name) for name in ("transcript", "biotype", "strand", "consequence", tags.CONSEQUENCE)),
        *(own[tag] for tag in (tags.HGVS_G, tags.HGVS_C, tags.TRANSCRIPT)),
        _clear(pl.col("hgvs_p"), escaped),
        pl.col("amino_acids"),
        own[tags.PHASED],
        own[tags.KNOWN],
        own[tags.KNOWN_SOURCE],
        *(defused(_clear(pl.col(source.tag), escaped)) for source in sources),
    ]
    return [column.alias(name) for column, name in zip(columns, flat_names(sources), strict=True)]


def typed(sources: Sequence[SourceTag], *, escaped: bool) -> list[pl.Expr]:
    """The columns of the Parquet file, out of `alleles.read`."""
    own, types = _own(escaped), {"Float": pl.Float64, "Integer": pl.Int64}
    columns = [
        pl.col("contig"),
        pl.col("pos").cast(pl.Int64),
        *(pl.col(name) for name in ("id", "ref", "alt", TYPE)),
        *(own[tag] for tag in (tags.GENE, tags.CONSEQUENCE, tags.HGVS_G, tags.HGVS_C, tags.TRANSCRIPT, tags.HGVS_P)),
        *(own[tag] for tag in (tags.PHASED, tags.KNOWN, tags.KNOWN_SOURCE)),
        pl.col("qual").cast(pl.Float64, strict=False),
        pl.col("filter"),
        *(
            pl.col(source.tag).cast(types[source.type], strict=False)
            if source.type in types
            else _clear(pl.col(source.tag), escaped)
            for source in sources
        ),
    ]
    return [column.alias(name) for column, name in zip(columns, [*TYPED, *source_names(sources)], strict=True)]


def _own(escaped: bool) -> dict[str, pl.Expr]:
    """Our tags for people: what & joins is listed, and spaces are spaces again."""

    def listed(tag: str, joint: str) -> pl.Expr:
        return pl.col(tag).str.replace_all("&", joint, literal=True)

    values = {
        tags.GENE: listed(tags.GENE, ", "),
        tags.CONSEQUENCE: pl.col(tags.CONSEQUENCE),
        tags.HGVS_G: pl.col(tags.HGVS_G),
        tags.HGVS_C: pl.col(tags.HGVS_C),
        tags.TRANSCRIPT: pl.col(tags.TRANSCRIPT),
        # Several transcripts of a gene often have the same.
        tags.HGVS_P: pl.col(tags.HGVS_P).str.split("&").list.unique(maintain_order=True).list.join("; "),
        tags.PHASED: listed(tags.PHASED, "; "),
        tags.KNOWN: listed(tags.KNOWN, "; ").str.replace_all("_", " ", literal=True),
        tags.KNOWN_SOURCE: listed(tags.KNOWN_SOURCE, "; ").str.replace_all("_", " ", literal=True),
    }
    return {tag: _clear(value, escaped) for tag, value in values.items()}


def _clear(value: pl.Expr, escaped: bool) -> pl.Expr:
    """Escapes as what they stand for, all in one go: what %25 becomes is not the beginning of another."""
    return value.str.replace_many(list(_ESCAPES), list(_ESCAPES.values())) if escaped else value
