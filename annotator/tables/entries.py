"""Entries of BCSQ, one for each transcript: `Consequence|gene|transcript|biotype|strand|amino_acid_change|dna_change`.

In data frames they are a column of lists, ENTRIES. FIELDS are null or "" where they are missing.
"""

import re
from functools import cache

import polars as pl

from annotator import consequence, tags
from annotator.alleles import Change, shortest

ENTRIES = "entries"
FIELDS = ("words", "gene", "transcript", "biotype", "strand", "amino_acids", "change")
#: What csq says where it does not look further: what is said of the allele may be less severe (see Composer).
VAGUE = ["non_coding", "intron"]
_CHANGE = re.compile(r"(\d+)([ACGTN]+)>([ACGTN]+)").fullmatch


@cache
def _fields(entry: str) -> list[pl.Expr]:
    """FIELDS out of a column of entries. The star that says "behind a stop" is left out."""
    parts = pl.col(entry).str.split_exact("|", len(FIELDS) - 1).struct
    fields = [parts.field(f"field_{number}").alias(name) for number, name in enumerate(FIELDS)]
    return [fields[0].str.strip_prefix("*"), *fields[1:]]


def _term(words: str) -> str:
    (found,) = consequence.parse(f"{words}|") or (None,)
    return found.term if found else words


def _terms(words: pl.Series) -> pl.Expr:
    """The worst Sequence Ontology term of csq's words, which a column has under that name."""
    known = words.unique().drop_nulls().to_list()
    return pl.col("words").replace_strict(known, [_term(one) for one in known], default=None, return_dtype=pl.String)


def _rank(term: pl.Expr) -> pl.Expr:
    """The severity of terms: 0 is the most severe."""
    terms = list(consequence.TERMS.values())
    return term.replace_strict(terms, range(len(terms)), default=len(terms), return_dtype=pl.Int64)


def _seen(change: Change) -> tuple[str, str | None]:
    """What a change is known by however it is written, and what csq says of it beside all else.

    What is inserted or deleted may be shifted in a repeat, which turns its bases around. Several bases that become more
    or fewer others are a longer or a shorter feature.
    """
    if not change.ref or not change.alt:
        return f"{''.join(sorted(change.ref))}>{''.join(sorted(change.alt))}", None
    feature = None
    if len(change.ref) > 1 < len(change.alt) and len(change.ref) != len(change.alt):
        feature = "feature_elongation" if len(change.alt) > len(change.ref) else "feature_truncation"
    return f"{change.pos}{change.ref}>{change.alt}", feature


def _sign(change: str) -> str | None:
    parts = _CHANGE(change)
    return _seen(shortest(int(parts[1]), parts[2], parts[3]))[0] if parts else None


def _owners(alleles: pl.DataFrame) -> pl.DataFrame:
    """The alleles that csq was asked about, each with its sign; and its number among those of that sign, and how many
    they are.
    """
    asked = alleles.filter(pl.col("alt").str.contains("^[ACGT]+$"), pl.col("alt") != pl.col("ref"))
    seen = [_seen(shortest(int(pos), ref, alt)) for pos, ref, alt in asked.select("pos", "ref", "alt").iter_rows()]
    signs, features = zip(*seen, strict=True) if seen else ((), ())
    return asked.select(
        *("row", "allele", tags.CONSEQUENCE),
        genes=pl.col(tags.GENE).str.split("&").list.sort(),
        sign=pl.Series(signs, dtype=pl.String),
        feature=pl.Series(features, dtype=pl.String),
    ).with_columns(number=pl.col("allele").rank("dense").over("row", "sign"), of=pl.len().over("row", "sign"))


def _entries(alleles: pl.DataFrame, owners: pl.DataFrame) -> pl.DataFrame:
    """The entries of records, each with its place, its FIELDS and its term; where there is a change, with its sign and
    the number of the change among those of that sign.

    owned: whether an allele has that sign; exact: whether it has as many alleles as changes, so that their numbers
    tell which change is whose; first: an entry without an owner is about no allele before this one.
    """
    entries = (
        alleles.lazy()
        .filter(pl.col("allele") == 0)
        .select("row", pl.col(tags.BCSQ).str.split(",").alias("entry"))
        .with_columns(pl.int_ranges(pl.col("entry").list.len()).alias("place"))
        .explode("entry", "place")
        .with_columns(_fields("entry"))
        .collect()
    )
    signs = pl.Series("sign", [_sign(change or "") for change in entries["change"]], pl.String)
    classes = owners.lazy().group_by("row", "sign").agg(pl.col("of").first(), pl.col("allele").min().alias("least"))
    return (
        entries.lazy()
        .with_columns(
            _terms(entries["words"]).alias("term"), signs, pl.col("place").min().over("row", "change").alias("first")
        )
        .with_columns(
            number=pl.col("first").rank("dense").over("row", "sign"),
            of=pl.col("change").n_unique().over("row", "sign"),
        )
        .join(classes, on=["row", "sign"], how="left", suffix="_owners")
        .join(owners.lazy().select("row", "sign", "number", owner="allele"), on=["row", "sign", "number"], how="left")
        .with_columns(owned=pl.col("least").is_not_null(), exact=pl.col("of") == pl.col("of_owners"))
        .sort("row", "place")
        .with_columns(first=pl.when("exact").then("owner").otherwise("least").forward_fill().over("row").fill_null(0))
        .select(
            "row", "place", "entry", "words", "gene", "transcript", "term", "sign", "number", "owned", "exact", "first"
        )
        .collect()
    )


class Shares:
    """Gives the entries of BCSQ, which are the record's, to the alleles that they are about.

    An entry that ends in a change, as in 70083A>C, is about the allele of that change, however that is written. One
    without may be about several. Each entry stands where it first came up, so it is about no allele before the one
    whose change is in front of it; nor about one without its gene, or with a most severe consequence that is less
    severe than csq's words; nor about one that has an entry with a change in the same transcript, except for what csq
    says beside all else. GAS_GENE has the genes of an allele's entries, if there are any: others mean that there are
    none. Where that leaves several alleles, an entry is given to each.
    """

    def __init__(self, alleles: pl.DataFrame) -> None:
        """alleles: all those of records with several."""
        given = alleles.filter(pl.col(tags.BCSQ).is_not_null())
        self._owners = _owners(given)
        self._entries = _entries(given, self._owners)
        #: Of each row how many entries are open: about any number of its alleles.
        self.open = self._entries.filter(~pl.col("exact").fill_null(False)).group_by("row").agg(open=pl.len())

    def of(self, wanted: pl.DataFrame) -> pl.DataFrame:
        """Return row, allele and ENTRIES of those of the wanted alleles (row, allele) that have entries.

        It takes memory for each open entry of a record for each of its wanted alleles.
        """
        alleles = self._owners.join(wanted, on=["row", "allele"], how="semi").lazy()
        entries = self._entries.lazy()
        words, gene = pl.col("words"), pl.col("gene")
        columns = ["row", "allele", "place", "entry", "gene", "transcript", "genes", "certain"]
        certain = pl.concat(
            [
                entries.filter("exact").join(alleles, on=["row", "sign", "number"]).select(columns[:-1]),
                entries.filter("owned", ~pl.col("exact")).join(alleles, on=["row", "sign"]).select(columns[:-1]),
            ]
        ).with_columns(certain=True)
        worse = (_rank(pl.col("term")) < _rank(pl.col(tags.CONSEQUENCE))) & ~words.is_in(VAGUE)
        shared = (
            entries.filter(~pl.col("owned"))
            .join(alleles, on="row")
            .filter(
                pl.col("allele") >= pl.col("first"),
                pl.col("genes").list.contains(gene) | (gene == ""),
                ~worse | pl.col(tags.CONSEQUENCE).is_null(),
            )
            .with_columns(certain=False)
        )
        feature = words.str.starts_with("feature_")
        same = ["row", "allele", "gene", "transcript"]
        other = shared.filter(~feature).join(certain, on=same, how="anti", nulls_equal=True)
        beside = shared.filter(feature, words == pl.col("feature"))
        return (
            pl.concat([certain, other.select(columns), beside.select(columns)])
            .sort("row", "allele", "place")
            .group_by("row", "allele", maintain_order=True)
            .agg(
                pl.col("entry").alias(ENTRIES),
                pl.col("certain").any().alias("sure"),
                (gene.filter(gene != "").unique().sort().implode() == pl.col("genes").first()).first().alias("all"),
            )
            .filter(pl.col("sure") | pl.col("all"))
            .select("row", "allele", ENTRIES)
            .collect()
        )


def by_transcript(alleles: pl.DataFrame) -> pl.DataFrame:
    """Give each entry of an allele a row, and an allele without any one row; add FIELDS, `consequence` and `hgvs_p`.

    consequence is what csq says of the transcript. Where the allele has no other entry, or none at all, it is the most
    severe of the allele, which knows more: whether an exon or an intron of an RNA is touched, and what lies beside.
    """
    alone = pl.col(ENTRIES).list.len().fill_null(0) <= 1
    rows = alleles.lazy().with_columns(alone.alias("alone")).explode(ENTRIES).with_columns(_fields(ENTRIES)).collect()
    said = pl.coalesce(_terms(rows["words"]), tags.CONSEQUENCE)
    return rows.with_columns(
        pl.when("alone").then(tags.CONSEQUENCE).otherwise(said).alias("consequence"), _proteins(rows)
    )


def _proteins(rows: pl.DataFrame) -> pl.Series:
    """HGVS p. of each row's transcript, as p.Change.

    GAS_HGVSP has one for each entry that changes a protein, in their order, but none where it could not be told. If
    one is missing, or entries of several alleles are in one order, a transcript gets what is said of its gene.
    """
    found = pl.Series("hgvs_p", [None], pl.String).new_from_index(0, rows.height)
    places = rows[tags.HGVS_P].is_not_null().arg_true()
    if places.is_empty():
        return found
    changes = (pl.col("amino_acids") != "").fill_null(False) | pl.col("words").str.contains("start_lost", literal=True)
    gene = pl.concat_str("gene", pl.lit(":"))
    number = pl.col("changes").cum_sum().over("row", "allele").cast(pl.Int64) - 1
    some = (
        rows[places]
        .lazy()
        .select("row", "allele", "gene", changes=changes.fill_null(False), parts=pl.col(tags.HGVS_P).str.split("&"))
        .with_columns(part=pl.col("parts").list.get(number.clip(0), null_on_oob=True))
        .with_columns(
            whole=(pl.col("changes").sum() == pl.col("parts").list.len().first()).over("row", "allele")
            & (pl.col("part").str.starts_with(gene) | ~pl.col("changes")).all().over("row", "allele")
        )
        .with_row_index("at")
        .collect()
    )
    values = some.select("at", text=pl.when(pl.col("changes") & pl.col("whole")).then("part").str.strip_prefix(gene))
    unclear = some.lazy().filter("changes", ~pl.col("whole"))
    of_gene = (
        unclear.explode("parts")
        .filter(pl.col("parts").str.starts_with(gene))
        .group_by("at")
        .agg(pl.col("parts").str.strip_prefix(gene).unique(maintain_order=True).str.join("; ").alias("text"))
    )
    return found.scatter(places, values.lazy().update(of_gene, on="at").collect()["text"])
