"""What a variant does together with its neighbors on one molecule, as its column `phased` tells, and who they are."""

from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote

from gas.explorer.database import TABLE, Database
from gas.explorer.keys import VariantKey

#: Bases to either side in which neighbors are looked for, and how many are listed. An intron may lie between.
REACH = 1_000_000
MOST = 20


@dataclass(frozen=True)
class Combination:
    """Changes of one molecule, applied together.

    consequence: the most severe of what they make. protein, change: in HGVS notation. samples: how many have them.
    others: the neighbors.
    """

    consequence: str
    protein: str
    change: str
    samples: int
    others: list[VariantKey]


def combinations(database: Database, row: dict[str, Any]) -> list[Combination]:
    """Return what a row's variant does together with others. Raises QueryRefused."""
    found = []
    for text in (row["phased"] or "").split("; "):
        parts = text.split("|")
        if len(parts) == 4:
            consequence, protein, change, samples = parts
            others = _others(database, row, change)
            found.append(Combination(consequence, protein, unquote(change), int(samples), others))
    return found


def _others(database: Database, row: dict[str, Any], change: str) -> list[VariantKey]:
    rows = database.ask(
        f"SELECT contig, pos, ref, alt FROM {TABLE} WHERE contig = ? AND pos BETWEEN ? AND ? AND row_number <> ? "  # noqa: S608
        "AND contains(phased, ?) ORDER BY row_number LIMIT ?",
        [row["contig"], row["pos"] - REACH, row["pos"] + REACH, row["row_number"], f"|{change}|", MOST],
    )
    return [VariantKey.of_row(one) for one in rows.dicts()]
