"""Entries of INFO/CSQ: Ensembl VEP's fields, in values that stand in one INFO field, and can be read back."""

import re
from dataclasses import replace

import pytest

from annotator.effects import csq_field
from annotator.effects.effect import Effect
from annotator.effects.terms import IMPACT, Impact
from annotator.effects.transcript import Transcript

FIELDS = (
    "Allele|Consequence|IMPACT|SYMBOL|Gene|Feature_type|Feature|BIOTYPE|EXON|INTRON|HGVSc|HGVSp|cDNA_position|CDS_position|"
    "Protein_position|Amino_acids|Codons|DISTANCE|STRAND|FLAGS|PICK|CANONICAL|MANE|ALLELE_NUM"
)
TRANSCRIPT = Transcript(
    name="ENST01.2",
    gene="ABC1",
    biotype="protein_coding",
    strand="-",
    exons=((10, 60), (80, 120)),
    coding=(20, 100),
    gene_id="ENSG01",
    protein_id="ENSP01",
    flags=("MANE_Select", "Ensembl_canonical"),
)
EFFECT = Effect(
    terms=("missense_variant", "splice_region_variant"),
    hgvs_c="c.12_13delinsAA",
    hgvs_p="p.Lys4_Gly5delinsAsnArg",
    codons="aaAGgg/aaTAgg",
    amino_acids="KG/NR",
    exon="1/2",
    cdna=(32, 33),
    cds=(12, 13),
    protein=(4, 5),
)


def entry(effect: Effect = EFFECT, transcript: Transcript = TRANSCRIPT, *, is_picked: bool = False) -> dict[str, str]:
    """Render an entry of the first allele, A, and read it back: {field: value}."""
    middle = (
        csq_field.before_hgvs_c(effect, transcript),
        csq_field.hgvs_c(effect, transcript),
        csq_field.after_hgvs_c(effect, transcript, is_picked=is_picked),
    )
    return read("|".join(("A", *middle, "1")))


def read(text: str) -> dict[str, str]:
    return dict(zip(csq_field.FIELDS, text.split("|"), strict=True))


def unescaped(value: str) -> str:
    return re.sub("%([0-9A-F]{2})", lambda found: chr(int(found[1], 16)), value)


def test_the_fields_are_declared_as_tools_look_for_them() -> None:
    assert "|".join(csq_field.FIELDS) == FIELDS
    declared = re.fullmatch(r'##INFO=<ID=CSQ,Number=\.,Type=String,Description="(.*)">', csq_field.DEFINITION)
    assert declared
    assert declared[1].endswith(f". Format: {FIELDS}")


def test_each_value_stands_in_its_field() -> None:
    assert entry(is_picked=True) == {
        "Allele": "A",
        "Consequence": "missense_variant&splice_region_variant",
        "IMPACT": "MODERATE",
        "SYMBOL": "ABC1",
        "Gene": "ENSG01",
        "Feature_type": "Transcript",
        "Feature": "ENST01.2",
        "BIOTYPE": "protein_coding",
        "EXON": "1/2",
        "INTRON": "",
        "HGVSc": "ENST01.2:c.12_13delinsAA",
        "HGVSp": "ENSP01:p.Lys4_Gly5delinsAsnArg",
        "cDNA_position": "32-33",
        "CDS_position": "12-13",
        "Protein_position": "4-5",
        "Amino_acids": "KG/NR",
        "Codons": "aaAGgg/aaTAgg",
        "DISTANCE": "",
        "STRAND": "-1",
        "FLAGS": "",
        "PICK": "1",
        "CANONICAL": "YES",
        "MANE": "MANE_Select",
        "ALLELE_NUM": "1",
    }


def test_a_transcript_without_marks_of_its_own_has_none() -> None:
    plain = replace(TRANSCRIPT, strand="+", flags=(), protein_id="", gene_id="")
    found = entry(Effect(("intron_variant",), intron="1/1"), plain)
    assert {name for name, value in found.items() if not value} == {
        *("Gene", "EXON", "HGVSc", "HGVSp", "cDNA_position", "CDS_position", "Protein_position", "Amino_acids"),
        *("Codons", "DISTANCE", "FLAGS", "PICK", "CANONICAL", "MANE"),
    }
    assert found["STRAND"] == "1"
    assert entry(EFFECT, plain)["HGVSp"].startswith("ENST01.2:p.")  # the transcript's name in place of the protein's


def test_one_position_is_written_once() -> None:
    found = entry(replace(EFFECT, cdna=(32, 32), cds=(12, 12), protein=(4, 4)))
    assert [found[name] for name in ("cDNA_position", "CDS_position", "Protein_position")] == ["32", "12", "4"]


@pytest.mark.parametrize(
    ("start", "end", "flags"),
    [
        (True, True, ""),
        (False, True, "cds_start_NF"),
        (True, False, "cds_end_NF"),
        (False, False, "cds_start_NF&cds_end_NF"),
    ],
)
def test_an_incomplete_coding_sequence_is_flagged(start: bool, end: bool, flags: str) -> None:
    assert entry(transcript=replace(TRANSCRIPT, start_known=start, end_known=end))["FLAGS"] == flags


@pytest.mark.parametrize("term", IMPACT)
def test_each_term_has_its_impact(term: str) -> None:
    found = entry(Effect((term,)))
    assert (found["Consequence"], found["IMPACT"]) == (term, IMPACT[term])
    assert found["IMPACT"] in set(Impact)


def test_a_value_with_marks_of_the_format_is_escaped_and_can_be_read_back() -> None:
    name = "a|b,c;d=e&f%g%7C"
    found = entry(
        replace(EFFECT, hgvs_p="p.Leu5="), replace(TRANSCRIPT, name=name, gene=name, gene_id=name, biotype=name)
    )
    assert [unescaped(found[field]) for field in ("SYMBOL", "Gene", "Feature", "BIOTYPE")] == [name] * 4
    assert unescaped(found["HGVSc"]) == f"{name}:c.12_13delinsAA"
    assert found["HGVSp"] == "ENSP01:p.Leu5%3D"
    assert not re.search(r"[,;=\s]", "|".join(found.values()))  # INFO's own marks
    assert csq_field.escaped("two words\tand\r\nlines") == "two_words_andlines"


@pytest.mark.parametrize(
    ("symbol", "gene_id", "distance", "strand", "filled"),
    [
        ("ABC1", "ENSG01", 432, "-", {"SYMBOL": "ABC1", "Gene": "ENSG01", "DISTANCE": "432", "STRAND": "-1"}),
        ("ABC1", "", 1, "+", {"SYMBOL": "ABC1", "DISTANCE": "1", "STRAND": "1"}),
        ("", "", None, "", {}),
    ],
)
def test_an_allele_outside_of_genes(
    symbol: str, gene_id: str, distance: int | None, strand: str, filled: dict[str, str]
) -> None:
    told = csq_field.outside_genes("upstream_gene_variant", "MODIFIER", symbol, gene_id, distance, strand)
    middle = "|".join(told)
    found = {name: value for name, value in read(f"A|{middle}|2").items() if value}
    always = {"Allele": "A", "Consequence": "upstream_gene_variant", "IMPACT": "MODIFIER", "ALLELE_NUM": "2"}
    assert found == always | filled


@pytest.mark.parametrize(
    ("ref", "alts", "written"),
    [
        ("A", "G", "G"),
        ("A", "G,T", "G,T"),
        ("AT", "GC", "GC"),
        ("A", "AT", "T"),
        ("AT", "A", "-"),
        ("ATT", "A,AT", "-,T"),
        ("AT", "AG,A", "G,-"),
        ("A", "AT,G", "AT,G"),  # no common first base
        ("AT", "GC,A", "GC,A"),
        ("AT", "AG", "AG"),  # one length
        ("AT", "AG,*", "G,*"),  # VEP takes the length of * for another one
        ("A", "G,*", "G,*"),
        ("A", "AT,*", "T,*"),
        ("A", "AT,<DEL>", "T,<DEL>"),
        ("A", "<DEL>", "<DEL>"),
        ("A", "A]2:5],AT", "A]2:5],T"),
    ],
)
def test_an_allele_is_spelled_as_vep_spells_it(ref: str, alts: str, written: str) -> None:
    """VEP leaves out a common first base of all alleles but *, if one differs in length: Parser/VCF.pm."""
    given = tuple(alts.split(","))
    assert [csq_field.allele(ref, given, alt) for alt in given] == written.split(",")
