"""A made genome, served as Ensembl serves its own, and the pack that is made of it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from annotator.install.install import Wanted, install
from annotator.reference.pack import Reference, load_reference
from tests.annotator.install.server import Server, serving
from tests.support.genome import ASSEMBLY, SPECIES, Genome, make_genome, serve_as_ensembl


@pytest.fixture(scope="session")
def genome() -> Genome:
    return make_genome()


@pytest.fixture
def ensembl(tmp_path: Path, genome: Genome) -> Iterator[Server]:
    root = tmp_path / "pub"
    serve_as_ensembl(root, genome)
    with serving(root) as server:
        yield server


@pytest.fixture(scope="session")
def packs(tmp_path_factory: pytest.TempPathFactory, genome: Genome) -> Path:
    """A folder with the pack, for tests that only read it."""
    root = tmp_path_factory.mktemp("packs")
    serve_as_ensembl(root / "pub", genome)
    install(Wanted(SPECIES, base=(root / "pub").as_uri()), root / "references")
    return root / "references"


@pytest.fixture
def pack(packs: Path) -> Reference:
    return load_reference(ASSEMBLY, packs)
