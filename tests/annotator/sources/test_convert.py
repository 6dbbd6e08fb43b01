"""From the files of databases to a table: what is kept, under which name, what is dropped, and what is refused."""

import random
import subprocess
import sys
from pathlib import Path

import pytest

from annotator.formats.bcftools import Tool
from annotator.install.checksums import of_file
from annotator.reference.pack import Reference
from annotator.sources.convert import Converted, convert
from annotator.sources.errors import SourceError
from annotator.sources.fields import Wanted, check_tags, parse_fields
from annotator.sources.presets import PRESETS
from annotator.sources.table import BLOCKS, TABLE, Table
from tests.annotator.sources.genomes import (
    CLINVAR_HEADER,
    DBSNP_HEADER,
    GNOMAD_HEADER,
    genome,
    make_genome,
    other,
    packed,
    text,
)

BASES = genome()["1"]
X = '##fileformat=VCFv4.2\n##INFO=<ID=X,Number=.,Type=String,Description="x">\n'


@pytest.fixture(scope="module")
def reference(tmp_path_factory: pytest.TempPathFactory) -> Reference:
    return make_genome(tmp_path_factory.mktemp("packs"))


@pytest.fixture
def make(reference: Reference, tmp_path: Path) -> "Make":
    return Make(reference, tmp_path)


class Make:
    """Converts VCF text; every call gets a folder of its own."""

    def __init__(self, reference: Reference, folder: Path) -> None:
        self._reference = reference
        self._folder = folder
        self._calls = 0
        self.table = folder

    def __call__(
        self, *contents: bytes, fields: tuple[Wanted, ...] = (Wanted("X", "X"),)
    ) -> tuple[Converted, list[str]]:
        self._calls += 1
        base = self._folder / str(self._calls)
        self.table, work = base / "table", base / "work"
        self.table.mkdir(parents=True)
        work.mkdir()
        files = [packed(base / f"{number}.vcf.gz", content) for number, content in enumerate(contents)]
        done = convert(files, self.table, work, reference=self._reference, wanted=fields)
        with Table(self.table, done.sections) as table:
            return done, [line.decode().rstrip("\n").replace("\t", " ") for _, _, line in table.rows()]


def snv(pos: int, info: str, contig: str = "1", id_: str = ".") -> str:
    base = genome()[contig][pos - 1]
    return f"{contig} {pos} {id_} {base} {other(base)} . . {info}"


def test_clinvar(make: Make) -> None:
    rows = [
        snv(100, "ALLELEID=1;CLNDN=Charcot-Marie-Tooth_disease,_type_2A2|not_provided;CLNSIG=Pathogenic", id_="7091"),
        snv(200, "ALLELEID=2;CLNREVSTAT=criteria_provided,_single_submitter;CLNSIGX=1", id_="12"),
        f"1 300 13 {BASES[299]} . . . ALLELEID=3;CLNSIG=Benign",
    ]
    done, lines = make(text(CLINVAR_HEADER, rows), fields=PRESETS["clinvar"].fields)
    a, b = BASES[99], BASES[199]
    assert lines == [
        f"1 100 {a} {other(a)} Pathogenic Charcot-Marie-Tooth_disease%2C_type_2A2|not_provided . 7091",
        f"1 200 {b} {other(b)} . . criteria_provided%2C_single_submitter 12",
    ]
    assert [field.tag for field in done.fields] == ["CLNSIG", "CLNDN", "CLNREVSTAT", "CLNVID"]
    assert done.fields[0].description == "Aggregate germline classification for this single variant"
    assert done.facts == [{"fileDate": "2026-11-15", "source": "ClinVar", "reference": "GRCh38"}]
    assert (done.read, done.rows, dict(done.dropped)) == (3, 2, {"no-sequence": 1})


def test_dbsnp_and_its_names_of_contigs(make: Make) -> None:
    row = snv(100, "RS=334;COMMON;FREQ=1000Genomes:0.9,0.1").replace("1 ", "NC_000001.1 ", 1)
    extra = (Wanted("COMMON", "dbSNP_COMMON"), Wanted("FREQ", "dbSNP_FREQ"))
    done, lines = make(text(DBSNP_HEADER, [row]), fields=(*PRESETS["dbsnp"].fields, *extra))
    assert lines == [f"1 100 {BASES[99]} {other(BASES[99])} 334 1 1000Genomes:0.9%2C0.1"]
    assert [field.written_type for field in done.fields] == ["String", "Integer", "String"]


def test_gnomad_splits_values_by_allele(make: Make) -> None:
    ref, one, two = BASES[99], other(BASES[99]), other(BASES[99], 2)
    rows = [f"chr1 100 rs1 {ref} {one},{two},{ref}A 5 PASS AC=1,2,3;AN=100;AF=0.01,2e-06,.;grpmax=afr,.,nfe"]
    fields = (*PRESETS["gnomad"].fields, Wanted("grpmax", "gnomAD_grpmax"), Wanted("AN", "gnomAD_AN"))
    done, lines = make(text(GNOMAD_HEADER, rows), fields=fields)
    assert sorted(lines)[:3] == sorted(lines)
    values = {line.split()[3]: line.split()[4:] for line in lines}
    assert values[one] == ["0.01", "afr", "100"]
    assert values[two] == ["2e-06", ".", "100"]
    assert [".", "nfe", "100"] in values.values()
    assert [field.written_type for field in done.fields] == ["Float", "String", "Integer"]


def test_a_declaration_may_have_more_in_it_and_in_any_order(make: Make) -> None:
    line = '##INFO=<ID=X,Number=1,Type=Float,Source="a,b",Version="3",Description="a \\"b\\", c=d\u00e9">\n'
    done, lines = make(text("##fileformat=VCFv4.2\n" + line, [snv(100, "X=1e-3\r")]))
    assert lines[0].endswith(" 1e-3")
    assert (done.fields[0].description, done.fields[0].written_type) == ('a "b", c=d\u00e9', "Float")


def test_bcf_is_read_too(make: Make, reference: Reference, tmp_path: Path) -> None:
    header = X.replace("##INFO", "##contig=<ID=1,length=30000>\n##INFO")
    rows = [snv(pos, f"X=v{pos}") for pos in range(100, 200, 10)]
    _, expected = make(text(header, rows))
    (tmp_path / "a.vcf").write_bytes(text(header, rows))
    arguments = ["-Ob", "-o", tmp_path / "a.bcf", tmp_path / "a.vcf"]
    tool = Tool("view", arguments, work_dir=tmp_path, memory_bytes=1024**3, cpu_seconds=60)
    assert tool.process.wait() == 0
    tool.close()
    done = convert([tmp_path / "a.bcf"], tmp_path, tmp_path, reference=reference, wanted=[Wanted("X", "X")])
    with Table(tmp_path, done.sections) as table:
        assert [line.decode().rstrip("\n").replace("\t", " ") for _, _, line in table.rows()] == expected


def test_values_of_number_r_leave_out_the_reference(make: Make) -> None:
    header = '##fileformat=VCFv4.2\n##INFO=<ID=F,Number=R,Type=Float,Description="f">\n'
    row = f"1 100 . {BASES[99]} {other(BASES[99])},{other(BASES[99], 2)} . . F=0.7,0.2,0.1"
    _, lines = make(text(header, [row]), fields=(Wanted("F", "F"),))
    assert {line.split()[3]: line.split()[4] for line in lines} == {other(BASES[99]): "0.2", other(BASES[99], 2): "0.1"}


def test_what_cannot_be_used_is_dropped_and_counted(make: Make) -> None:
    wrong = f"1 600 . {other(BASES[599])} {BASES[599]} . . X=a"
    rows = [
        *(snv(pos, "X=a") for pos in range(100, 160)),
        snv(400, "Y=a"),
        snv(401, "X=."),
        f"1 500 . {BASES[499]} <DEL>,*,N . . X=a",
        "1 510 . N A . . X=a",
        wrong,
        snv(700, "X=a").replace("1 ", "chrUn_1 ", 1),
        "1 99999 . A C . . X=a",
        f"1 800 . {BASES[799]} {BASES[799]}{'A' * 61_000} . . X=a",
    ]
    done, lines = make(text(X, rows))
    assert len(lines) == done.rows == 60
    assert dict(done.dropped) == {
        "no-value": 2,
        "no-sequence": 3,
        "ambiguous-reference": 1,
        "reference-mismatch": 2,
        "unknown-contig": 1,
        "too-long": 1,
    }
    assert done.read == 60 + done.dropped.total() - 2  # the record with three alleles is one


def test_one_allele_that_comes_twice_becomes_one_row(make: Make) -> None:
    # The same deletion in a run of A, by both its ends, and again unchanged.
    start = BASES.index("GC" + "A" * 30 + "GC") + 2
    left = f"1 {start} . {BASES[start - 1 : start + 1]} {BASES[start - 1]} . . X=left;N=1"
    right = f"1 {start + 29} . {BASES[start + 28 : start + 30]} A . . X=right;N=2"
    header = X + '##INFO=<ID=N,Number=1,Type=Float,Description="n">\n'
    done, lines = make(text(header, [left, right, right]), fields=(Wanted("X", "X"), Wanted("N", "N")))
    assert lines == [f"1 {start} CA C left&right 1"]
    assert (done.rows, done.repeated) == (1, 2)


def test_the_order_of_a_source_changes_nothing(make: Make) -> None:
    dice = random.Random(9)  # noqa: S311
    rows = [snv(pos, f"X=v{pos}", contig) for contig in ("1", "2") for pos in range(10, 4900, 9)]
    sorted_, lines = make(text(X, rows))
    first = of_file(make.table / TABLE, "sha256"), of_file(make.table / BLOCKS, "sha256")
    assert len(lines) == len(rows)
    by_contig = rows[:]
    dice.shuffle(by_contig)
    # The contigs keep the order in which they are seen first, so that is kept.
    by_contig.sort(key=lambda row: row != rows[0])
    shuffled, lines_again = make(text(X, by_contig))
    assert lines_again == lines
    assert (of_file(make.table / TABLE, "sha256"), of_file(make.table / BLOCKS, "sha256")) == first
    assert shuffled.sections == sorted_.sections


def test_stragglers_beyond_memory_go_through_the_disk(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    from annotator.formats import external_sort

    monkeypatch.setattr(external_sort, "RUN_BYTES", 2000)
    monkeypatch.setattr(external_sort, "MOST_RUNS", 4)
    rows = [snv(pos, f"X=v{pos}") for pos in range(29_000, 10, -90)]
    _, lines = make(text(X, rows))
    positions = [int(line.split()[1]) for line in lines]
    assert positions == sorted(positions)
    assert len(positions) == len(rows)


def test_files_by_chromosome_become_one_table(make: Make) -> None:
    done, lines = make(text(X, [snv(50, "X=b", "2")]), text(X, [snv(50, "X=a")]))
    assert [line.split()[0] for line in lines] == ["2", "1"]
    assert len(done.facts) == 2


def refused(make: Make, *contents: bytes, fields: tuple[Wanted, ...] = (Wanted("X", "X"),)) -> SourceError:
    with pytest.raises(SourceError) as caught:
        make(*contents, fields=fields)
    assert caught.value.message.endswith(".")
    assert "\n" not in caught.value.message
    return caught.value


def test_a_source_on_another_build_is_refused(make: Make) -> None:
    shifted = [f"1 {pos} . {BASES[pos]} {other(BASES[pos])} . . X=a" for pos in range(100, 6000, 3)]
    error = refused(make, text(X, shifted))
    assert error.code == "other-build"
    assert "is not on GRCh38" in error.message
    assert "of the first 1,0" in error.message  # seen early, and not at the end of a billion records
    wrong = [f"1 {pos} . {other(BASES[pos - 1])} {BASES[pos - 1]} . . X=a" for pos in (200, 300)]
    few = [snv(pos, "X=a") for pos in range(100, 120)] + wrong
    assert refused(make, text(X, few)).code == "other-build"
    error = refused(make, text(X, ["chrZ 5 . A C . . X=a", "chrY 5 . A C . . X=a"]))
    assert "None of the source's contigs (chrY, chrZ …) is part of GRCh38." in error.message


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"hello\n", "not a VCF"),
        (b"", "cannot be read"),
        (X.encode(), "no line that starts with #CHROM"),
        (text(X, []), "no records"),
        (text(X, ["1 5 . A"]), "record 1 is not one of a VCF"),
        (text(X, ["1 five . A C . . X=a"]), "record 1 is not one of a VCF"),
        (text(CLINVAR_HEADER, [snv(5, "CLNSIG=a")]), "no INFO field X. Those that it has: AF_EXAC, ALLELEID, CLNDN"),
        (text(X.replace("Number=.", "Number=G"), [snv(5, "X=1,2,3")]), "per genotype"),
    ],
)
def test_what_is_no_such_source_is_refused(make: Make, content: bytes, words: str) -> None:
    assert words in refused(make, content).message


@pytest.mark.parametrize("kept", [0.4, 0.9, -28])
def test_a_source_that_was_cut_short_is_refused(make: Make, reference: Reference, tmp_path: Path, kept: float) -> None:
    """-28: at the end of the last block, where only the end mark of bgzip is missing."""
    whole = packed(tmp_path / "whole.vcf.gz", text(X, [snv(pos, f"X=v{pos * 7919}") for pos in range(10, 29_000)]))
    size = whole.stat().st_size
    with whole.open("r+b") as file:
        file.truncate(size + int(kept) if kept < 0 else int(size * kept))
    with pytest.raises(SourceError) as caught:
        convert([whole], tmp_path, tmp_path, reference=reference, wanted=[Wanted("X", "X")])
    assert caught.value.code == "unreadable"
    assert "whole.vcf.gz cannot be read" in caught.value.message


def test_names_of_tags() -> None:
    assert [one.tag for one in parse_fields("AF,mine_SCORE, AC:count", "mine")] == ["mine_AF", "mine_SCORE", "count"]
    known = PRESETS["clinvar"].fields
    assert [one.tag for one in parse_fields("CLNSIG,GENEINFO", "ClinVar", known)] == ["CLNSIG", "ClinVar_GENEINFO"]
    own = "X:CSQ", "X:ANN", "X:ORIGINAL_CSQ", "X:GAS_KNOWN"
    for text_ in (*own, "X:AF", "X:DP", "X:A,Y:A", "X:1A", "X:A-B", "X:END"):
        with pytest.raises(SourceError):
            check_tags(parse_fields(text_, "mine"))
    with pytest.raises(SourceError):
        parse_fields("A,,B", "mine")


_MEASURE = """
import resource, sys
from pathlib import Path
from annotator.reference.pack import load_reference
from annotator.sources.convert import convert
from annotator.sources.fields import Wanted
folder = Path(sys.argv[1])
for name in ("table", "work"):
    (folder / name).mkdir()
done = convert([folder / "big.vcf"], folder / "table", folder / "work",
               reference=load_reference("GRCh38", folder), wanted=[Wanted("X", "X")])
print(done.rows, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024)
"""


def test_memory_does_not_grow_with_the_source(tmp_path: Path) -> None:
    measured = []
    for count in (20_000, 200_000):
        folder = tmp_path / str(count)
        dice = random.Random(count)  # noqa: S311
        bases = "".join(dice.choices("ACGT", k=100_000))
        make_genome(folder, contigs={"1": bases})
        with (folder / "big.vcf").open("w") as file:
            file.write(X + "#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\n")
            for number in range(count):
                pos = 1 + number * 90_000 // count
                alt = bases[pos - 1] + format(number, "b").replace("0", "C").replace("1", "G")
                file.write(f"1\t{pos}\t.\t{bases[pos - 1]}\t{alt}\t.\t.\tX=value{number};Y={'y' * 100}\n")
        done = subprocess.run(
            [sys.executable, "-c", _MEASURE, str(folder)],
            capture_output=True,
            text=True,
            check=True,
            cwd=Path(__file__).parents[3],
        )
        rows, megabytes = map(int, done.stdout.split())
        assert rows > 0.99 * count
        measured.append(megabytes)
    small, large = measured
    assert large < small + 16, f"{small} MB for a tenth, {large} MB for the whole"
