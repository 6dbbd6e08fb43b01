"""Lookups in gene models: in memory and in a table, next to a search through all of them."""

import dataclasses
import random
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import pytest

from annotator.effects.genes import Gene, GeneModels, Nearby, Record, Region
from annotator.effects.transcript import Transcript
from annotator.install.install import Wanted, install
from annotator.reference.gene_models import InMemory, place
from annotator.reference.gene_table import TableWriter
from annotator.reference.gff3 import read_gff3
from annotator.reference.indexed import Indexed
from annotator.reference.pack import Reference, load_reference
from tests.annotator.reference.genes import SIZE, random_records
from tests.support.crowd import make_crowd
from tests.support.gene_models import read_transcripts
from tests.support.genome import ASSEMBLY, SPECIES, WHOLE, serve_as_ensembl
from tests.support.gff3_files import FILES

CODES = {"1": 1, "2": 1, "MT": 2}


def indexed(folder: Path, records: dict[str, Sequence[Record]], codes: dict[str, int]) -> Indexed:
    with TableWriter(folder / "genes.tsv", folder / "genes.tsv.index") as table:
        for contig, some in records.items():
            table.add(contig, some)
    return Indexed(folder / "genes.tsv", folder / "genes.tsv.index", codes)


@pytest.fixture(scope="module")
def records() -> dict[str, Sequence[Record]]:
    found: dict[str, Sequence[Record]] = {
        contig: random_records(seed, contig) for seed, contig in enumerate(("1", "2"))
    }
    return {
        **found,
        "MT": [dataclasses.replace(one, genetic_code=2) for one in found["1"] if isinstance(one, Transcript)],
    }


@pytest.fixture(scope="module", params=["in memory", "table"])
def models(
    request: pytest.FixtureRequest, records: dict[str, Sequence[Record]], tmp_path_factory: pytest.TempPathFactory
) -> GeneModels:
    if request.param == "in memory":
        return InMemory(records)
    return indexed(tmp_path_factory.mktemp("table"), records, CODES)


def told(record: Record) -> tuple[object, ...]:
    """Everything that a record says. Transcripts are equal only if they are one object."""
    return type(record), *(getattr(record, field.name) for field in dataclasses.fields(record))


def places(count: int, contig: Sequence[Record]) -> list[tuple[int, int]]:
    """Return random places, and the edges of what is there."""
    rng = random.Random(5)  # noqa: S311
    found = [(start, start + rng.choice((0, 0, 1, 40, 9_000))) for start in rng.choices(range(1, SIZE), k=count)]
    for one in contig:
        found += [(edge, edge) for edge in (one.start - 1, one.start, one.end, one.end + 1) if edge > 0]
    return found


def test_lookups_find_what_a_search_through_all_finds(models: GeneModels, records: dict[str, Sequence[Record]]) -> None:
    for contig in ("1", "2"):
        for start, end in places(1_000, records[contig]):
            near = sorted((one for one in records[contig] if one.start <= end and one.end >= start), key=place)
            transcripts = [one for one in near if isinstance(one, Transcript)]
            genes = [one for one in near if isinstance(one, Gene)]
            names = [one.name for one in near if isinstance(one, Region)]
            assert list(map(told, models.transcripts(contig, start, end))) == list(map(told, transcripts))
            assert models.genes(contig, start, end) == genes
            assert models.regions(contig, start, end) == list(dict.fromkeys(names))


def test_coding_parts_are_the_bases_that_code_in_any_transcript(
    models: GeneModels, records: dict[str, Sequence[Record]]
) -> None:
    codes = set()
    for one in records["1"]:
        if isinstance(one, Transcript) and one.coding:
            first, last = one.coding
            codes |= {base for begin, end in one.exons for base in range(begin, end + 1) if first <= base <= last}
    for start, end in places(100, records["1"]):
        found = models.coding("1", start, end)
        assert {base for begin, stop in found for base in range(begin, stop + 1)} == codes & set(range(start, end + 1))
        assert all(left[1] + 1 < right[0] for left, right in pairwise(found))


def test_all_of_a_contig_is_all_of_it(models: GeneModels, records: dict[str, Sequence[Record]]) -> None:
    for contig, some in records.items():
        every = models.near(contig, WHOLE, WHOLE)
        for kind, found in ((Transcript, every.transcripts), (Gene, every.genes), (Region, every.regions)):
            expected = sorted((one for one in some if isinstance(one, kind)), key=place)
            assert [told(one) for one in found] == [told(one) for one in expected]


def test_a_contig_without_genes_has_none(models: GeneModels) -> None:
    assert (models.transcripts("X", 1, 9), models.genes("X", 1, 9), models.regions("X", 1, 9)) == ([], [], [])
    assert (models.nearby("X", 1, 9), models.coding("X", 1, 9)) == (None, [])
    assert models.near("X", WHOLE, WHOLE).transcripts == []


def test_a_transcript_stays_the_same_object(models: GeneModels, records: dict[str, Sequence[Record]]) -> None:
    one = next(one for one in records["1"] if isinstance(one, Transcript))
    first, last = (models.transcripts("1", at, at) for at in (one.start, one.end))
    assert any(left is right for left in first for right in last)


def gene(name: str, start: int, end: int, strand: str) -> Gene:
    return Gene(name, name, "gene", "1", start, end, strand, "", "")


@pytest.mark.parametrize(
    ("place", "expected"),
    [
        ((9_999, 9_999), ("upstream_gene_variant", "A", 1)),
        ((5_000, 5_000), ("upstream_gene_variant", "A", 5_000)),
        ((4_000, 4_999), None),
        ((11_001, 11_001), ("downstream_gene_variant", "A", 1)),
        ((16_000, 16_000), ("downstream_gene_variant", "A", 5_000)),
        ((16_001, 16_001), None),
        ((25_000, 25_999), ("upstream_gene_variant", "C", 4_001)),  # B is nearer, but downstream
        ((29_999, 29_999), ("upstream_gene_variant", "C", 1)),
        ((35_000, 35_000), ("upstream_gene_variant", "D", 4_000)),  # C is downstream; D is on the reverse strand
        ((49_990, 49_990), ("downstream_gene_variant", "E", 10)),
        ((53_000, 53_010), ("upstream_gene_variant", "E", 1_000)),
        # An insertion between a gene's end and the base after it, on either side.
        ((9_999, 10_000), ("upstream_gene_variant", "A", 1)),
        ((11_000, 11_001), ("downstream_gene_variant", "A", 1)),
    ],
)
def test_the_gene_nearby_is_upstream_before_downstream_then_the_nearest(
    tmp_path: Path, place: tuple[int, int], expected: tuple[str, str, int] | None
) -> None:
    genes = [
        gene("A", 10_000, 11_000, "+"),
        gene("B", 23_500, 24_500, "+"),
        gene("C", 30_000, 31_000, "+"),
        gene("D", 30_500, 31_000, "-"),
        gene("E", 50_000, 52_000, "-"),
    ]
    for models in (InMemory({"1": genes}), indexed(tmp_path, {"1": genes}, CODES)):
        found = models.nearby("1", *place)
        assert (found and (found.term, found.gene.name, found.distance)) == expected
        assert found is None or isinstance(found, Nearby)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name.partition(".")[0])
def test_a_table_says_all_that_a_gff3_does(tmp_path: Path, path: Path) -> None:
    codes = dict.fromkeys(read_transcripts(path), 2)
    whole = read_gff3(path, codes)
    every = {contig: whole.near(contig, WHOLE, WHOLE) for contig in codes}
    table = indexed(
        tmp_path, {contig: [*one.genes, *one.regions, *one.transcripts] for contig, one in every.items()}, codes
    )
    assert every
    for contig, expected in every.items():
        found = table.near(contig, WHOLE, WHOLE)
        assert list(map(told, found.transcripts)) == list(map(told, expected.transcripts))
        assert (found.genes, found.regions) == (expected.genes, expected.regions)


@pytest.fixture(scope="module")
def crowd(tmp_path_factory: pytest.TempPathFactory) -> Reference:
    """An installed pack."""
    root = tmp_path_factory.mktemp("crowd")
    genome, gff = make_crowd()
    serve_as_ensembl(root / "pub", genome, gff=gff)
    install(Wanted(SPECIES, base=(root / "pub").as_uri()), root / "packs")
    return load_reference(ASSEMBLY, root / "packs")


def test_an_installed_pack_has_the_gene_models_of_its_gff3(crowd: Reference) -> None:
    models = dataclasses.replace(crowd).gene_models
    assert isinstance(models, Indexed)
    whole = read_gff3(crowd.gff, {contig.name: contig.genetic_code for contig in crowd.contigs})
    for contig in crowd.lengths:
        found, expected = models.near(contig, WHOLE, WHOLE), whole.near(contig, WHOLE, WHOLE)
        assert list(map(told, found.transcripts)) == list(map(told, expected.transcripts))
        assert (found.genes, found.regions) == (expected.genes, expected.regions)


def test_a_lookup_reads_only_what_is_near(crowd: Reference) -> None:
    models = dataclasses.replace(crowd).gene_models
    assert isinstance(models, Indexed)
    found = models.transcripts("1", 50_000, 52_000) + models.transcripts("1", 50_000, 52_000)
    assert 0 < models.rows_read == len(found) / 2


def test_a_pack_of_an_older_format_is_read_from_its_gff3(crowd: Reference, caplog: pytest.LogCaptureFixture) -> None:
    old = dataclasses.replace(crowd, gene_table=None)
    assert isinstance(old.gene_models, InMemory)
    assert "install it again" in caplog.text
    assert old.gene_models.near("1", WHOLE, WHOLE).genes == crowd.gene_models.near("1", WHOLE, WHOLE).genes
