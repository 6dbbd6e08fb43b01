"""Findings: alleles that a source classifies as pathogenic or likely pathogenic, or that the built-in table lists.

docs/sources.md has the rule. Both the record-by-record and the columnar path count here.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import lru_cache
from typing import Any
from urllib.parse import unquote

from annotator import bounds
from annotator.reference.pack import ReferenceInfo
from annotator.sources.manifest import Source
from annotator.sources.presets import PRESETS
from annotator.sources.roles import recognised

BUILT_IN = "built-in"


class Significance(StrEnum):
    """The class of a clinical significance."""

    PATHOGENIC = "pathogenic"
    LIKELY_PATHOGENIC = "likely_pathogenic"
    CONFLICTING = "conflicting"
    UNCERTAIN = "uncertain"
    BENIGN = "benign"
    OTHER = "other"


#: Classes that make an allele a finding.
COUNTED = frozenset({Significance.PATHOGENIC, Significance.LIKELY_PATHOGENIC})
_BENIGN = {"benign", "likely benign"}
_UNCERTAIN = {"uncertain significance", "uncertain risk allele"}

_SEPARATORS = re.compile("[/|&;,]")


def of_file(value: str) -> str:
    """Return a text from a file, which is read as Latin-1, decoded for people."""
    return value.encode("latin-1", "replace").decode("utf-8", "replace")


def readable(value: str) -> str:
    """Return a value of INFO for people: without escapes and underscores, its parts joined by "; "."""
    plain = of_file(value).replace("_", " ").replace("&", "; ").replace("|", "; ")
    return unquote(plain).strip()


@lru_cache(maxsize=4096)
def classify(value: str) -> Significance:
    """Return the class of a significance as INFO has it, such as Pathogenic/Likely_pathogenic|risk_factor."""
    words = {word.strip().lower() for word in _SEPARATORS.split(readable(value))}
    pathogenic = words & {"pathogenic", "likely pathogenic"}
    against = words & {*_BENIGN, "uncertain significance"}
    if any(word.startswith("conflicting") for word in words) or (pathogenic and against):
        return Significance.CONFLICTING
    if pathogenic:
        return Significance.PATHOGENIC if "pathogenic" in pathogenic else Significance.LIKELY_PATHOGENIC
    if words & _UNCERTAIN:
        return Significance.UNCERTAIN
    return Significance.BENIGN if words & _BENIGN else Significance.OTHER


@dataclass(frozen=True)
class Place:
    """An allele as the file has it, and its predicted effect.

    Attributes:
        contig: the reference's name of the contig.
        pos, ref, alt: as the file has them.
        change: HGVS description on the genome.
    """

    contig: str
    pos: int
    ref: str
    alt: str
    change: str
    genes: list[str]
    consequence: str
    proteins: list[tuple[str, str]]


@dataclass
class _Clinical:
    """A source with clinical significance. counts: number of alleles in each class."""

    source: Source
    counts: Counter[Significance] = field(default_factory=Counter)


class Findings:
    """Counts findings, each allele of each record once, and lists the first ones. Memory is constant."""

    def __init__(self, reference: ReferenceInfo, sources: Iterable[Source], *, built_in: bool) -> None:
        """Start without findings. built_in: whether the reference has a table of known variants of its own."""
        self._reference = reference
        self._sources = [_Clinical(source) for source in sources if source.roles.significance]
        self._built_in = built_in
        self._known = 0
        self._listed: dict[tuple[str, str, str], dict[str, Any]] = {}
        self._positions: set[tuple[str, int]] = set()  # of the listed findings
        self._omitted = 0
        self.alleles = 0

    @property
    def tags(self) -> list[str]:
        """The tags of all sources that hold a clinical significance."""
        return [one.source.roles.significance for one in self._sources]

    def mentioned(self, added: str) -> bool:
        """Return whether the INFO entries that sources add may hold a clinical significance."""
        return any(f"{tag}=" in added for tag in self.tags)

    def add(
        self, values: Mapping[str, str], place: Callable[[], Place], position: tuple[str, int], *, known: bool = False
    ) -> bool:
        """Count an allele and return whether it is a finding.

        Args:
            values: the values of the sources, by tag, as INFO has them.
            place: returns the allele's place; called only for findings that may be listed.
            position: the contig and the first base of the change, in normal form.
            known: whether the built-in table lists the allele.
        """
        found = known
        self._known += known
        for one in self._sources:
            value = values.get(one.source.roles.significance)
            if value is None:
                continue
            significance = classify(value)
            one.counts[significance] += 1
            if significance in COUNTED:
                found = True
                self._list(one.source, significance, values, place, position)
        self.alleles += found
        return found

    def count(self, source: Source, alleles: Mapping[Significance, int]) -> None:
        """Count alleles that need not be listed, by their class in a source."""
        for one in self._sources:
            if one.source is source:
                one.counts.update(alleles)
                if self.is_full:
                    self._omitted += sum(alleles.get(significance, 0) for significance in COUNTED)

    @property
    def is_full(self) -> bool:
        """Whether new findings are listed only if they are at one of `positions`."""
        return len(self._listed) >= bounds.FINDINGS

    def positions(self, contig: str) -> list[int]:
        """Return the positions of the listed findings on a contig: the first base of each change, in normal form."""
        return [position for own, position in self._positions if own == contig]

    def _list(
        self,
        source: Source,
        significance: Significance,
        values: Mapping[str, str],
        where: Callable[[], Place],
        position: tuple[str, int],
    ) -> None:
        if self.is_full and position not in self._positions:
            self._omitted += 1
            return
        place = where()
        key = source.name, place.contig, place.change
        row = self._listed.get(key)
        if row is not None:
            row["count"] += 1
        elif len(self._listed) < bounds.FINDINGS:
            self._listed[key] = _row(source, significance, values, place)
            self._positions.add(position)
        else:
            self._omitted += 1

    def as_dict(self) -> dict[str, Any]:
        """Return the findings for the summary, as docs/annotation.md describes them."""
        used: list[dict[str, Any]] = []
        unused: list[dict[str, str]] = []
        if self._built_in:
            title = f"Known variants of {self._reference.id}"
            used.append({"name": BUILT_IN, "title": title, "version": self._reference.version, "alleles": self._known})
        else:
            unused.append({"name": BUILT_IN, "title": "built-in known variants"})
        for one in self._sources:
            counts = {significance.value: one.counts[significance] for significance in Significance}
            used.append(
                {
                    "name": one.source.name,
                    "title": one.source.title,
                    "version": one.source.version,
                    "alleles": sum(one.counts[significance] for significance in COUNTED),
                    "significance": counts,
                }
            )
        for preset in PRESETS.values():
            tag = recognised(preset.fields).significance
            if tag and preset.name not in {one.source.name for one in self._sources} and tag not in self.tags:
                unused.append({"name": preset.name, "title": preset.title})
        rows = list(self._listed.values())
        listed = bounds.rows_within(rows, bounds.FINDINGS_BYTES)
        return {
            "alleles": self.alleles if used else None,
            "used": used,
            "not_used": unused,
            "listed": listed,
            "omitted": self._omitted + sum(row["count"] for row in rows[len(listed) :]),
        }


def _row(source: Source, significance: Significance, values: Mapping[str, str], place: Place) -> dict[str, Any]:
    roles = source.roles
    proteins = place.proteins
    id_ = readable(values.get(roles.id, ""))
    texts = {
        "contig": place.contig,
        "ref": place.ref,
        "alt": place.alt,
        "change": place.change,
        "gene": ", ".join(place.genes),
        "consequence": place.consequence,
        "protein": proteins[0][1] if len(proteins) == 1 else "; ".join(f"{gene} {text}" for gene, text in proteins),
        "significance": readable(values[roles.significance]),
        "review": readable(values.get(roles.review, "")),
        "condition": readable(values.get(roles.condition, "")),
        "id": id_,
    }
    return {
        "source": source.name,
        "pos": place.pos,
        "kind": significance.value,
        **{name: bounds.text(value) for name, value in texts.items()},
        "link": roles.address(id_),
        "count": 1,
    }
