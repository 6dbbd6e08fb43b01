"""A job reads the genes of its own contigs alone, and says the same as one that reads them all."""

import dataclasses
import gzip

import pytest

from annotator import stream
from annotator.features import Features
from annotator.references import Reference
from annotator.sources.manifest import Source
from tests.annotator.generated.conftest import Annotate
from tests.support.genome import Genome
from tests.support.vcfs import Recipe, generate

FILES = ("annot.vcf.gz", "annot.vcf.gz.tbi", "summary.json", "log.txt")


@pytest.fixture(scope="module")
def whole(reference: Reference, tmp_path_factory: pytest.TempPathFactory) -> Reference:
    """The same pack without slices: csq and the library itself are given the GFF3 as it is."""
    gff = tmp_path_factory.mktemp("whole") / reference.gff.name  # which the header has
    gff.write_bytes(gzip.decompress(reference.gff.read_bytes()))
    return dataclasses.replace(reference, gff=gff, feature_table=None, _gff_slices={}, _feature_slices={})


@pytest.mark.parametrize("contigs", [["1"], ["2"], ["MT"], ["1", "2"], ["2", "MT"], ["1", "2", "MT"]], ids="-".join)
def test_slices_of_genes_give_the_same_bytes_as_the_whole_gene_set(
    run: Annotate,
    reference: Reference,
    whole: Reference,
    genome: Genome,
    hot: dict[str, list[int]],
    sources: list[Source],
    contigs: list[str],
) -> None:
    assert reference.has_slices
    assert isinstance(whole.features, Features)
    some = {name: genome.sequences[name] for name in contigs}
    content = generate(11, some, Recipe(records=400, errors=0.05, samples=1, hot=hot)).content
    one, other = (run(content, reference=pack, sources=sources) for pack in (reference, whole))
    assert one.records == other.records
    for name in FILES:
        assert (one.folder / name).read_bytes() == (other.folder / name).read_bytes(), name
    # In and beside genes of all of them.
    for contig in contigs:
        terms = {
            one.split("=")[1]
            for record in one.records
            if record[0] == contig
            for one in record[7].split(";")
            if one.startswith("GAS_CSQ=")
        }
        assert {"missense_variant", "intergenic_variant"} & terms, contig


def test_a_file_too_long_to_look_ahead_in_gives_the_same_too(
    run: Annotate, reference: Reference, genome: Genome, hot: dict[str, list[int]], monkeypatch: pytest.MonkeyPatch
) -> None:
    content = generate(12, genome.sequences, Recipe(records=300, hot=hot)).content
    short = run(content)
    monkeypatch.setattr(stream, "LOOK_AHEAD", 0)
    long = run(content)
    for name in FILES:
        assert (short.folder / name).read_bytes() == (long.folder / name).read_bytes(), name
