"""Findings in a job's summary, as pages and mails show them: by source, with the sources that were not used."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

BUILT_IN: Final = "built-in"
#: Groups of a source's classifications, as text, in the order in which they are shown.
SIGNIFICANCE: Final = {
    "pathogenic": "pathogenic",
    "likely_pathogenic": "likely pathogenic",
    "conflicting": "conflicting",
    "uncertain": "of uncertain significance",
    "benign": "benign or likely benign",
    "other": "other",
}
COUNTED: Final = ("pathogenic", "likely_pathogenic")


@dataclass(frozen=True)
class Group:
    """The findings of one source.

    Attributes:
        title: title of the source, with its version.
        built_in: whether it is the reference's own table, whose rows have other keys.
        alleles: number of alleles that are findings.
        counted: number of alleles by significance, as text, for those that are findings; without zeros.
        others: the same for all other alleles.
        rows: the listed alleles, see docs/annotation.md.
    """

    title: str
    built_in: bool
    alleles: int
    counted: list[tuple[str, int]]
    others: list[tuple[str, int]]
    rows: list[Mapping[str, Any]]


@dataclass(frozen=True)
class Findings:
    """All findings of a job.

    Attributes:
        alleles: number of distinct alleles; None if no source with clinical significance was used.
        groups: the findings by source.
        not_used: titles of the sources that were not used.
        omitted: number of alleles that are not listed.
    """

    alleles: int | None
    groups: list[Group]
    not_used: list[str]
    omitted: int

    @property
    def rows(self) -> list[tuple[Group, Mapping[str, Any]]]:
        """Return every listed allele with its group."""
        return [(group, row) for group in self.groups for row in group.rows]


def of_summary(summary: Mapping[str, Any]) -> Findings | None:
    """Return the findings of a summary; None if it has none, as for older jobs without known variants."""
    known = summary.get("known", [])
    found = summary.get("findings")
    if found is None:
        if not known:
            return None
        return Findings(len(known), [Group("Known variants", True, len(known), [], [], known)], [], 0)
    groups = []
    for used in found["used"]:
        built_in = used["name"] == BUILT_IN
        counts = used.get("significance", {})
        words = [(name, SIGNIFICANCE.get(name, name), count) for name, count in counts.items() if count]
        groups.append(
            Group(
                title=f"{used['title']} {used['version']}",
                built_in=built_in,
                alleles=used["alleles"],
                counted=[(word, count) for name, word, count in words if name in COUNTED],
                others=[(word, count) for name, word, count in words if name not in COUNTED],
                rows=known if built_in else [row for row in found["listed"] if row["source"] == used["name"]],
            )
        )
    omitted = found["omitted"] + summary.get("omitted", {}).get("known", 0)
    return Findings(found["alleles"], groups, [one["title"] for one in found["not_used"]], omitted)
