"""A result's file of random variants in a family, open; and a plain reader's view of it."""

from collections.abc import Callable, Iterator

import pytest

from annotator.tables import write
from gas.explorer import database as databases
from tests.support import annotated_vcf
from tests.support.explored import Explored, open_parquet


@pytest.fixture(scope="session")
def explore(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., Explored]]:
    """Makes a file of random variants, with its table open."""
    opened: list[databases.Database] = []

    def make(records: int, seed: int, **options: tuple[str, ...]) -> Explored:
        folder = tmp_path_factory.mktemp("explored")
        path = folder / "annot.vcf.gz"
        annotated_vcf.write(path, records, seed, **options)
        parquet = write(path, folder).parquet
        opened.append(open_parquet(parquet))
        return Explored(path, opened[-1], annotated_vcf.read(path))

    yield make
    for one in opened:
        one.close()
    databases.close_all()


@pytest.fixture(scope="session")
def explored(explore: Callable[..., Explored]) -> Explored:
    return explore(700, 14)
