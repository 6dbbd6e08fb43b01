"""What became of a generated file when it was annotated, and recipes of such files."""

import random
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from annotator.run.options import Report
from tests.support.vcffaults import FATAL
from tests.support.vcfs import Recipe

OTHER_NAMES: tuple[dict[str, str], ...] = ({}, {}, {"1": "chr1", "2": "chr2", "MT": "chrM"}, {"1": "NC_000901.1"})

#: The files that the sources know something of, by their seeds.
KNOWN_SEEDS = range(8)


@dataclass
class Annotated:
    """A result: its folder, its header and its records' columns."""

    folder: Path
    report: Report
    header: list[str]
    records: list[list[str]]

    @property
    def vcf(self) -> Path:
        return self.folder / "annot.vcf.gz"


Annotate = Callable[..., Annotated]


def recipe_of(seed: int, hot: dict[str, list[int]]) -> Recipe:
    """Every file is of another kind."""
    dice = random.Random(seed)  # noqa: S311 - nothing secret
    return Recipe(
        records=dice.choice([1, 2, 5, 20, 40, 40, 80]),
        errors=dice.choice([0, 0, 0.02, 0.1, 0.1, 0.3, 0.6, 0.95]),
        repairs=dice.choice([0, 0.1, 0.5]),
        structural=dice.choice([0, 0.05, 0.5]),
        several=dice.choice([0, 0.1, 0.5]),
        duplicates=dice.choice([0, 0.03, 0.3]),
        samples=dice.choice([0, 0, 1, 3]),
        fatal=dice.choice([*sorted(FATAL), *[""] * 40]),
        order=dice.choice(["sorted", "sorted", "shuffled"]),
        declared=dice.random() < 0.8,
        newline=dice.choice(["\n", "\n", "\r\n"]),
        last_newline=dice.random() < 0.8,
        names=dice.choice(OTHER_NAMES),
        hot=hot,
    )
