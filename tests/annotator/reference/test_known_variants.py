"""The table of known variants is right about the sequence, and agrees with the consequences of each."""

import csv

import pytest

from annotator.reference.pack import PACKS, Reference
from tests.support.small_vcfs import Annotate, vcf

with (PACKS / "rCRS" / "known_variants.tsv").open(encoding="utf-8") as _file:
    ROWS = list(csv.DictReader((line for line in _file if not line.startswith("#")), delimiter="\t"))


def test_there_are_enough_and_each_once(rcrs: Reference) -> None:
    assert len(ROWS) >= 40
    assert len(rcrs.known) == len(ROWS)
    assert len({row["change"] for row in (vars(known) for known in rcrs.known)}) == len(ROWS)


def test_every_ref_is_what_the_sequence_has(rcrs: Reference) -> None:
    for row in ROWS:
        pos = int(row["pos"])
        assert rcrs.sequence.fetch("MT", pos, pos + len(row["ref"]) - 1) == row["ref"], row
        assert row["alt"] != row["ref"]


def test_every_row_has_a_disease_and_a_source() -> None:
    for row in ROWS:
        assert row["disease"], row
        assert row["disease_name"], row
        assert row["source"].startswith("MITOMAP"), row


def test_consequences_agree_on_every_gene_and_protein(run: Annotate) -> None:
    result = run(vcf(*(f"MT {row['pos']} . {row['ref']} {row['alt']}" for row in ROWS)))
    assert len(result.report.preview) == len(ROWS)
    for row, seen in zip(ROWS, result.report.preview, strict=True):
        assert seen["known"] == row["disease"], row
        genes = seen["gene"].split(", ")
        # m.7445A>G lies in the stop codon of MT-CO1; it acts on the processing of MT-TS1 next to it.
        assert row["gene"] in genes or row["pos"] == "7445", row
        if row["protein"]:
            assert row["protein"] in seen["protein"], (row, seen)
            assert seen["consequence"] in {"missense_variant", "start_lost"}
    found = {row["change"]: row for row in result.report.summary["known"]}
    assert len(found) == len(ROWS)


@pytest.mark.parametrize(
    ("record", "gene", "protein", "disease"),
    [
        ("MT 11778 . G A", "MT-ND4", "p.Arg340His", "LHON"),
        ("MT 3243 . A G", "MT-TL1", "", "MELAS"),
        ("MT 8344 . A G", "MT-TK", "", "MERRF"),
        ("MT 8993 . T G", "MT-ATP6", "p.Leu156Arg", "NARP"),
        ("MT 14484 . T C", "MT-ND6", "p.Met64Val", "LHON"),
        ("MT 1555 . A G", "MT-RNR1", "", "DEAF"),
    ],
)
def test_the_famous_ones_come_out_by_name(run: Annotate, record: str, gene: str, protein: str, disease: str) -> None:
    row = run(vcf(record)).report.preview[0]
    assert (row["gene"], row["protein"]) == (gene, protein)
    assert disease in row["known"].split("; ")


@pytest.mark.parametrize(
    "record",
    [
        "MT 11777 . CG CA",  # a base of context in front
        "MT 11778 . GC AC",  # and behind
        "MT 11778 . G T,A",  # second of several
        "chrM 11778 . g a",
    ],
)
def test_a_known_variant_is_found_however_it_is_written(run: Annotate, record: str) -> None:
    assert [row["change"] for row in run(vcf(record)).report.summary["known"]] == ["m.11778G>A"]


@pytest.mark.parametrize("record", ["MT 7465 . A AC", "MT 7471 . C CC", "MT 7472 . A CA"])
def test_an_insertion_in_a_run_is_found_at_any_of_its_places(run: Annotate, record: str) -> None:
    (row,) = run(vcf(record)).report.summary["known"]
    assert (row["change"], row["gene"]) == ("m.7471dup", "MT-TS1")
