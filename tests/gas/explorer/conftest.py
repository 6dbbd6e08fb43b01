"""A result's file of random variants in a family, open; and a plain reader's view of it."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from django.http import QueryDict

from annotator.tables import write
from gas.explorer import database as databases
from gas.explorer.database import Database
from gas.explorer.files import LocalFile
from gas.explorer.filters import State, form_for
from tests.support import annotated_vcf
from tests.support.annotated_vcf import Allele


@dataclass(frozen=True)
class Explored:
    """vcf: the annotated file. database: its table, open. alleles: what is in it."""

    vcf: Path
    database: Database
    alleles: list[Allele]

    def state(self, query: str) -> State:
        """Return what an address asks for."""
        form = form_for(self.database.columns, QueryDict(query))
        assert form.is_valid(), form.errors
        return form.state()


@pytest.fixture(scope="session")
def explore(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., Explored]]:
    """Makes a file of random variants, with its table open."""
    opened: list[Database] = []

    def make(records: int, seed: int, **options: tuple[str, ...]) -> Explored:
        folder = tmp_path_factory.mktemp("explored")
        path = folder / "annot.vcf.gz"
        annotated_vcf.write(path, records, seed, **options)
        parquet = write(path, folder).parquet
        opened.append(Database(LocalFile(parquet, parquet.open("rb"))))
        return Explored(path, opened[-1], annotated_vcf.read(path))

    yield make
    for one in opened:
        one.close()
    databases.close_all()


@pytest.fixture(scope="session")
def explored(explore: Callable[..., Explored]) -> Explored:
    return explore(700, 14)
