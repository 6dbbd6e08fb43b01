"""Real files are sloppy: all of these work, with a note where something was changed."""

import gzip
from pathlib import Path

import pytest

from annotator.effects import csq_field
from annotator.reference.pack import Reference
from tests.support.small_vcfs import COLUMNS, HEADER, Annotate, vcf

BARE = f"##fileformat=VCFv4.2\n{COLUMNS}\n"


def test_no_contig_lines(run: Annotate) -> None:
    result = run(vcf("chrM 11778 . G A", header=BARE))
    assert result.info()["GAS_HGVSP"] == "MT-ND4:p.Arg340His"
    assert "##contig=<ID=chrM,length=16569,md5=c68f52674c9fb33aef52dcf399755519>" in result.header


@pytest.mark.parametrize("name", ["chrM", "M", "MT", "chrMT", "NC_012920.1", "mt"])
def test_contig_names_are_bridged_and_kept(run: Annotate, name: str) -> None:
    result = run(vcf(f"{name} 3243 . A G", header=BARE))
    assert result.records[0][0] == name
    assert result.info()["GAS_GENE"] == "MT-TL1"
    assert result.report.preview[0]["chrom"] == name


def test_two_names_of_one_contig_become_one(run: Annotate) -> None:
    result = run(vcf("chrM 73 . A G", "MT 263 . A G", "chrM 750 . A G", header=BARE))
    assert [record[0] for record in result.records] == ["chrM"] * 3
    assert result.repaired("was renamed")


@pytest.mark.parametrize("version", ["4.0", "4.1", "4.2", "4.3", "4.4", "4.5"])
def test_versions_4(run: Annotate, version: str) -> None:
    result = run(vcf("MT 73 . A G", header=HEADER.replace("4.2", version)))
    assert result.header[0] == f"##fileformat=VCFv{version}"
    assert result.report.repairs == []


def test_version_3_3(run: Annotate) -> None:
    header = (
        "##fileformat=VCFv3.3\n"
        '##INFO=NS,1,Integer,"Number of Samples With Data"\n'
        '##INFO=AF,-1,Float,"Allele Frequency"\n'
        '##FILTER=q10,"Quality below 10"\n'
        '##FORMAT=GT,1,String,"Genotype"\n' + COLUMNS + "\tFORMAT\tNA1\n"
    )
    result = run(vcf("MT 73 . A G 29 0 NS=3;AF=0.5 GT 1|0", "MT 263 . A G -1 q10 NS=2 GT 1|1", header=header))
    assert result.header[0] == "##fileformat=VCFv4.2"
    assert '##INFO=<ID=NS,Number=1,Type=Integer,Description="Number of Samples With Data">' in result.header
    assert '##INFO=<ID=AF,Number=.,Type=Float,Description="Allele Frequency">' in result.header
    assert '##FILTER=<ID=q10,Description="Quality below 10">' in result.header
    assert [record[5:7] for record in result.records] == [["29", "PASS"], [".", "q10"]]
    for words in ("The file is VCF 3.3", "form of VCF 3.x", "FILTER 0", "QUAL -1"):
        assert result.repaired(words), words


@pytest.mark.parametrize(
    ("header", "words"),
    [
        (COLUMNS + "\n", "no valid ##fileformat"),
        ("##source=x\n" + COLUMNS + "\n", "no valid ##fileformat"),
        ("##fileformat=VCF\n" + COLUMNS + "\n", "no valid ##fileformat"),
        ("##source=x\n##fileformat=VCFv4.1\n" + COLUMNS + "\n", "moved to the first place"),
        ("##fileformat=VCFv4.9\n" + COLUMNS + "\n", "newer than what was tested"),
        ("##fileformat=VCFv4.2\n\n" + COLUMNS + "\n", "Blank lines"),
        ("##fileformat=VCFv4.2\n" + COLUMNS + "\tFORMAT\n", "no sample follows"),
    ],
)
def test_sloppy_headers(run: Annotate, header: str, words: str) -> None:
    record = "MT 73 . A G . . ." + (" GT" if header.endswith("FORMAT\n") else "")
    result = run(vcf(record, header=header))
    assert result.report.records_out == 1
    assert result.header[0].startswith("##fileformat=VCFv4.")
    assert result.repaired(words)


def test_declarations_that_cannot_be_read_are_replaced(run: Annotate) -> None:
    header = HEADER.replace(
        "##contig",
        '##INFO=<ID=DP,Number=1,Type=Integer,Description="never closed>\n'
        '##INFO=<ID=MQ,Number=one,Type=Float,Description="m">\n'
        '##FILTER=<Description="no name">\n##contig',
    )
    result = run(vcf("MT 73 . A G . . DP=5;MQ=6", header=header))
    assert result.repaired("cannot be read were left out")
    assert [line for line in result.header if line.startswith("##INFO=<ID=DP,")] == [
        '##INFO=<ID=DP,Number=1,Type=Integer,Description="Not described in the annotated file">'
    ]
    assert not any("no name" in line and "FILTER" in line for line in result.header if "gas_" not in line)


def test_windows_line_ends(run: Annotate) -> None:
    result = run(vcf("MT 73 . A G", "MT 11778 . G A").replace("\n", "\r\n"))
    assert not any("\r" in column for record in result.records for column in record)
    assert not any("\r" in line for line in result.header)
    assert result.repaired("CRLF")
    assert result.info(1)["GAS_KNOWN"] == "LHON"


def test_macintosh_line_ends(run: Annotate) -> None:
    result = run(vcf("MT 73 . A G", "MT 11778 . G A").replace("\n", "\r"))
    assert result.report.records_out == 2
    assert result.repaired("Macintosh")


def test_no_line_end_at_the_end(run: Annotate) -> None:
    assert run(vcf("MT 73 . A G", "MT 263 . A G").rstrip("\n")).report.records_out == 2


def test_a_byte_order_mark(run: Annotate) -> None:
    result = run(b"\xef\xbb\xbf" + vcf("MT 73 . A G").encode())
    assert result.header[0] == "##fileformat=VCFv4.2"
    assert result.repaired("byte order mark")


def test_blank_lines(run: Annotate) -> None:
    result = run(vcf("MT 73 . A G") + "\n  \n" + "MT\t263\t.\tA\tG\t.\t.\t.\n\n")
    assert result.report.records_in == 2
    assert result.repaired("Blank lines")


def test_lower_case(run: Annotate) -> None:
    result = run(vcf("MT 11778 . g a", "MT 11790 . t c,<DEL>,g"))
    assert result.records[0][3:5] == ["G", "A"]
    assert result.records[1][3:5] == ["T", "C,<DEL>,G"]
    assert result.info()["GAS_KNOWN"] == "LHON"
    assert result.repaired("upper case")


def test_unsorted(run: Annotate) -> None:
    in_order = ["MT 73 . A G", "MT 11778 a G A", "MT 11778 b G C", "MT 16519 . T C"]
    result = run(vcf(*(in_order[place] for place in (1, 3, 2, 0))))
    assert [record[1:3] for record in result.records] == [["73", "."], ["11778", "a"], ["11778", "b"], ["16519", "."]]
    assert result.repaired("were sorted")
    assert "first seen in line 6" in result.log


def test_a_sorted_file_is_not_sorted_again(run: Annotate) -> None:
    result = run(vcf("MT 73 b A G", "MT 73 a A C", "MT 263 . A G"))
    assert [record[2] for record in result.records] == ["b", "a", "."]
    assert result.report.repairs == []


@pytest.mark.parametrize("packing", ["gzip", "gzip in pieces", "gzip padded", "bgzip", "bcf"])
def test_packings_give_the_same_records(run: Annotate, sample: bytes, bcf: bytes, packing: str) -> None:
    plain = run(sample)
    middle = sample.index(b"\n", len(sample) // 2) - 7
    content = {
        "gzip": gzip.compress(sample),
        "gzip in pieces": gzip.compress(sample[:middle]) + gzip.compress(sample[middle:]),
        "gzip padded": gzip.compress(sample) + bytes(512),
        "bgzip": (plain.folder / "annot.vcf.gz").read_bytes(),  # annotated once already, too
        "bcf": bcf,
    }[packing]
    result = run(content)
    assert [record[:5] for record in result.records] == [record[:5] for record in plain.records]
    own = ("CSQ", "GAS_GENE", "GAS_CSQ", "GAS_HGVSG", "GAS_HGVSP", "GAS_PHASED", "GAS_KNOWN")
    for number in range(0, len(plain.records), 50):
        for tag in own:
            assert result.info(number).get(tag) == plain.info(number).get(tag)
    assert result.report.summary["known"] == plain.report.summary["known"]


def test_bytes_after_the_compressed_data(run: Annotate) -> None:
    assert run(gzip.compress(vcf("MT 73 . A G").encode()) + b"junk").repaired("after the end of the compressed data")


def test_bgzip_without_its_end_block(run: Annotate) -> None:
    packed = (run(vcf("MT 73 . A G")).folder / "annot.vcf.gz").read_bytes()
    result = run(packed[:-28])
    assert result.report.records_out == 1
    assert result.repaired("end-of-file block is missing")


def test_no_records(run: Annotate) -> None:
    result = run(HEADER)
    assert (result.report.records_in, result.records) == (0, [])
    assert (result.folder / "annot.vcf.gz.tbi").exists()


def test_sites_only_and_hundreds_of_samples(run: Annotate) -> None:
    names = [f"S{number}" for number in range(300)]
    header = HEADER.replace("INFO", "INFO\tFORMAT\t" + "\t".join(names)).replace(
        "##contig", '##FORMAT=<ID=GT,Number=1,Type=String,Description="G">\n##contig'
    )
    genotypes = " ".join(["0/1", "1|1", "./.", "1"] * 75)
    sites = run(vcf("MT 11778 . G A", "MT 14484 . T C"))
    many = run(vcf(f"MT 11778 . G A . . . GT {genotypes}", f"MT 14484 . T C . . . GT {genotypes}", header=header))
    assert [record[7] for record in many.records] == [record[7] for record in sites.records]
    assert " ".join(many.records[0][9:]) == genotypes
    assert many.report.summary["samples"] == 300


def test_unphased_neighbours_are_not_taken_together(run: Annotate) -> None:
    # Both change codon 340 of MT-ND4. Nothing says that they lie on the same molecule.
    header = HEADER.replace("INFO", "INFO\tFORMAT\tS").replace(
        "##contig", '##FORMAT=<ID=GT,Number=1,Type=String,Description="G">\n##contig'
    )
    result = run(vcf("MT 11777 . C A . . . GT 0/1", "MT 11778 . G A . . . GT 0/1", header=header))
    assert result.info(0)["GAS_HGVSP"] == "MT-ND4:p.Arg340Ser"
    assert result.info(1)["GAS_HGVSP"] == "MT-ND4:p.Arg340His"


def test_undeclared_tags_are_declared(run: Annotate) -> None:
    header = HEADER.replace("INFO", "INFO\tFORMAT\tS")
    result = run(vcf("MT 73 . A G 5 q9;s50 DP=5;FOO=x;BAR GT:DP:ZZ 0/1:3:a", header=header))
    for line in (
        '##INFO=<ID=DP,Number=1,Type=Integer,Description="Not described in the annotated file">',
        '##INFO=<ID=FOO,Number=.,Type=String,Description="Not described in the annotated file">',
        '##INFO=<ID=BAR,Number=0,Type=Flag,Description="Not described in the annotated file">',
        '##FORMAT=<ID=GT,Number=1,Type=String,Description="Not described in the annotated file">',
        '##FORMAT=<ID=ZZ,Number=.,Type=String,Description="Not described in the annotated file">',
        '##FILTER=<ID=q9,Description="Not described in the annotated file">',
        '##FILTER=<ID=s50,Description="Not described in the annotated file">',
    ):
        assert line in result.header
    assert result.repaired("INFO tags that the header does not declare")
    assert result.repaired("FORMAT tags that the header does not declare")
    assert result.repaired("Filters that the header does not declare")
    assert result.records[0][8:] == ["GT:DP:ZZ", "0/1:3:a"]


def test_values_of_the_wrong_type(run: Annotate) -> None:
    header = HEADER.replace(
        "##contig",
        '##INFO=<ID=DP,Number=1,Type=Integer,Description="d">\n##INFO=<ID=AF,Number=A,Type=Float,Description="f">\n'
        "##contig",
    )
    result = run(vcf("MT 73 . A G,C high . DP=ten;AF=0.5,half", "MT 263 . A G 9 . DP=3", header=header))
    assert result.info()["DP"] == "."
    assert result.info()["AF"] == "0.5,."
    assert result.records[0][5] == "."
    assert result.info(1)["DP"] == "3"
    for words in ("INFO/DP that are not of its type", "INFO/AF that are not of its type", "QUAL that is not a number"):
        assert result.repaired(words)
    assert 'line 5: INFO/DP is "ten"' in result.log.replace("line 6", "line 5")


def test_an_end_past_the_contig_does_not_break_the_index(run: Annotate) -> None:
    result = run(vcf("MT 73 . A <DEL> . . END=999999999"))
    assert result.info()["END"] == "16569"
    assert result.repaired("END past the end")


ALLELES = {
    "star": ("MT 4500 . T *", [""]),
    "no allele": ("MT 73 . A .", [""]),
    "gVCF block": ("MT 73 . A <NON_REF> . . END=200", [""]),
    "gVCF with allele": ("MT 11778 . G A,<NON_REF>", ["MT-ND4", ""]),
    "any allele": ("MT 73 . A <*>", [""]),
    "deletion over genes": ("MT 4329 . C <DEL> . . END=4480", ["MT-TI&MT-TQ&MT-TM&MT-ND2"]),
    "breakend": ("MT 5000 . A A]MT:6000]", ["MT-ND2"]),
    "breakend, other side": ("MT 5000 . A [MT:6000[A", ["MT-ND2"]),
    "single breakend": ("MT 5000 . A A.", ["MT-ND2"]),
    "unknown bases": ("MT 5000 . A N", ["MT-ND2"]),
    "same as REF": ("MT 5000 . A A", [""]),
    "mixed": ("MT 11778 . G A,*,<DEL>,C", ["MT-ND4", "", "MT-ND4", "MT-ND4"]),
}


@pytest.mark.parametrize(("record", "genes"), ALLELES.values(), ids=ALLELES.keys())
def test_alleles_of_every_kind(run: Annotate, record: str, genes: list[str]) -> None:
    declared = HEADER.replace("##contig", '##INFO=<ID=END,Number=1,Type=Integer,Description="e">\n##contig')
    result = run(vcf(record, header=declared))
    assert result.records[0][:5] == record.split(" ")[:5]
    if any(genes):
        assert result.info()["GAS_GENE"].split(",") == [gene or "." for gene in genes]
    else:
        assert "GAS_GENE" not in result.info()
    assert bool(result.report.repairs) == (record == "MT 5000 . A A")


def test_a_known_allele_among_others_keeps_its_place(run: Annotate) -> None:
    result = run(vcf("MT 11778 . G C,<DEL>,A"))
    assert result.info()["GAS_KNOWN"] == ".,.,LHON"
    assert result.info()["GAS_CSQ"] == "missense_variant,frameshift_variant,missense_variant"
    assert result.info()["GAS_HGVSP"] == "MT-ND4:p.Arg340Pro,.,MT-ND4:p.Arg340His"


def test_an_earlier_annotation_is_replaced(run: Annotate) -> None:
    header = HEADER.replace(
        "##contig",
        f'{csq_field.DEFINITION}\n##INFO=<ID=GAS_GENE,Number=1,Type=String,Description="old">\n'
        '##gas_job="old"\n##contig',
    )
    result = run(vcf("MT 11778 . G A . . CSQ=old|entry;GAS_GENE=OLD", header=header))
    assert result.info()["CSQ"].startswith("A|missense_variant|MODERATE|MT-ND4|")
    assert result.info()["GAS_GENE"] == "MT-ND4"
    assert "ORIGINAL_CSQ" not in result.info()
    assert not any("old" in line and "repair" not in line for line in result.header)
    assert sum("ID=CSQ," in line for line in result.header) == 1
    assert result.repaired("earlier annotation")


def test_annotations_of_other_programs_are_kept_under_another_name(run: Annotate) -> None:
    header = HEADER.replace(
        "##contig",
        '##INFO=<ID=CSQ,Number=.,Type=String,Description="From Ensembl VEP. Format: Allele|X">\n'
        '##INFO=<ID=ANN,Number=.,Type=String,Description="Functional annotations">\n##contig',
    )
    result = run(vcf("MT 73 . A G . . CSQ=A|x,A|y;DP=3;ANN=A|z", "MT 11778 . G A . . BCSQ=w", header=header))
    kept = result.info()
    assert (kept["ORIGINAL_CSQ"], kept["ORIGINAL_ANN"], kept["DP"]) == ("A|x,A|y", "A|z", "3")
    assert kept["CSQ"].startswith("G|upstream_gene_variant|")
    assert result.info(1)["ORIGINAL_BCSQ"] == "w"  # which the header does not declare
    for tag, words in (("CSQ", "Ensembl VEP. Format"), ("ANN", "Functional"), ("BCSQ", "Not described")):
        assert sum(f"ID=ORIGINAL_{tag}," in line and words in line for line in result.header) == 1
    assert result.repaired("INFO/CSQ of another annotator was kept as INFO/ORIGINAL_CSQ")


def test_annotating_twice_gives_the_same_records(run: Annotate, sample: bytes, tmp_path: Path) -> None:
    once = run(sample)
    twice = run((once.folder / "annot.vcf.gz").read_bytes())
    assert twice.records == once.records


def test_text_in_other_alphabets_comes_back_unchanged(run: Annotate, rcrs: Reference) -> None:
    header = HEADER.replace("##contig", '##INFO=<ID=N,Number=1,Type=String,Description="Größe 大小">\n##contig')
    result = run(vcf("MT 73 naïve A G . . N=Åse", header=header))
    assert '##INFO=<ID=N,Number=1,Type=String,Description="Größe 大小">' in result.header
    assert result.records[0][2] == "naïve"
    assert result.info()["N"] == "Åse"
    assert result.report.preview[0]["id"] == "naïve"
