"""INFO/CSQ is read by the programs that read Ensembl VEP's: bcftools +split-vep, cyvcf2, vcfpy, filter_vep's rules."""

import operator
import os
import re
import shutil
import subprocess
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import cyvcf2
import pytest
import vcfpy

from annotator.effects import csq_field
from annotator.effects.terms import IMPACT
from annotator.run.annotate import annotate
from tests.annotator.packs import make_pack
from tests.support import gene_models

FOLDER = Path(__file__).parents[1] / "effects" / "vep"
#: Positions of a contig with several genes, transcripts and both strands.
CONTIG, STEP = "EDUMMY0003", 8
PRIMARY = "ENST00000362003"
Entry = dict[str, str]


@dataclass(frozen=True)
class Annotated:
    """An annotated file.

    path: of the file.
    alleles: position and ALT of each allele, record by record.
    entries: position, ALT and fields of each entry of CSQ, split by its ALLELE_NUM.
    """

    path: Path
    alleles: list[list[tuple[int, str]]]
    entries: list[tuple[int, str, Entry]]


@pytest.fixture(scope="module")
def annotated(tmp_path_factory: pytest.TempPathFactory) -> Annotated:
    """Annotate alleles of a fragment, those of one REF in one record. One transcript has flags."""
    folder = tmp_path_factory.mktemp("csq")
    bases = gene_models.read_fasta(FOLDER / "human.fa.gz")[CONTIG]
    genes = [line for line in gene_models.lines(FOLDER / "human.gff3.gz") if line.startswith(f"{CONTIG}\t")]
    flagged = [line.replace("tag=basic", "tag=basic,Ensembl_canonical,MANE_Select") for line in genes]
    genes = [new if f"ID=transcript:{PRIMARY};" in new else old for old, new in zip(genes, flagged, strict=True)]
    reference = make_pack(folder, {CONTIG: bases}, genes="\n".join(genes) + "\n")
    found: dict[tuple[int, str], list[str]] = defaultdict(list)
    for line in gene_models.lines(FOLDER / "human.vep.tsv.gz"):
        contig, pos, ref, alt, *_ = line.split("\t")
        if contig == CONTIG and alt not in found[int(pos), ref]:
            found[int(pos), ref].append(alt)
    some = [(pos, ref, alts) for (pos, ref), alts in sorted(found.items()) if alts][::STEP]
    lines = ["##fileformat=VCFv4.2", "#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO"]
    lines += [f"{CONTIG}\t{pos}\t.\t{ref}\t{','.join(alts)}\t.\t.\t." for pos, ref, alts in some]
    source = folder / "in.vcf"
    source.write_text("\n".join(lines) + "\n")
    annotate(source, folder, reference=reference)
    return read(folder / "annot.vcf.gz")


def read(path: Path) -> Annotated:
    alleles, entries = [], []
    for line in gene_models.lines(path):
        if line.startswith("#"):
            continue
        _, pos, _, _, alts, _, _, info = line.split("\t")
        record = [(int(pos), alt) for alt in alts.split(",")]
        alleles.append(record)
        (value,) = (part.removeprefix("CSQ=") for part in info.split(";") if part.startswith("CSQ="))
        for text in value.split(","):
            fields = dict(zip(csq_field.FIELDS, text.split("|"), strict=True))
            entries.append((*record[int(fields["ALLELE_NUM"]) - 1], fields))
    return Annotated(path, alleles, entries)


def test_there_is_enough_to_read(annotated: Annotated) -> None:
    terms = {term for _, _, entry in annotated.entries for term in entry["Consequence"].split("&")}
    assert len(annotated.alleles) > 150
    assert len(annotated.entries) > 1000
    assert any(len(record) > 2 for record in annotated.alleles)
    assert {"missense_variant", "frameshift_variant", "splice_donor_variant", "synonymous_variant"} <= terms
    assert {entry["STRAND"] for _, _, entry in annotated.entries if entry["Feature"]} == {"1", "-1"}


def split_vep(path: Path, *arguments: str) -> list[str]:
    """Run Debian's bcftools +split-vep. Only outside of CI may it be missing."""
    program = shutil.which("bcftools")
    plugins = (
        subprocess.run([program, "plugin", "-l"], capture_output=True, text=True, check=False) if program else None
    )
    if (plugins is None or "split-vep" not in plugins.stdout.split()) and not os.environ.get("CI"):
        pytest.skip("bcftools with its plugin split-vep is not installed (Debian: bcftools)")
    assert program
    run = subprocess.run([program, "+split-vep", *arguments, path], capture_output=True, text=True, check=True)
    return run.stdout.splitlines()


def test_split_vep_lists_the_fields(annotated: Annotated) -> None:
    listed = split_vep(annotated.path, "-l")
    assert [line.split("\t")[1] for line in listed] == list(csq_field.FIELDS)


def test_split_vep_has_each_entry_with_each_field(annotated: Annotated) -> None:
    rows = split_vep(annotated.path, "-d", "-A", "tab", "-f", "%POS\t%CSQ\n")
    wanted = [[str(pos), *(value or "." for value in entry.values())] for pos, _, entry in annotated.entries]
    assert [line.split("\t") for line in rows] == wanted


@pytest.fixture
def scale(tmp_path: Path) -> str:
    """Return a file for split-vep's option -S. Old versions take newer terms for the worst."""
    path = tmp_path / "scale"
    path.write_text("\n".join(reversed(IMPACT)) + "\n")
    return str(path)


def test_split_vep_takes_the_worst_and_the_primary_transcript(annotated: Annotated, scale: str) -> None:
    high = split_vep(annotated.path, "-S", scale, "-s", "worst", "-f", "%POS\t%IMPACT\n", "-i", 'IMPACT="HIGH"')
    assert {int(line.split("\t")[0]) for line in high} == {
        pos for pos, _, entry in annotated.entries if entry["IMPACT"] == "HIGH"
    }
    primary = split_vep(annotated.path, "-d", "-s", "primary", "-f", "%POS\t%Feature\n")
    wanted = {(str(pos), entry["Feature"]) for pos, _, entry in annotated.entries if entry["CANONICAL"] == "YES"}
    assert wanted
    assert {tuple(line.split("\t")) for line in primary} == wanted


def test_split_vep_selects_by_severity(annotated: Annotated, scale: str) -> None:
    rows = split_vep(
        annotated.path, "-S", scale, "-d", "-s", "all:missense_variant", "-f", "%POS\t%Feature\t%Protein_position\n"
    )
    wanted = {
        (str(pos), entry["Feature"], entry["Protein_position"] or ".")
        for pos, _, entry in annotated.entries
        if entry["Consequence"].split("&")[0] == "missense_variant"
    }
    assert wanted
    assert {tuple(line.split("\t")) for line in rows} == wanted


def format_of(description: str) -> list[str]:
    """Return the names of CSQ's fields as loaders take them from the header's description."""
    return description.strip('"').split("Format: ")[1].split("|")


def test_cyvcf2_has_each_entry(annotated: Annotated) -> None:
    file = cyvcf2.VCF(str(annotated.path))
    names = format_of(file.get_header_type("CSQ")["Description"])
    found = [
        (record.POS, dict(zip(names, text.split("|"), strict=True)))
        for record in file
        for text in (record.INFO.get("CSQ") or "").split(",")
        if text
    ]
    assert found == [(pos, entry) for pos, _, entry in annotated.entries]


def test_vcfpy_has_each_entry(annotated: Annotated) -> None:
    with vcfpy.Reader.from_path(str(annotated.path)) as file:
        names = format_of(file.header.get_info_field_info("CSQ").description)
        found = [
            (record.POS, record.ALT[int(text.rpartition("|")[2]) - 1].value, len(text.split("|")))
            for record in file
            for text in record.INFO.get("CSQ", [])
        ]
    assert names == list(csq_field.FIELDS)
    assert found == [(pos, alt, len(names)) for pos, alt, _ in annotated.entries]


def kept(condition: str, entries: list[tuple[int, str, Entry]]) -> set[tuple[int, str]]:
    """Return position and ALT of the entries that filter_vep keeps: https://www.ensembl.org/vep, "Filtering results".

    A condition has comparisons, `FIELD OPERATOR VALUE`, joined by `and` or `or`, read from the left, or fields alone,
    which have to have a value. A field with several values, joined by &, fits if one does. Texts are compared without
    regard to case. `<`, `>`, `<=` and `>=` take the first number of a field. An empty field fits `is not` alone.
    """
    return {(pos, alt) for pos, alt, entry in entries if fits(condition, entry)}


def fits(condition: str, entry: Entry) -> bool:
    first, *rest = re.split(r" (and|or) ", condition)
    result = compares(first, entry)
    for joint, comparison in zip(rest[::2], rest[1::2], strict=True):
        own = compares(comparison, entry)
        result = (result and own) if joint == "and" else (result or own)
    return result


NUMERIC: dict[str, Callable[[float, float], bool]] = {
    "<": operator.lt,
    ">": operator.gt,
    "<=": operator.le,
    ">=": operator.ge,
}


def compares(comparison: str, entry: Entry) -> bool:
    name, _, rest = comparison.partition(" ")
    value = entry[name]  # filter_vep knows a field by its name in the header
    if not rest:
        return bool(value)
    how, _, wanted = rest.rpartition(" ")
    values = [one.lower() for one in value.split("&")]
    if how in NUMERIC:
        number = re.match(r"\d+", value)
        return number is not None and NUMERIC[how](float(number[0]), float(wanted))
    if how == "matches":
        return any(re.search(wanted, one, re.IGNORECASE) for one in values if one)
    return (wanted.lower() in values) is (how == "is")


@pytest.mark.parametrize(
    ("condition", "same"),
    [
        ("Consequence is missense_variant", lambda entry: "missense_variant" in entry["Consequence"].split("&")),
        ("Consequence matches splice", lambda entry: "splice" in entry["Consequence"]),
        (
            "IMPACT is HIGH and SYMBOL is pcgf3",
            lambda entry: entry["IMPACT"] == "HIGH" and entry["SYMBOL"] == "PCGF3",
        ),
        ("Protein_position < 50", lambda entry: 0 < int(entry["Protein_position"].split("-")[0] or 0) < 50),
        ("CDS_position", lambda entry: entry["CDS_position"] != ""),
        (
            "CANONICAL is YES and BIOTYPE is protein_coding",
            lambda entry: bool(entry["MANE"]) and entry["BIOTYPE"] == "protein_coding",
        ),
        ("PICK is 1 and IMPACT is not MODIFIER", lambda entry: entry["PICK"] == "1" and entry["IMPACT"] != "MODIFIER"),
    ],
)
def test_filter_veps_conditions_keep_what_they_say(
    annotated: Annotated, condition: str, same: Callable[[Entry], bool]
) -> None:
    found = kept(condition, annotated.entries)
    every = {(pos, alt) for pos, alt, _ in annotated.entries}
    assert found == {(pos, alt) for pos, alt, entry in annotated.entries if same(entry)}
    assert set() < found < every


def test_conditions_on_ensembl_veps_own_answers_keep_the_same_alleles(annotated: Annotated) -> None:
    """VEP's terms of the same alleles and transcripts, under the same condition."""
    theirs = defaultdict(set)
    for line in gene_models.lines(FOLDER / "human.vep.tsv.gz"):
        contig, pos, _, alt, _, _, terms, *_ = line.split("\t")
        if contig == CONTIG:
            for term in terms.split(","):
                theirs[term].add((int(pos), alt))
    asked = {allele for record in annotated.alleles for allele in record}
    for term in ("missense_variant", "synonymous_variant", "splice_region_variant", "intron_variant"):
        assert kept(f"Consequence is {term}", annotated.entries) == theirs[term] & asked, term
        assert theirs[term] & asked, term


def test_each_allele_has_one_picked_entry_and_its_own_number(annotated: Annotated) -> None:
    picks: dict[tuple[int, str], int] = defaultdict(int)
    for pos, alt, entry in annotated.entries:
        picks[pos, alt] += entry["PICK"] == "1"
        assert entry["PICK"] in {"", "1"}
        assert entry["Allele"] in {alt, alt[1:], "-"}
    in_genes = {(pos, alt) for pos, alt, entry in annotated.entries if entry["Feature"]}
    assert {allele for allele, count in picks.items() if count == 1} == in_genes
    assert max(picks.values()) == 1
