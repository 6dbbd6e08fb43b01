"""The search box: a variant, a gene, a region, an HGVS description, or text."""

import re
from dataclasses import dataclass, field
from enum import StrEnum

from gas.explorer.columns import ResultColumns
from gas.explorer.database import TABLE, TRANSCRIPT_TABLE, Database
from gas.explorer.keys import VariantKey
from gas.explorer.place_filters import region
from gas.explorer.query import Variant, variants

_HGVS = re.compile(r"(?:(?P<of>[^\s:()]+)(?:\([^\s()]*\))?:)?(?P<change>[cgmnp]\.\S+)")
#: Variants that a description may lead to.
MOST = 20
LONGEST = 1000


class Kind(StrEnum):
    """What was found."""

    VARIANTS = "variants"
    FILTER = "filter"
    NOTHING = "nothing"


@dataclass(frozen=True)
class Found:
    """What a search leads to.

    variants: one is opened, several are listed.
    parameters: of the filter form, for Kind.FILTER.
    sentence: for people, for Kind.NOTHING.
    """

    kind: Kind
    variants: list[VariantKey] = field(default_factory=list)
    parameters: list[tuple[str, str]] = field(default_factory=list)
    sentence: str = ""


def find(database: Database, text: str) -> Found:
    """Return what a person means with a text. Raises QueryRefused."""
    text, columns = text.strip()[:LONGEST], database.columns
    if not text:
        return Found(Kind.NOTHING, sentence="Write a variant, a gene, a region or an HGVS description.")
    key = VariantKey.parse(text)
    if key is not None and columns.contig(key.contig):
        return _of_variants(variants(database, key), text)
    if parts := _HGVS.fullmatch(text):
        return _of_description(database, parts["of"] or "", parts["change"], text)
    spelling = {name.casefold(): name for name in columns.genes}
    if gene := spelling.get(text.casefold()):
        return Found(Kind.FILTER, parameters=[("gene", gene)])
    if _is_region(text, columns):
        return Found(Kind.FILTER, parameters=[("region", text)])
    return Found(Kind.FILTER, parameters=[("q", text[:200])])


def _is_region(text: str, columns: ResultColumns) -> bool:
    return (":" in text or text.casefold().startswith("chr")) and region(text, columns) is not None


def _of_variants(found: list[Variant], text: str) -> Found:
    if not found:
        return Found(Kind.NOTHING, sentence=f"This result does not have {text}.")
    return Found(Kind.VARIANTS, list(dict.fromkeys(one.key for one in found)))


def _of_description(database: Database, of: str, change: str, text: str) -> Found:
    """An HGVS description, of a contig, a transcript with or without its version, a gene, or nothing."""
    columns = database.columns
    if change[0] in "gm":
        contig = columns.contig(of) if of else None
        sql, params = "hgvs_g = ?", [change]
        if contig is not None:
            sql, params = "contig = ? AND hgvs_g = ?", [contig, change]
    else:
        name = "hgvs_p" if change[0] == "p" else "hgvs_c"
        change = change.replace("(", "").replace(")", "") if name == "hgvs_p" else change
        value = f"replace(replace(t.{name}, '(', ''), ')', '')"  # p.(Arg1His) is p.Arg1His
        ends = f"ends_with({value}, ?) AND (? = '' OR starts_with(t.{name}, ?) OR t.transcript = ? OR t.gene = ?)"
        described = f"SELECT row_number FROM {TRANSCRIPT_TABLE} WHERE len(list_filter(csq, lambda t: {ends})) > 0"  # noqa: S608
        sql = f"row_number IN ({described})"
        params = [f":{change}", of, f"{of}:" if "." in of else f"{of}.", of, of]
    rows = database.ask(
        f"SELECT contig, pos, ref, alt FROM {TABLE} WHERE {sql} ORDER BY row_number LIMIT ?",  # noqa: S608
        [*params, MOST],
    ).dicts()
    if not rows:
        return Found(Kind.NOTHING, sentence=f"This result has no variant that is described as {text}.")
    return Found(Kind.VARIANTS, list(dict.fromkeys(map(VariantKey.of_row, rows))))
