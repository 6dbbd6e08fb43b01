"""Genes of unusual kinds: tRNA, TEC, transcripts that should code and have no CDS."""

from pathlib import Path

import pytest

from annotator.install.install import Wanted, install
from annotator.reference.pack import Reference, load_reference
from tests.annotator.packs import make_pack
from tests.support.genome import ASSEMBLY, SPECIES, Genome, gff3, serve_as_ensembl
from tests.support.small_vcfs import Annotate
from tests.support.substitutions import other, vcf

#: name, gene's type, biotype, transcript's type, exons: on contig 2, none of them coding.
GENES = (
    ("TRN", "ncRNA_gene", "tRNA", "tRNA", [(5001, 5100), (5201, 5300)]),
    ("TEC", "gene", "TEC", "transcript", [(8001, 8500)]),
    ("UND", "gene", "protein_coding_CDS_not_defined", "mRNA", [(12001, 12300), (12701, 13000)]),
)
EXPECTED = {
    5050: ("TRN", "non_coding_transcript_exon_variant"),
    5101: ("TRN", "splice_donor_variant"),
    5103: ("TRN", "splice_donor_region_variant"),
    5150: ("TRN", "intron_variant"),
    8200: ("TEC", "non_coding_transcript_exon_variant"),
    12100: ("UND", "non_coding_transcript_exon_variant"),
    12302: ("UND", "splice_donor_variant"),
    12500: ("UND", "intron_variant"),
    14000: ("", "downstream_gene_variant"),
    30000: ("", "intergenic_variant"),
}


def rows() -> str:
    lines = []
    for name, kind, biotype, transcript, exons in GENES:
        tail = f"{exons[0][0]}\t{exons[-1][1]}\t.\t+\t."
        lines.append(f"2\tmade\t{kind}\t{tail}\tID=gene:{name};Name={name};biotype={biotype}\n")
        lines.append(f"2\tmade\t{transcript}\t{tail}\tID=transcript:{name}1;Parent=gene:{name};biotype={biotype}\n")
        lines += [f"2\tmade\texon\t{a}\t{b}\t.\t+\t.\tParent=transcript:{name}1\n" for a, b in exons]
    return "".join(lines)


@pytest.fixture(params=["whole", "in slices"])
def unusual(request: pytest.FixtureRequest, genome: Genome, tmp_path: Path) -> Reference:
    """As a pack made by hand, and as one that is installed, whose genes are cut by contig."""
    kept = [line for line in gff3(genome).splitlines(keepends=True) if not line.startswith("2\t")]
    if request.param == "whole":
        contigs = {name: genome.sequences[name] for name in ("1", "2")}
        ours = [line for line in kept if line.startswith("1\t") and "\tchromosome\t" not in line]
        return make_pack(tmp_path / "packs", contigs, genes="".join(ours) + rows())
    serve_as_ensembl(tmp_path / "pub", genome, gff="".join(kept) + rows())
    install(Wanted(SPECIES, base=(tmp_path / "pub").as_uri()), tmp_path / "packs")
    return load_reference(ASSEMBLY, tmp_path / "packs")


def test_what_lies_in_them_is_told(run: Annotate, unusual: Reference, genome: Genome) -> None:
    records = [("2", pos, base, other(base)) for pos in sorted(EXPECTED) if (base := genome.sequences["2"][pos - 1])]
    result = run(vcf(records), reference=unusual)
    found = {
        int(record[1]): (info.get("GAS_GENE", ""), info["GAS_CSQ"])
        for number, record in enumerate(result.records)
        if (info := result.info(number))
    }
    assert found == EXPECTED
