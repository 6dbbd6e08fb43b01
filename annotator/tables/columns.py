"""The columns of both tables, from the tags of an annotated file. docs/annotation.md describes them.

The flat table is for people and spreadsheets, so texts from the file, the gene models or a source are made safe in it.
The Parquet file is for programs, and has these texts unchanged.
"""

import re
from collections.abc import Sequence

import polars as pl

from annotator.effects import csq_field, info_tags
from annotator.effects.terms import IMPACT
from annotator.sources.findings import classify
from annotator.tables import cells, genotypes, schema
from annotator.tables.alleles import ALLELE, END, TYPE, info
from annotator.tables.blocks import SourceTag
from annotator.tables.csq_entries import COUNTS, IN_CODING, PICKED, TERM_BITS, TERMS, TOUCHED, field

FLAT = (
    *("CHROM", "POS", "ID", "REF", "ALT", "QUAL", "FILTER"),
    *("gene", "gene_id", "transcript", "picked", "mane", "biotype", "strand"),
    *("consequence", "impact", "terms", "most_severe"),
    *("hgvs_g", "hgvs_c", "hgvs_c_flag", "hgvs_p", "exon", "intron", "codons", "amino_acids"),
    *("cdna_position", "cds_position", "protein_position", "nearest_gene", "distance"),
    *("phased", "known", "known_source"),
)
#: Names of the Parquet file's columns, without those of sources and samples.
TYPED = tuple(column.name for column in schema.COLUMNS)
#: Maximum number of gene names in GAS_GENE for one allele. If there are more, the rest is given as a number.
MOST_GENES = 200
#: Suffix of the tag with a source's classification.
CLASSIFICATION = "CLNSIG"
_LETTERS = {"%3A": ":", "%3B": ";", "%3D": "=", "%25": "%", "%2C": ",", "%0D": " ", "%0A": " ", "%09": " "}
#: The escapes of INFO.
_ESCAPES = _LETTERS | {code.lower(): letter for code, letter in _LETTERS.items()}
#: The escapes of a field of CSQ.
_FIELD_ESCAPES = {code: letter for letter, code in csq_field.ESCAPES.items() if code.startswith("%")}


_OF_SAMPLE = re.compile(rf"s\d+_({'|'.join(column.name for column in schema.SAMPLE_COLUMNS)})", re.IGNORECASE)


def source_names(sources: Sequence[SourceTag]) -> list[str]:
    """Return the names of the sources' columns: their tags, changed if another column has the same name in any case."""
    seen = {name.casefold() for name in (*FLAT, *TYPED, schema.TRANSCRIPTS.name)}
    names = []
    for source in sources:
        name = source.tag
        while name.casefold() in seen or _OF_SAMPLE.fullmatch(name):
            name += "_"
        seen.add(name.casefold())
        names.append(name)
    return names


def flat_names(sources: Sequence[SourceTag]) -> list[str]:
    """Return the names of the flat table's columns."""
    return [*FLAT, *source_names(sources)]


def defused(value: pl.Expr) -> pl.Expr:
    """Return a text cell that a spreadsheet reads as text, and that is harmless in a terminal.

    A cell that begins like a formula, or with an apostrophe, gets an apostrophe in front. Removing one apostrophe gives
    the original value. Numbers are not changed. Control characters become "?".
    """
    risky = value.str.contains(cells.RISKY) & ~value.str.contains(cells.NUMBER)
    marked = pl.when(risky).then(pl.concat_str(pl.lit("'"), value)).otherwise(value)
    return marked.str.replace_all(cells.CONTROL, "?")


def flat(sources: Sequence[SourceTag], *, escaped: bool) -> list[pl.Expr]:
    """Return the flat table's columns, from `csq_entries.by_transcript`. escaped: INFO may have escapes."""
    own = _own(escaped)
    touches = (field("Feature") != "").fill_null(False)

    def of_transcript(name: str) -> pl.Expr:
        return pl.when(touches).then(_field(name, escaped))

    # Without a transcript, use the allele's: the file has no CSQ, or the entry does not have the allele's transcript.
    flag = pl.when(field("MANE") != "").then(_before(field("MANE"), "&"))
    canonical = pl.when(field("CANONICAL") == "YES").then(pl.lit("Ensembl_canonical"))
    hgvs_c = pl.when(touches).then(_field("HGVSc", escaped)).otherwise(own[info_tags.HGVS_C])
    hgvs_c_flag = pl.when(touches).then(pl.coalesce(flag, canonical)).otherwise(own[info_tags.TRANSCRIPT])
    columns = [
        defused(pl.col("contig")),
        pl.col("pos"),
        *(defused(pl.col(name)) for name in ("id", "ref", "alt")),
        pl.col("qual"),
        defused(pl.col("filter")),
        defused(pl.when(touches).then(_field("SYMBOL", escaped)).otherwise(own[info_tags.GENE])),
        *(defused(of_transcript(name)) for name in ("Gene", "Feature")),
        *(field(name) for name in ("PICK", "MANE")),
        defused(of_transcript("BIOTYPE")),
        pl.when(touches).then(field("STRAND").replace_strict({"1": "+", "-1": "-"}, default=None)),
        pl.coalesce(_before(field("Consequence"), "&"), own[info_tags.CONSEQUENCE]),
        field("IMPACT"),
        field("Consequence"),
        own[info_tags.CONSEQUENCE],
        own[info_tags.HGVS_G],
        defused(hgvs_c),
        hgvs_c_flag,
        _clear(field("HGVSp").str.extract(r":(p\.[^:]*)$"), _FIELD_ESCAPES, escaped),
        *(field(name) for name in ("EXON", "INTRON", "Codons", "Amino_acids")),
        *(field(name) for name in ("cDNA_position", "CDS_position", "Protein_position")),
        defused(pl.when(~touches).then(_field("SYMBOL", escaped))),
        field("DISTANCE"),
        own[info_tags.PHASED],
        own[info_tags.KNOWN],
        own[info_tags.KNOWN_SOURCE],
        *(defused(_tag(source.tag, escaped)) for source in sources),
    ]
    return [column.alias(name) for column, name in zip(columns, flat_names(sources), strict=True)]


def typed(sources: Sequence[SourceTag], samples: int, *, escaped: bool) -> list[pl.Expr]:
    """Return the Parquet file's columns, from `csq_entries.add_summary` and `genotypes.add`.

    The frame also has the columns row_number and record of the schema. samples: number of samples with columns.
    """
    own, types = _own(escaped), {"Float": pl.Float64, "Integer": pl.Int64}
    impact = own[info_tags.CONSEQUENCE].replace_strict(IMPACT, default=None, return_dtype=pl.String)
    columns = [
        pl.col("contig"),
        pl.col("pos").cast(pl.Int64),
        *(pl.col(name) for name in ("id", "ref", "alt", TYPE)),
        own[info_tags.GENE],
        own[info_tags.CONSEQUENCE],
        impact,
        *(own[tag] for tag in (info_tags.HGVS_G, info_tags.HGVS_C, info_tags.TRANSCRIPT, info_tags.HGVS_P)),
        *(_field(name, escaped) for name in PICKED),
        *(pl.col(name) for name in (TOUCHED, IN_CODING, *COUNTS.values())),
        *(own[tag] for tag in (info_tags.PHASED, info_tags.KNOWN, info_tags.KNOWN_SOURCE)),
        pl.col("qual").cast(pl.Float64, strict=False).fill_nan(None),
        pl.col("filter"),
        pl.coalesce(END, pl.col("pos").cast(pl.Int64) + pl.col("ref").str.len_bytes().cast(pl.Int64) - 1),
        pl.col("row_number"),
        pl.col("record"),
        pl.when(pl.col("alt").is_not_null()).then(pl.col(ALLELE) + 1).otherwise(0).cast(pl.Int64),
        _each_clear(pl.col(info(info_tags.GENE)).str.split("&").list.head(MOST_GENES), escaped),
        pl.col(TERMS),
        pl.col(TERM_BITS),
        _significance(sources),
        *(pl.col(name) for name in (genotypes.HET, genotypes.HOM, genotypes.CALLED)),
        *(
            pl.col(info(source.tag)).cast(types[source.type], strict=False).fill_nan(None)
            if source.type in types
            else _tag(source.tag, escaped)
            for source in sources
        ),
    ]
    own_names = [*TYPED, *source_names(sources)]
    of_samples = [
        pl.col(schema.sample_column(number, one.name))
        for number in range(1, samples + 1)
        for one in schema.SAMPLE_COLUMNS
    ]
    return [
        *(column.alias(name) for column, name in zip(columns, own_names, strict=True)),
        *of_samples,
        pl.col(schema.TRANSCRIPTS.name),
    ]


def transcript_fields(*, escaped: bool) -> list[pl.Expr]:
    """Return the fields of each entry in the transcripts column, from `csq_entries.by_transcript`; null if empty."""
    return [_field(name, escaped).replace("", None).alias(own) for own, name, _ in schema.TRANSCRIPT_FIELDS]


def _significance(sources: Sequence[SourceTag]) -> pl.Expr:
    """Return the class from the first source that has a classification."""
    tag = next((source.tag for source in sources if source.tag.endswith(CLASSIFICATION)), None)
    if tag is None:
        return pl.lit(None, pl.String)
    return pl.col(info(tag)).map_batches(_classified, return_dtype=pl.String, is_elementwise=True)


def _classified(values: pl.Series) -> pl.Series:
    known = {value: str(classify(value)) for value in values.drop_nulls().unique()}
    return values.replace_strict(known, default=None, return_dtype=pl.String) if known else values


def _each_clear(values: pl.Expr, escaped: bool) -> pl.Expr:
    return values.list.eval(_clear(pl.element(), _ESCAPES, True)) if escaped else values


def _own(escaped: bool) -> dict[str, pl.Expr]:
    """Return the annotator's own tags for people: lists in place of &, and spaces in place of their escapes."""

    def listed(tag: str, joint: str) -> pl.Expr:
        return pl.col(info(tag)).str.replace_all("&", joint, literal=True)

    values = {
        info_tags.GENE: listed(info_tags.GENE, ", "),
        **{
            tag: pl.col(info(tag))
            for tag in (info_tags.CONSEQUENCE, info_tags.HGVS_G, info_tags.HGVS_C, info_tags.TRANSCRIPT)
        },
        # Several transcripts of a gene often have the same value.
        info_tags.HGVS_P: pl.col(info(info_tags.HGVS_P))
        .str.split("&")
        .list.unique(maintain_order=True)
        .list.join("; "),
        info_tags.PHASED: listed(info_tags.PHASED, "; "),
        info_tags.KNOWN: listed(info_tags.KNOWN, "; ").str.replace_all("_", " ", literal=True),
        info_tags.KNOWN_SOURCE: listed(info_tags.KNOWN_SOURCE, "; ").str.replace_all("_", " ", literal=True),
    }
    return {tag: _clear(value, _ESCAPES, escaped) for tag, value in values.items()}


def _tag(tag: str, escaped: bool) -> pl.Expr:
    return _clear(pl.col(info(tag)), _ESCAPES, escaped)


def _field(name: str, escaped: bool) -> pl.Expr:
    return _clear(field(name), _FIELD_ESCAPES, escaped)


def _before(value: pl.Expr, at: str) -> pl.Expr:
    """Return the text before the first `at`, or all of it."""
    return value.str.splitn(at, 2).struct.field("field_0")


def _clear(value: pl.Expr, escapes: dict[str, str], escaped: bool) -> pl.Expr:
    """Replace all escapes in one pass, so that the result of %25 cannot begin another escape."""
    return value.str.replace_many(list(escapes), list(escapes.values())) if escaped else value
