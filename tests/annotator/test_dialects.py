"""What real callers write that is not quite VCF is read where its meaning is certain, and values stay as they are."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pysam
import pytest

from annotator.errors import InputError
from annotator.formats.tabix import LAST
from annotator.reference.pack import Reference
from annotator.run import stream
from annotator.run.options import Outputs
from annotator.tables.stats import Stats
from tests.annotator.packs import make_pack
from tests.support.small_vcfs import COLUMNS, Annotate, vcf

ONE_SAMPLE = f"{COLUMNS}\tFORMAT\tone\n"


@pytest.mark.parametrize("space", ["", " ", "  "])
def test_declarations_with_spaces_are_read(run: Annotate, space: str) -> None:
    """As HTSlib reads them."""
    lines = [
        f"##contig=<ID=chrM,{space}length{space}=16569>",
        f'##INFO=<ID=MUT,{space}Number=1,{space}Type={space}Float{space},{space}Description="One, or two">',
        f"##FORMAT=<{space}ID=GQ{space},{space}Number=1,{space}Type=Float,Description=[a,b],Source={space}>",
    ]
    header = "\n".join(["##fileformat=VCFv4.2", *lines, ONE_SAMPLE])
    result = run(vcf("chrM 263 . A G . . MUT=0.5 GQ 62.65", header=header))
    assert [line for line in result.header if line in lines] == lines
    assert result.records[0][7].startswith("MUT=0.5;")
    assert result.records[0][9] == "62.65"
    assert not [repair for repair in result.report.repairs if "declare" in repair or "left out" in repair]


def test_a_length_behind_a_space_tells_the_build(run: Annotate) -> None:
    header = f"##fileformat=VCFv4.2\n##contig=<ID=chrM, length=16571>\n{COLUMNS}\n"
    with pytest.raises(InputError) as caught:
        run(vcf("chrM 263 . A G", header=header))
    assert caught.value.code == "wrong-build"


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("a[hapUn_c:7[", "A[hapUn_c:7["),
        ("at]hapUn_c:7]", "AT]hapUn_c:7]"),
        ("]hapUn_c:7]ta", "]hapUn_c:7]TA"),
        ("[<ctg_a>:7[a", "[<ctg_a>:7[A"),
        ("acg", "ACG"),
    ],
)
def test_the_mate_of_a_breakend_keeps_its_case(run: Annotate, written: str, expected: str) -> None:
    result = run(vcf(f"chrM 263 . A {written}"))
    assert result.records[0][4] == expected
    assert result.repaired("upper case")


@pytest.mark.parametrize(
    ("values", "type_"), [(["40", "62.65"], "Float"), (["62.65", "."], "Float"), (["7", "low"], "String")]
)
@pytest.mark.parametrize("tag", ["GQ", "MQ"])
def test_undeclared_tags_of_samples_have_the_type_of_their_values(
    run: Annotate, values: list[str], type_: str, tag: str
) -> None:
    """The specification knows both as Integer; callers write decimals."""
    rows = [
        f"chrM {pos} . {ref} G . . . GT:{tag} 0/1:{value}"
        for pos, ref, value in zip((263, 750), "AA", values, strict=True)
    ]
    result = run(vcf(*rows, header=f"##fileformat=VCFv4.2\n{ONE_SAMPLE}"))
    assert [record[9] for record in result.records] == [f"0/1:{value}" for value in values]
    assert any(f"##FORMAT=<ID={tag}," in line and f"Type={type_}," in line for line in result.header)
    assert result.repaired("type of their values")


@pytest.mark.parametrize(
    ("values", "type_"), [(["40", "62.65"], "Float"), (["1", "2", "3.5,4"], "Float"), (["7", "low"], "String")]
)
def test_undeclared_tags_of_info_have_the_type_of_their_values(run: Annotate, values: list[str], type_: str) -> None:
    places = zip((263, 750, 1438), "AAA", values, strict=False)
    result = run(vcf(*(f"chrM {pos} . {ref} G . . MQ0={value}" for pos, ref, value in places)))
    assert [result.info(number)["MQ0"] for number in range(len(values))] == values
    assert any("##INFO=<ID=MQ0," in line and f"Type={type_}," in line for line in result.header)
    assert result.repaired("type of their values")


# --- Declared types


def declared(kind: str, tag: str, type_: str, number: str = "1") -> str:
    return f'##{kind}=<ID={tag},Number={number},Type={type_},Description="Type=Integer, as it says">'


def header_of(*lines: str, samples: int = 0) -> str:
    columns = COLUMNS + "".join(f"\t{name}" for name in ("FORMAT", "one", "two")[: samples and samples + 1])
    return "\n".join(["##fileformat=VCFv4.2", *lines, columns, ""])


@pytest.mark.parametrize("other", ["0", "1.5"])  # with 1.5 every value of every sample is looked at
def test_integers_of_samples_beyond_32_bits_stay_and_cost_no_record(run: Annotate, other: str) -> None:
    """HTSlib reads them as missing, with a warning."""
    values = [str(sign * size) for sign in (1, -1) for size in (2**31 - 1, 2**31, 2**32, 2**63, 10**30)] + [other]
    head = header_of(declared("FORMAT", "XX", "Integer"), samples=1)
    rows = [f"chrM {pos} . N A . . . XX {value}" for pos, value in enumerate(values, 300)]

    result = run(vcf(*rows, header=head))

    assert [record[9] for record in result.records] == values
    if other == "0":
        with pysam.VariantFile(str(result.folder / "annot.vcf.gz")) as file:
            read = [record.samples[0]["XX"] for record in file]
        assert read == [2**31 - 1, None, None, None, None, None, None, None, None, None, 0]


@pytest.mark.parametrize(
    ("type_", "values", "expected"),
    [
        ("Integer", ["23.259407", "24"], "Float"),
        ("Integer", ["24", "60.0"], "Float"),
        ("Float", ["127369.00|100800.00", "1.00|2.00"], "String"),
        ("Integer", ["1.5", "1|2"], "String"),
        ("Integer", ["nan", "-inf"], "Float"),
        ("Integer", ["1", "+2"], "Integer"),
    ],
)
@pytest.mark.parametrize("kind", ["INFO", "FORMAT"])
def test_a_declared_type_is_widened_and_the_values_stay(
    run: Annotate, kind: str, type_: str, values: list[str], expected: str
) -> None:
    line = declared(kind, "XX", type_, "A")
    head = header_of(declared("FORMAT", "GT", "String"), line, samples=1)
    tails = [f"XX={value} GT 0/1" if kind == "INFO" else f". GT:XX 0/1:{value}" for value in values]
    rows = [f"chrM {pos} . A G . . {tail}" for pos, tail in zip((263, 750), tails, strict=True)]
    result = run(vcf(*rows, header=head))
    found = [result.info(number)["XX"] for number in (0, 1)] if kind == "INFO" else None
    assert (found or [record[9].partition(":")[2] for record in result.records]) == values
    assert line.replace(f"Type={type_},", f"Type={expected},", 1) in result.header
    assert result.repaired(f"{kind}/XX was declared as {expected}") == (expected != type_)


def test_a_number_of_more_than_ten_digits_is_no_integer(run: Annotate) -> None:
    result = run(vcf("chrM 263 . A G . . XX=12345678901", header=header_of(declared("INFO", "XX", "Integer"))))
    assert result.info()["XX"] == "12345678901"
    assert result.repaired("INFO/XX was declared as Float")


@pytest.mark.parametrize("value", ["NA", "", "none"])
@pytest.mark.parametrize("kind", ["INFO", "FORMAT"])
def test_words_in_place_of_a_number_are_missing_and_the_type_stays(run: Annotate, kind: str, value: str) -> None:
    line = declared(kind, "XX", "Integer")
    tail = f"XX={value} GT 0/1" if kind == "INFO" else f". GT:XX 0/1:{value}"
    head = header_of(declared("FORMAT", "GT", "String"), line, samples=1)
    result = run(vcf(f"chrM 263 . A G . . {tail}", header=head))
    assert line in result.header
    assert (result.info()["XX"] if kind == "INFO" else result.records[0][9].partition(":")[2]) == "."
    assert result.report.repairs


@pytest.mark.parametrize("tag", ["END", "SVLEN", "CIPOS", "AC", "AN"])
def test_tags_that_programs_read_as_integers_stay_integers(run: Annotate, tag: str) -> None:
    result = run(vcf(f"chrM 263 . A G . . {tag}=300.5", header=header_of(declared("INFO", tag, "Integer"))))
    assert declared("INFO", tag, "Integer") in result.header
    assert result.info()[tag] == "."


def test_a_tag_that_is_declared_twice_is_widened_in_both_lines(run: Annotate) -> None:
    line = declared("INFO", "XX", "Integer")
    result = run(vcf("chrM 263 . A G . . XX=1.5", header=header_of(line, line)))
    assert result.header.count(line.replace("Type=Integer,Desc", "Type=Float,Desc")) == 2


# --- Statistics


@pytest.mark.parametrize(
    ("line", "info"),
    [
        (declared("INFO", "AC", "Integer", "A"), "AC=40;AN=2"),
        (declared("INFO", "AC", "Float", "A"), "AC=0.5;AN=2"),
        (declared("INFO", "AC", "String", "A"), "AC=x;AN=2"),
    ],
)
def test_counts_that_bcftools_stats_refuses_cost_nothing_else(run: Annotate, line: str, info: str) -> None:
    head = header_of(declared("FORMAT", "GT", "String"), line, declared("INFO", "AN", "Integer"), samples=1)
    result = run(
        vcf(f"chrM 263 . A G . . {info} GT 0/1", header=head),
        outputs=Outputs(stats=True, table_records=10, name="my file"),
    )
    assert result.records[0][7].startswith(info)
    text = (result.folder / "annot.stats.txt").read_text()
    assert "ID\t0\tmy file\n" in text
    assert "SN\t0\tnumber of SNPs:\t1\n" in text
    assert any("without INFO/AC and INFO/AN" in note for note in result.report.repairs)
    assert "without INFO/AC and INFO/AN" in result.log
    assert {"annot.tsv.gz", "annot.parquet"} <= {path.name for path in result.folder.iterdir()}


def test_statistics_that_bcftools_refuses_altogether_are_left_out(run: Annotate, tmp_path: Path) -> None:
    result = run(vcf("chrM 263 . A G"))
    (tmp_path / "x.vcf.gz").write_bytes((result.folder / "annot.vcf.gz").read_bytes()[:200])
    with Stats(tmp_path / "x.vcf.gz", tmp_path) as stats:
        text = stats.finish().read_text()
    assert stats.note.startswith("The statistics are left out")
    assert text == f"# {stats.note}\n"


# --- Alleles


def test_n_for_ref_fits_any_base_and_bases_are_not_predicted(run: Annotate) -> None:
    rows = ["chrM 263 . N ACGTACGT", "chrM 750 . N <DEL> . . END=900", "chrM 5000 . nN G,<INS>"]
    for order in (rows, rows[::-1]):
        result = run(vcf(*order))
        assert [record[3:5] for record in result.records] == [["N", "ACGTACGT"], ["N", "<DEL>"], ["NN", "G,<INS>"]]
        assert result.info(2)["GAS_GENE"] == "MT-ND2,MT-ND2"
        assert not any("GAS_HGVSG" in result.info(number) for number in range(3))
        told = [result.info(number).get("GAS_CSQ", "") for number in range(3)]
        assert [text.split(",")[0] for text in told] == ["", "feature_truncation", "."]
        assert result.repaired("REF has N, which fits any base")


def test_n_that_the_reference_has_is_a_base_as_others(run: Annotate) -> None:
    for rows in (["MT 3106 . CN C"], ["MT 3109 . T C", "MT 3106 . CN C"]):
        result = run(vcf(*rows))
        assert result.info()["GAS_HGVSG"] == "m.3107del"
        assert not result.repaired("REF has N")


def test_alts_that_a_slash_separates(run: Annotate) -> None:
    head = header_of(declared("FORMAT", "GT", "String"), samples=1)
    rows = ["chrM 263 a A c/T . . . GT 1/2", "chrM 750 b A A/G . . . GT 1/1", "chrM 1438 c A G . . . GT 0/1"]
    result = run(vcf(*rows, header=head))
    assert [record[2:5] for record in result.records] == [["a", "A", "C,T"], ["c", "A", "G"]]
    assert result.repaired("ALT alleles that / separates")
    assert result.report.summary["skipped_reasons"] == {"bad-alt": 1}


def test_a_contig_that_is_inserted(run: Annotate) -> None:
    result = run(vcf("chrM 5000 . A a<ctg_a>"), outputs=Outputs(stats=True, table_records=10))
    assert result.records[0][4] == "A<ctg_a>"
    assert result.info()["GAS_GENE"] == "MT-ND2"


def test_alt_that_repeats_ref_is_told(run: Annotate) -> None:
    result = run(vcf("chrM 263 . A A", "chrM 750 . A G"))
    assert [record[7] == "." for record in result.records] == [True, False]
    assert result.repaired("ALT repeats REF")


# --- Columns and packing


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        (["0/1:3", ""], ["0/1:3", "."]),
        (["", "0/1:3"], [".", "0/1:3"]),
        (["0/1:", ":3"], ["0/1:.", ".:3"]),
        (["0/1:3", "./."], ["0/1:3", "./."]),
    ],
)
def test_empty_values_of_samples_are_missing(run: Annotate, written: list[str], expected: list[str]) -> None:
    head = header_of(declared("FORMAT", "GT", "String"), declared("FORMAT", "DP", "Integer"), samples=2)
    result = run(vcf(f"chrM 263 . A G . . . GT:DP {' '.join(written)}", header=head))
    assert result.records[0][9:] == expected
    assert result.repaired("Empty values of samples") == (written != expected)


def test_records_that_end_after_info(run: Annotate) -> None:
    head = header_of(declared("FORMAT", "GT", "String"), samples=2)
    whole, bare = "chrM 263 . A G . . . GT 0/1 0/1", "chrM 750 . A G . . DP=7"
    for rows in ([whole, bare], [bare], [bare, "chrM 1438 . A G . . . GT 0/1 1/1"]):
        result = run(vcf(*rows, header=head))
        assert [record[8:] for record in result.records if record[1] == "750"] == [[".", ".", "."]]
        assert result.repaired("end after INFO")
    assert run(vcf(bare, header=f"##fileformat=VCFv4.2\n{COLUMNS}\tFORMAT\n")).report.records_out == 1


def test_a_file_that_may_be_cut_in_info_is_refused(refused: Callable[..., InputError]) -> None:
    head = header_of(declared("FORMAT", "GT", "String"), samples=2)
    text = vcf("chrM 263 . A G . . . GT 0/1 0/1", "chrM 750 . A G . . DP=7", header=head)
    assert refused(text.removesuffix("\n")).code == "too-few-columns"


@pytest.mark.parametrize(("magic", "version"), [(b"BCF\x02\x01", "2.1"), (b"BCF\x04", "1")])
def test_old_bcf_is_refused_by_its_name(refused: Callable[..., InputError], magic: bytes, version: str) -> None:
    error = refused(magic + bytes(40))
    assert error.code == "old-bcf"
    assert f"BCF {version}," in error.message


def test_a_type_that_is_widened_late_is_read_back_with_the_last_header(
    run: Annotate, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Records in front of it have been read back with the first header by then."""
    monkeypatch.setattr(stream, "BATCH", 1)
    head = header_of(declared("FORMAT", "GT", "String"), declared("FORMAT", "XX", "Integer"), samples=1)
    values = ["7", "8", "9", "62.65"]
    places = zip((263, 750, 1438, 2706), values, strict=True)
    result = run(vcf(*(f"chrM {pos} . A G . . . GT:XX 0/1:{value}" for pos, value in places), header=head))
    assert [record[9].partition(":")[2] for record in result.records] == values
    assert result.repaired("FORMAT/XX was declared as Float")


def structural_pack(folder: Path) -> Reference:
    """Three genes: AAA1 on 1:1001-1300, BBB1 on 1:3001-3300, CCC1 on 2:2001-2300."""
    rows = []
    for number, (contig, gene, start) in enumerate([("1", "AAA1", 1001), ("1", "BBB1", 3001), ("2", "CCC1", 2001)]):
        place = f"{start}\t{start + 299}\t.\t+"
        parent = f"Parent=transcript:T{number}"
        rows += [
            f"{contig}\tx\tgene\t{place}\t.\tID=gene:G{number};Name={gene};biotype=protein_coding",
            f"{contig}\tx\tmRNA\t{place}\t.\tID=transcript:T{number};Parent=gene:G{number};biotype=protein_coding",
            f"{contig}\tx\texon\t{place}\t.\t{parent}",
            f"{contig}\tx\tCDS\t{place}\t0\tID=CDS:P{number};{parent}",
        ]
    return make_pack(
        folder, {"1": "ACGT" * 1500, "2": "CATG" * 1500}, genes="\n".join(rows) + "\n", aliases={"2": ["chr2"]}
    )


STRUCTURAL = header_of(
    declared("INFO", "SVTYPE", "String"),
    declared("INFO", "SVLEN", "Integer"),
    declared("INFO", "END", "Integer"),
    declared("INFO", "CHR2", "String"),
)


def fetched(folder: Path, index: str, *region: str | int) -> list[str]:
    """Return the IDs of the records that a program finds in a region by an index."""
    with pysam.TabixFile(str(folder / "annot.vcf.gz"), index=str(folder / index)) as file:
        return [line.split("\t")[2] for line in file.fetch(*region)]


def test_the_length_of_a_structural_allele_gives_its_interval(run: Annotate, tmp_path: Path) -> None:
    """Where END is missing, SVLEN tells the length, with or without a sign."""
    records = [
        "1 900 d1 N <DEL> 60 PASS SVTYPE=DEL;SVLEN=-2500",
        "1 900 d2 N <DEL> 60 PASS SVTYPE=DEL;SVLEN=-2500;END=3400",
        "1 900 d3 N <DEL> 60 PASS SVTYPE=DEL;SVLEN=2500",
        "1 900 d4 N <INS> 60 PASS SVTYPE=INS;SVLEN=2500;END=3400",
    ]
    result = run(vcf(*records, header=STRUCTURAL), reference=structural_pack(tmp_path))
    for number in range(3):
        assert result.info(number)["GAS_GENE"] == "AAA1&BBB1"
        assert result.info(number)["GAS_CSQ"] == "transcript_ablation"
    assert "GAS_GENE" not in result.info(3)
    assert [record[7].partition(";CSQ")[0] for record in result.records] == [line.split()[7] for line in records]
    assert fetched(result.folder, "annot.vcf.gz.tbi", "1", 3350, 3351) == ["d1", "d2", "d3", "d4"]


def test_an_end_on_another_contig_is_no_interval_and_stays(run: Annotate, tmp_path: Path) -> None:
    """Callers put the mate's position into END; it may lie before POS, or past the end of the record's contig."""
    records = [
        "1 1500 a N <TRA> 60 PASS SVTYPE=TRA;CHR2=2;END=3500",
        "1 1600 b N <TRA> 60 PASS SVTYPE=TRA;CHR2=2;END=5900",
        "1 1700 c N N[2:3600[ 60 PASS SVTYPE=BND;CHR2=2;END=3600",
        "1 1800 d N <INV> 60 PASS SVTYPE=INV;CHR2=chr2;END=200",
        "1 3100 e N <BND> 60 PASS SVTYPE=BND;END=9000",
        "2 2500 f N <TRA> 60 PASS SVTYPE=TRA;CHR2=1;END=9000",
        "2 2600 g N <INV> 60 PASS SVTYPE=INV;CHR2=chr2;END=9000",
    ]
    result = run(vcf(*records, header=STRUCTURAL), reference=structural_pack(tmp_path))
    genes = [result.info(number).get("GAS_GENE", "") for number in range(len(records))]
    assert genes == ["", "", "", "", "BBB1", "", ""]
    ends = [result.info(number)["END"] for number in range(len(records))]
    assert ends == ["3500", "5900", "3600", "200", "9000", "9000", "6000"]
    assert result.info(4)["GAS_CSQ"] == "feature_truncation"
    shutil.copy(result.folder / "annot.vcf.gz", tmp_path)
    pysam.tabix_index(str(tmp_path / "annot.vcf.gz"), preset="vcf")
    for region in (("1", 1500, 1510), ("1", 3550, 3560), ("1", 1799, 1800), ("2", 2510, 2600), ("2", 5000, 5001)):
        assert fetched(result.folder, "annot.vcf.gz.tbi", *region) == fetched(tmp_path, "annot.vcf.gz.tbi", *region)


def test_an_end_that_no_index_can_hold_is_mended(run: Annotate, tmp_path: Path) -> None:
    record = "1 1500 a N <TRA> 60 PASS SVTYPE=TRA;CHR2=2;END=999999999"
    result = run(vcf(record, header=STRUCTURAL), reference=structural_pack(tmp_path))
    assert int(result.info()["END"]) <= LAST
    assert result.repaired("END past the end")
