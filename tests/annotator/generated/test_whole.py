"""A job reads the gene models near its records alone, and gives the same as one that reads the whole GFF3."""

import dataclasses

import pytest

from annotator.reference.gene_models import InMemory
from annotator.reference.indexed import Indexed
from annotator.reference.pack import Reference
from annotator.sources.manifest import Source
from tests.support.generated_runs import Annotate
from tests.support.genome import Genome
from tests.support.vcfs import Recipe, generate

FILES = ("annot.vcf.gz", "annot.vcf.gz.tbi", "summary.json", "log.txt")


@pytest.fixture(scope="module")
def whole(reference: Reference) -> Reference:
    """The same pack without its table: the GFF3 is read."""
    return dataclasses.replace(reference, gene_table=None)


@pytest.mark.parametrize("contigs", [["1"], ["2"], ["MT"], ["1", "2"], ["2", "MT"], ["1", "2", "MT"]], ids="-".join)
def test_the_table_gives_the_same_bytes_as_the_gff3(
    run: Annotate,
    reference: Reference,
    whole: Reference,
    genome: Genome,
    hot: dict[str, list[int]],
    sources: list[Source],
    contigs: list[str],
) -> None:
    assert isinstance(reference.gene_models, Indexed)
    assert isinstance(whole.gene_models, InMemory)
    some = {name: genome.sequences[name] for name in contigs}
    content = generate(11, some, Recipe(records=400, errors=0.05, samples=1, hot=hot)).content
    one, other = (run(content, reference=pack, sources=sources) for pack in (reference, whole))
    assert one.records == other.records
    for name in FILES:
        assert (one.folder / name).read_bytes() == (other.folder / name).read_bytes(), name
    # In and next to genes of all of them.
    for contig in contigs:
        terms = {
            one.split("=")[1]
            for record in one.records
            if record[0] == contig
            for one in record[7].split(";")
            if one.startswith("GAS_CSQ=")
        }
        assert {"missense_variant", "upstream_gene_variant"} & terms, contig
