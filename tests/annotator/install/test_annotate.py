"""Annotating on an installed genome: what each change does to a protein that the test itself knows."""

import dataclasses
from pathlib import Path
from typing import Any

import pytest

from annotator.reference.gene_models import InMemory
from annotator.reference.pack import Reference, load_reference
from tests.support.genome import ASSEMBLY, CODONS, Gene, Genome
from tests.support.small_vcfs import Annotate
from tests.support.substitutions import other, vcf

THREE = {
    "A": "Ala", "D": "Asp", "E": "Glu", "F": "Phe", "G": "Gly", "H": "His", "K": "Lys", "L": "Leu", "N": "Asn",
    "P": "Pro", "Q": "Gln", "R": "Arg", "S": "Ser", "T": "Thr", "V": "Val", "Y": "Tyr", "W": "Trp", "M": "Met",
}  # fmt: skip


def one_codon(gene: Gene, wanted: dict[str, str]) -> tuple[int, str]:
    """The number of the first codon, away from the ends, that is a key of wanted, and what it is to become."""
    return next((n, wanted[c]) for n, c in enumerate(gene.codons[20:-20], 20) if c in wanted)


@pytest.mark.parametrize("name", ["GEN1", "GEN2", "GEN4", "GEN5"])
def test_a_change_of_a_codon_is_what_the_codons_say(run: Annotate, pack: Reference, genome: Genome, name: str) -> None:
    gene = genome.genes[name]
    silent = dict(CODONS.values()) | {b: a for a, b in CODONS.values()}
    wrong = {"GAT": "GTT", "GAC": "GTC", "AAA": "CAA", "CCT": "CTT"}
    stop = {"TAT": "TAA", "TAC": "TAA", "CAA": "TAA", "CAG": "TAG", "GAA": "TAA", "AAA": "TAA", "AAG": "TAG"}
    expected = {}
    for term, choice in (("synonymous_variant", silent), ("missense_variant", wrong), ("stop_gained", stop)):
        number, new = one_codon(gene, choice)
        old = gene.protein[number]
        amino = next((a for a, codons in CODONS.items() if new in codons), "")
        change = {
            "synonymous_variant": f"p.{THREE[old]}{number + 1}%3D",
            "missense_variant": f"p.{THREE[old]}{number + 1}{THREE.get(amino, '')}",
            "stop_gained": f"p.{THREE[old]}{number + 1}Ter",
        }[term]
        expected[gene.substitution(number, new)] = (term, f"{name}:{change}")
    rows = [(gene.contig, *substitution) for substitution in sorted(expected)]
    result = run(vcf(rows), reference=pack)
    for number, row in enumerate(rows):
        info = result.info(number)
        assert (info["GAS_CSQ"], info["GAS_HGVSP"]) == expected[row[1:]]
        assert info["GAS_GENE"] == name
        assert f"|{gene.transcript}|" in info["CSQ"]


def test_places_in_and_between_genes(run: Annotate, pack: Reference, genome: Genome) -> None:
    plus, minus, long_rna = (genome.genes[name] for name in ("GEN1", "GEN2", "GEN3"))
    intron = plus.exons[0][1] + 1, plus.exons[1][0] - 1
    left = minus.exons[0][1] + 1, minus.exons[1][0] - 1
    places = {
        ("1", intron[0]): "splice_donor_variant",
        ("1", intron[1]): "splice_acceptor_variant",
        ("1", left[0]): "splice_acceptor_variant",  # the other strand: where it begins here, it ends there
        ("1", left[1]): "splice_donor_variant",
        ("1", intron[0] + 4): "splice_donor_5th_base_variant",
        ("1", sum(intron) // 2): "intron_variant",
        ("1", plus.start + 5): "5_prime_UTR_variant",
        ("1", plus.end - 5): "3_prime_UTR_variant",
        ("1", minus.start + 5): "3_prime_UTR_variant",
        ("1", minus.end - 5): "5_prime_UTR_variant",
        ("1", long_rna.start + 5): "non_coding_transcript_exon_variant",
        ("1", 58_000): "intergenic_variant",
        ("2", 35_000): "intergenic_variant",
    }
    rows = [(c, p, b, other(b)) for (c, p) in sorted(places) if (b := genome.sequences[c][p - 1])]
    result = run(vcf(rows), reference=pack)
    assert {(row[0], row[1]): result.info(n)["GAS_CSQ"] for n, row in enumerate(rows)} == places


@pytest.mark.parametrize("order", [("MT", "1", "2"), ("1", "2", "MT"), ("1", "MT", "2")])
def test_each_contig_is_read_with_its_own_genetic_code(
    run: Annotate, pack: Reference, genome: Genome, order: tuple[str, ...]
) -> None:
    mitochondrial, nuclear = genome.genes["GEN9"], genome.genes["GEN1"]
    tail = {"TAT": "TAA", "TAC": "TAA", "CAA": "TAA", "GAA": "TAA", "AAA": "TAA", "CAG": "TAG", "AAG": "TAG"}
    number, new = one_codon(nuclear, tail)
    position, ref, alt = nuclear.substitution(number, new)
    mt = mitochondrial.substitution(10, "TGG")  # TGA: tryptophan there, a stop elsewhere
    by_contig = {
        "1": [("1", position, ref, alt)],
        "2": [("2", 30_000, (base := genome.sequences["2"][29_999]), other(base))],
        "MT": [("MT", *mt)],
    }
    result = run(vcf(row for contig in order for row in by_contig[contig]), reference=pack)
    terms = {
        record[0]: (result.info(n)["GAS_CSQ"], result.info(n)["GAS_HGVSG"][:2])
        for n, record in enumerate(result.records)
    }
    assert terms == {
        "1": ("stop_gained", "g."),
        "2": ("intergenic_variant", "g."),
        "MT": ("synonymous_variant", "m."),
    }
    assert [record[0] for record in result.records] == list(order)


def test_records_of_all_contigs_one_by_one_give_the_same_as_together(
    run: Annotate, pack: Reference, genome: Genome
) -> None:
    rows = every(genome, 97)
    together = run(vcf(rows), reference=pack)
    apart = [run(vcf(row for row in rows if row[0] == contig), reference=pack).records for contig in genome.sequences]
    assert together.records == [record for part in apart for record in part]
    assert {r[7].split("|")[1] for r in together.records} > {"intron_variant", "missense_variant"}


def test_a_contig_without_genes_and_a_file_without_records(run: Annotate, packs: Path, tmp_path: Path) -> None:
    pack = load_reference(ASSEMBLY, packs)
    bare = dataclasses.replace(pack)
    bare.__dict__["gene_models"] = InMemory({})
    base = pack.sequence.fetch("1", 100, 100)
    result = run(vcf([("1", 100, base, other(base))]), reference=bare)
    assert result.info()["GAS_CSQ"] == "intergenic_variant"
    assert run(vcf([]), reference=pack).report.records_in == 0


def test_all_names_of_a_contig_are_understood(run: Annotate, pack: Reference, genome: Genome) -> None:
    base = genome.sequences["1"][57_999]
    for name in ("1", "chr1", "NC_000901.1", "CM000001.1"):
        result = run(vcf([(name, 58_000, base, other(base))]), reference=pack)
        assert result.records[0][0] == name


def every(genome: Genome, step: int) -> list[tuple[str, int, str, str]]:
    return [
        (contig, pos, (base := bases[pos - 1]), other(base))
        for contig, bases in genome.sequences.items()
        for pos in range(step, len(bases), step)
    ]


def test_annotating_twice_gives_the_same_bytes(run: Annotate, pack: Reference, genome: Genome) -> None:
    files: list[Any] = [run(vcf(every(genome, 997)), reference=pack).folder / "annot.vcf.gz" for _ in range(2)]
    assert files[0].read_bytes() == files[1].read_bytes()
