"""What an installed pack knows of transcripts, on genes whose coding bases the test itself knows."""

import json
from functools import partial
from pathlib import Path

import pytest

from annotator.effects.allele import Change
from annotator.effects.consequences import consequences
from annotator.install.install import Wanted, install
from annotator.reference.pack import FORMAT, Reference, load_reference
from tests.support.genome import ASSEMBLY, COMPLEMENT, SPECIES, Genome, gff3, serve_as_ensembl


def told(reference: Reference, contig: str, position: int, alt: str = "") -> tuple[str, str]:
    """What is said of a base that becomes alt, or another one."""
    ref = reference.sequence.fetch(contig, position, position)
    change = Change(position, ref, alt or ("A" if ref != "A" else "G"))
    return consequences(contig, change, reference.gene_models, partial(reference.sequence.fetch, contig)).hgvs_c


@pytest.mark.parametrize("name", ["GEN1", "GEN2", "GEN4", "GEN5", "GEN9"])
def test_every_coding_base_has_its_number(pack: Reference, genome: Genome, name: str) -> None:
    gene = genome.genes[name]
    coding = "".join(gene.codons)
    for number, (position, base) in enumerate(zip(gene.places, coding, strict=True), 1):
        ref = base if gene.strand == "+" else base.translate(COMPLEMENT)
        alt = "A" if ref != "A" else "G"
        new = alt if gene.strand == "+" else alt.translate(COMPLEMENT)
        assert told(pack, gene.contig, position) == (f"{gene.transcript}:c.{number}{base}>{new}", "Ensembl_canonical")


def test_the_ends_of_genes_are_what_lies_outside_of_the_code(pack: Reference, genome: Genome) -> None:
    def number(position: int) -> str:
        return told(pack, "1", position)[0].partition(":")[2][:-3]

    forward, reverse, silent = (genome.genes[name] for name in ("GEN1", "GEN2", "GEN3"))
    assert (number(forward.start), number(forward.end)) == ("c.-60", "c.*90")
    assert (number(reverse.start), number(reverse.end)) == ("c.*90", "c.-60")
    assert (number(silent.start), number(silent.end)) == ("n.1", "n.600")
    assert number(forward.start - 1) == ""
    last = forward.exons[0][1]
    count = forward.places.index(last) + 1
    assert number(last + 1) == f"c.{count}+1"
    assert number(forward.exons[1][0] - 1) == f"c.{count + 1}-1"


def test_flags_and_versions_of_the_gff3_are_in_the_pack(tmp_path: Path, genome: Genome) -> None:
    """Its table, of which the manifest has the checksum and the places."""
    first = genome.genes["GEN1"].transcript
    text = gff3(genome).replace(f"ID=transcript:{first};", f"ID=transcript:{first};version=7;transcript_id={first};", 1)
    canonical = "tag=basic,Ensembl_canonical"
    text = text.replace(canonical, "tag=gencode_basic,gencode_primary,MANE_Select,Ensembl_canonical", 1)
    serve_as_ensembl(tmp_path / "pub", genome, gff=text)
    install(Wanted(SPECIES, base=(tmp_path / "pub").as_uri()), tmp_path / "packs")
    pack = load_reference(ASSEMBLY, tmp_path / "packs")
    flags = {model.name: model.flags for model in pack.gene_models.transcripts("1", 1, 60_000)}
    others = [genome.genes[name].transcript for name in ("GEN2", "GEN3")]
    assert flags == {
        f"{first}.7": ("MANE_Select", "Ensembl_canonical"),
        **dict.fromkeys(others, ("Ensembl_canonical",)),
    }
    folder = tmp_path / "packs" / ASSEMBLY
    manifest = json.loads((folder / "manifest.json").read_text())
    assert manifest["format"] == FORMAT
    table = (folder / manifest["files"]["gene_table"]["name"]).read_text()
    assert sum(line.startswith("transcript\t") for line in table.splitlines()) == len(genome.genes)


def test_the_built_in_genome_has_transcripts_that_go_by_their_genes() -> None:
    rcrs = load_reference("rCRS")

    assert told(rcrs, "MT", 11778, "A") == ("MT-ND4:c.1019G>A", "")  # 11778 - 10760 + 1
    assert told(rcrs, "MT", 14484, "C") == ("MT-ND6:c.190A>G", "")  # 14673 - 14484 + 1, on the light strand
    assert told(rcrs, "MT", 3243, "G") == ("MT-TL1:n.14A>G", "")
    assert told(rcrs, "MT", 16000, "A") == ("MT-TP:n.24C>T", "")
    assert told(rcrs, "MT", 200, "T") == ("", "")  # no gene
