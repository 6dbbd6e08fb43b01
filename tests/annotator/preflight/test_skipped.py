"""Records that cannot be used are left out one by one, and each is listed with its line and the reason."""

from collections.abc import Callable
from pathlib import Path

import pytest

from annotator.errors import InputError
from annotator.reference.pack import installed_references
from tests.annotator.packs import make_pack
from tests.support.small_vcfs import COLUMNS, HEADER, Annotate, vcf

Refused = Callable[..., InputError]

#: Twenty sound records, so that one bad one among them is an exception.
SOUND = [f"MT {pos} . {ref} {alt}" for pos, ref, alt in [(73, "A", "G"), (263, "A", "G"), (750, "A", "G")] * 7]
SOUND.sort(key=lambda record: int(record.split()[1]))

ONE_BY_ONE = {
    "REF": ("MT 11778 . C A", 'REF at MT:11778 is "C", but rCRS has "G" there'),
    "past the end": ("MT 16570 . G A", "POS 16570 is past the end of MT, which has 16,569 bases"),
    "over the origin": ("MT 16568 . TGGA T", "runs over the origin of the circular contig"),
    "position zero": ("MT 0 . N <DEL>", "POS 0 is in front of the first base"),
    "unknown contig": ("chr7 117559590 . ATCT A", 'contig "chr7" is not part of rCRS'),
    "ambiguous REF": ("MT 73 . R G", 'REF "R" has an ambiguity code'),
    "ambiguous ALT": ("MT 73 . A Y", 'ALT "Y" has an ambiguity code'),
    "REF is a dash": ("MT 73 . - G", 'REF "-" is not a sequence of bases'),
    "ALT is a dash": ("MT 73 . A -", 'ALT "-" is neither bases nor an allele'),
    "empty ALT among others": ("MT 73 . A G,", 'ALT "" is neither'),
    "unclosed allele": ("MT 73 . A <DEL", 'ALT "<DEL" is neither'),
    "FILTER": ("MT 73 . A G . a,b", 'FILTER "a,b" is not a list of names'),
    "INFO": ("MT 73 . A G . . a,b=1", 'INFO has an entry "a,b"'),
}


@pytest.mark.parametrize(("record", "reason"), ONE_BY_ONE.values(), ids=ONE_BY_ONE.keys())
def test_one_bad_record_is_skipped_and_listed(run: Annotate, record: str, reason: str) -> None:
    result = run(vcf(*SOUND[:10], record, *SOUND[10:]))
    line = 3 + 11
    assert (result.report.records_in, result.report.records_out, result.report.skipped) == (22, 21, 1)
    (example,) = result.report.summary["skipped_examples"]
    assert example["line"] == line
    assert reason in example["reason"]
    assert f"line {line}: {example['reason']}" in result.log


#: A genome's records, without the mitochondrion's.
GENOME = [f"chr{name} {pos} . A G" for name in range(1, 23) for pos in range(1000, 1050)]


def test_a_whole_genome_whose_header_tells_it_keeps_its_mitochondrion(run: Annotate) -> None:
    declared = "##contig=<ID=chr1,length=248956422>\n##contig=<ID=MT,length=16569>\n"
    result = run(vcf(*GENOME, *SOUND, header=f"##fileformat=VCFv4.2\n{declared}{COLUMNS}\n"))
    assert (result.report.records_out, result.report.skipped) == (21, 1100)
    assert result.report.summary["skipped_reasons"] == {"unknown-contig": 1100}
    # One line of the log for each run of neighbours, not one for each record.
    assert 'lines 5-54 (50 records): contig "chr1" is not part of rCRS' in result.log
    assert result.log.count("is not part of rCRS") == 22
    assert result.repaired("Only 21 of 1,121 records lie on contigs that rCRS has: all others were left out")


def test_a_whole_genome_that_nothing_tells_of_is_not_annotated_on_its_mitochondrion_alone(refused: Refused) -> None:
    error = refused(vcf(*GENOME, *SOUND, header=f"##fileformat=VCFv4.2\n{COLUMNS}\n"))
    assert (error.code, error.line) == ("unknown-contig", 3)
    assert error.message == (
        'Line 3: contig "chr1" is not part of rCRS, and 1,100 of 1,121 records lie on contigs that it does not have.'
    )
    choose = "Choose the reference that the whole file was made on"
    assert error.advice == f"{choose}; to annotate the 21 other records alone, upload a file without those."


def test_the_advice_names_installed_references_that_have_the_contigs(refused: Refused, tmp_path: Path) -> None:
    for pack_id, names in {"GRCh37": [f"chr{n}" for n in range(1, 23)], "few": ["chr1"], "none": ["2L"]}.items():
        make_pack(tmp_path, dict.fromkeys(names, "ACGT" * 50), pack_id=pack_id)
    installed = installed_references(tmp_path)
    error = refused(vcf(*GENOME, SOUND[0], header=f"##fileformat=VCFv4.2\n{COLUMNS}\n"), installed=lambda: installed)
    assert "made on (GRCh37 has such contigs); to annotate the other record alone" in error.advice


def test_accessions_name_the_build_of_a_genome_that_is_not_the_chosen_one(refused: Refused) -> None:
    rows = [row.replace("chr1 ", "NC_000001.10 ") for row in GENOME[:50]]
    error = refused(vcf(*rows, SOUND[0], header=f"##fileformat=VCFv4.2\n{COLUMNS}\n"))
    assert error.message == 'This file is on GRCh37 (it has contig "NC_000001.10"); you chose rCRS.'


@pytest.mark.parametrize(("elsewhere", "here", "ends"), [(9, 1, False), (10, 1, True), (8, 0, True), (8, 1, False)])
def test_more_than_nine_in_ten_records_elsewhere_are_too_many(
    run: Annotate, refused: Refused, elsewhere: int, here: int, *, ends: bool
) -> None:
    text = vcf(*GENOME[:elsewhere], *SOUND[:here], header=f"##fileformat=VCFv4.2\n{COLUMNS}\n")
    if ends:
        assert refused(text).code == "unknown-contig"
        return
    result = run(text)
    assert (result.report.records_out, result.report.skipped) == (here, elsewhere)
    assert result.report.summary["skipped_reasons"] == {"unknown-contig": elsewhere}


def test_a_few_mismatches_are_skipped_and_many_are_not(run: Annotate) -> None:
    two_in_21 = [*SOUND[:-2], "MT 11778 . C A", "MT 11779 . A C"]
    assert run(vcf(*two_in_21)).report.skipped == 2


def test_bad_values_of_samples_are_found_by_a_second_look(run: Annotate) -> None:
    header = HEADER.replace("INFO\n", "INFO\tFORMAT\tA\tB\n").replace(
        "##contig",
        '##FORMAT=<ID=GT,Number=1,Type=String,Description="G">\n'
        '##FORMAT=<ID=DP,Number=1,Type=Integer,Description="D">\n##contig',
    )
    result = run(
        vcf(
            "MT 73 . A G . . . GT:DP 0/1:5 1/1:7",
            "MT 263 . A G . . . GT:DP 0/1:5 1/X:7",
            "MT 750 . A G . . . GT:DP 0/1:5 1/1:many",
            "MT 1438 . A G . . . GT:DP:AD 0/1:5:1,2 1/1",
            "MT 2706 . A G . . . GT:DP 0/1:5:9 1/1",
            "MT 4769 . A G . . . GT:DP 0/1:5 /1/1",
            header=header,
        )
    )
    assert [record[1] for record in result.records] == ["73", "750", "1438"]
    assert result.records[1][9:] == ["0/1:5", "1/1:."]
    assert result.repaired("Values of FORMAT/DP that are not of its type (Integer)")
    for reason in (
        'GT of sample 2 is "1/X"',
        'GT of sample 2 is "/1/1"',
        "sample 1 has 3 values where FORMAT names 2",
    ):
        assert reason in result.log


def test_the_log_adds_up(run: Annotate) -> None:
    result = run(vcf(*SOUND, "MT 73 . R G", "chr1 5 . A C", "chr1 6 . A C"))
    assert "24 records in = 21 records out + 3 skipped" in result.log
    assert "3 of 24 records were skipped" in result.log
    assert result.log.rstrip().endswith("Completed.")


def test_what_goes_past_the_bound_of_the_list_is_counted(run: Annotate, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("annotator.preflight.journal.LISTED_LINES", 5)
    result = run(vcf(*SOUND, *["MT 73 . A Y"] * 20))
    assert result.report.skipped == 20
    # Neighbours with the same reason make one entry: no bound is met.
    assert "(20 records)" in result.log
    different = [f"MT 73 . A Y{number}" for number in range(20)]
    assert "and 15 more lines of the kind bad-alt" in run(vcf(*SOUND, *different)).log
