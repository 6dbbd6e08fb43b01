"""The rCRS pack is what it says: proved from the sequence itself, with a translation of its own."""

import hashlib
import itertools
import json

import pytest

from annotator.reference.pack import PACKS, Reference
from tests.support.genome import WHOLE
from tests.support.proteins import protein as protein_of
from tests.support.proteins import transcript

PACK = PACKS / "rCRS"

#: The vertebrate mitochondrial code (NCBI table 2), by codon.
STANDARD = dict(
    zip(
        (a + b + c for a in "TCAG" for b in "TCAG" for c in "TCAG"),
        "FFLLSSSSYY**CC*WLLLLPPPPHHQQRRRRIIIMTTTTNNKKSSRRVVVVAAAADDEEGGGG",
        strict=True,
    )
)
MITOCHONDRIAL = STANDARD | {"AGA": "*", "AGG": "*", "ATA": "M", "TGA": "W"}

#: Amino acids of each protein without its stop (UniProt, reviewed human entries P03886 ... P00156).
LENGTHS = {
    "MT-ND1": 318, "MT-ND2": 347, "MT-CO1": 513, "MT-CO2": 227, "MT-ATP8": 68, "MT-ATP6": 226, "MT-CO3": 261,
    "MT-ND3": 115, "MT-ND4L": 98, "MT-ND4": 459, "MT-ND5": 603, "MT-ND6": 174, "MT-CYB": 380,
}  # fmt: skip
INCOMPLETE = {"MT-ND1": "TA", "MT-ND2": "T", "MT-CO3": "T", "MT-ND3": "T", "MT-ND4": "T", "MT-CYB": "T"}
#: Anticodons of the human mitochondrial tRNAs, DNA letters (Mamit-tRNA; Anderson et al. 1981).
ANTICODONS = {
    "MT-TF": "GAA", "MT-TV": "TAC", "MT-TL1": "TAA", "MT-TI": "GAT", "MT-TQ": "TTG", "MT-TM": "CAT",
    "MT-TW": "TCA", "MT-TA": "TGC", "MT-TN": "GTT", "MT-TC": "GCA", "MT-TY": "GTA", "MT-TS1": "TGA",
    "MT-TD": "GTC", "MT-TK": "TTT", "MT-TG": "TCC", "MT-TR": "TCG", "MT-TH": "GTG", "MT-TS2": "GCT",
    "MT-TL2": "TAG", "MT-TE": "TTC", "MT-TT": "TGT", "MT-TP": "TGG",
}  # fmt: skip


@pytest.fixture(scope="module")
def sequence() -> str:
    lines = (PACK / "genome.fa").read_text().splitlines()
    assert lines[0].startswith(">MT ")
    return "".join(lines[1:])


def other_strand(bases: str) -> str:
    return bases[::-1].translate(str.maketrans("ACGT", "TGCA"))


def rows(kind: str) -> dict[str, tuple[int, int, str]]:
    """Name, start, end and strand of the GFF3 rows of one type."""
    found = {}
    for line in (PACK / "genes.gff3").read_text().splitlines():
        columns = line.split("\t")
        if not line.startswith("#") and columns[2] == kind:
            tags = dict(tag.split("=") for tag in columns[8].split(";"))
            name = tags.get("Name") or tags["Parent"].removeprefix("transcript:")
            found[f"{name} {columns[3]}" if kind == "D_loop" else name] = (
                int(columns[3]), int(columns[4]), columns[6],
            )  # fmt: skip
    return found


def gene_bases(sequence: str, name: str) -> str:
    start, end, strand = (rows("gene") | rows("ncRNA_gene"))[name]
    bases = sequence[start - 1 : end]
    return other_strand(bases) if strand == "-" else bases


def test_the_sequence_is_nc_012920(sequence: str) -> None:
    assert len(sequence) == 16569
    assert hashlib.md5(sequence.encode(), usedforsecurity=False).hexdigest() == "c68f52674c9fb33aef52dcf399755519"
    assert sequence[3107 - 1] == "N"  # the placeholder that keeps the numbering of the first sequence
    assert set(sequence) == set("ACGTN")


def test_the_manifest_names_its_files_by_checksum() -> None:
    manifest = json.loads((PACK / "manifest.json").read_text())
    for file in manifest["files"].values():
        assert hashlib.sha256((PACK / file["name"]).read_bytes()).hexdigest() == file["sha256"], file["name"]
    assert manifest["contigs"][0]["md5"] == "c68f52674c9fb33aef52dcf399755519"


def test_it_has_37_genes(rcrs: Reference) -> None:
    assert set(rows("CDS")) == set(LENGTHS) == set(rows("gene"))
    assert len(rows("ncRNA_gene")) == 24
    assert set(rows("tRNA")) == set(ANTICODONS)
    assert set(rows("rRNA")) == {"MT-RNR1", "MT-RNR2"}
    assert len(rcrs.gene_models.near("MT", WHOLE, WHOLE).genes) == 37


@pytest.mark.parametrize("name", LENGTHS)
def test_every_cds_translates_from_a_start_to_a_stop(sequence: str, name: str, rcrs: Reference) -> None:
    bases = gene_bases(sequence, name)
    start, end, _ = rows("CDS")[name]
    assert rows("gene")[name][:2] == (start, end)
    extra = len(bases) % 3
    assert bases[len(bases) - extra :] == INCOMPLETE.get(name, "")
    completed = bases + "A" * (-len(bases) % 3)  # polyadenylation
    assert completed[:3] in {"ATG", "ATA", "ATT"}
    protein = "".join(MITOCHONDRIAL[completed[at : at + 3]] for at in range(0, len(completed), 3))
    assert protein.index("*") == len(protein) - 1
    assert len(protein) - 1 == LENGTHS[name]
    # The first codon is read as methionine, whatever it codes for elsewhere.
    assert protein_of(rcrs, "MT", name) == "M" + protein[1:]


def test_incomplete_stops_are_known_as_such(rcrs: Reference) -> None:
    utrs = rows("three_prime_UTR")
    assert set(utrs) == set(INCOMPLETE)
    for name, (_, end, _) in utrs.items():
        assert transcript(rcrs, "MT", name).coding[1] == end  # type: ignore[index]
        assert protein_of(rcrs, "MT", name).endswith("*")


def test_overlapping_genes_overlap_as_they_should(rcrs: Reference) -> None:
    cds = rows("CDS")
    assert (cds["MT-ATP8"][1], cds["MT-ATP6"][0]) == (8572, 8527)
    assert (cds["MT-ND4L"][1], cds["MT-ND4"][0]) == (10766, 10760)
    assert (cds["MT-ATP6"][1], cds["MT-CO3"][0]) == (9207, 9207)

    def names(position: int) -> list[str]:
        return [one.name for one in rcrs.gene_models.genes("MT", position, position)]

    assert names(8550) == ["MT-ATP8", "MT-ATP6"]
    assert names(10762) == ["MT-ND4L", "MT-ND4"]
    assert names(4330) == ["MT-TI", "MT-TQ"]


def test_light_strand_genes_are_on_the_minus_strand() -> None:
    minus = {name for name, (_, _, strand) in (rows("gene") | rows("ncRNA_gene")).items() if strand == "-"}
    trnas = {"MT-TQ", "MT-TA", "MT-TN", "MT-TC", "MT-TY", "MT-TS1", "MT-TE", "MT-TP"}
    assert minus == trnas | {"MT-ND6"}


@pytest.mark.parametrize("name", ANTICODONS)
def test_every_trna_has_its_anticodon_and_its_acceptor_stem(sequence: str, name: str) -> None:
    bases = gene_bases(sequence, name)
    # The anticodon stands at 34-36 of 73 or so; MT-TS2, without a D arm, has it earlier.
    assert ANTICODONS[name] in bases[18:40]
    pairs = {("A", "T"), ("T", "A"), ("G", "C"), ("C", "G"), ("G", "T"), ("T", "G")}
    # The last base, the discriminator, is unpaired. One base more or less at either end leaves two pairs or so.
    stem = zip(bases[:7], bases[-2:-9:-1], strict=True)
    assert sum(pair in pairs for pair in stem) >= 6


def test_the_ends_of_the_control_region_meet_the_genes(rcrs: Reference) -> None:
    loops = rows("D_loop")
    assert loops == {"D-loop 1": (1, 576, "."), "D-loop 16024": (16024, 16569, ".")}
    genes = rows("gene") | rows("ncRNA_gene")
    assert min(start for start, _, _ in genes.values()) == 577
    assert max(end for _, end, _ in genes.values()) == 16023
    assert rcrs.gene_models.regions("MT", 73, 73) == ["D-loop"]
    assert rcrs.gene_models.regions("MT", 16519, 16519) == ["D-loop"]
    assert rcrs.gene_models.regions("MT", 5740, 5740) == ["OriL"]


def test_rrnas_lie_between_their_trnas() -> None:
    genes = rows("ncRNA_gene")
    order = ["MT-TF", "MT-RNR1", "MT-TV", "MT-RNR2", "MT-TL1"]
    for left, right in itertools.pairwise(order):
        assert genes[left][1] + 1 == genes[right][0]
