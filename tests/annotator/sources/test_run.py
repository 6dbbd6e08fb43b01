"""A whole annotation with sources, on a genome that is no mitochondrion: what result, log and summary say."""

import gzip
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pysam
import pytest

from annotator.__main__ import main
from annotator.errors import EngineError, InputError
from annotator.formats.bcftools import Tool
from annotator.reference.pack import Reference, load_reference
from annotator.run.annotate import annotate
from annotator.run.options import Report
from annotator.sources.fields import Wanted
from annotator.sources.install import retire
from annotator.sources.manifest import Source, installed_sources
from annotator.sources.presets import PRESETS
from tests.annotator.sources.genomes import (
    CLINVAR_HEADER,
    DBSNP_HEADER,
    GNOMAD_HEADER,
    genome,
    installed,
    make_genome,
    other,
    text,
)

BASES = genome()["1"]
RUN = BASES.index("GC" + "A" * 30 + "GC") + 2  # position of the C in front of 30 times A
HEADER = "##fileformat=VCFv4.2\n##contig=<ID=chr1,length=30000>\n"


def base(pos: int) -> str:
    return BASES[pos - 1]


def snv(pos: int) -> str:
    return f"{base(pos)} {other(base(pos))}"


@pytest.fixture(scope="module")
def references(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of packs with ClinVar, dbSNP, gnomAD and a table of somebody's own."""
    folder = tmp_path_factory.mktemp("packs")
    reference = make_genome(folder)
    clinvar = [
        f"1 1004 17 {snv(1004)} . . CLNSIG=Pathogenic;CLNDN=Disease_of_ALPHA,_type_1;CLNREVSTAT=practice_guideline",
        f"1 {RUN} 18 CAA C . . CLNSIG=Benign",
    ]
    dbsnp = [f"NC_000001.1 1004 rs334 {snv(1004)} . . RS=334", f"1 2000 . {snv(2000)} . . RS=2147483650"]
    two = f"{base(1004)} {other(base(1004))},{other(base(1004), 2)}"
    gnomad = [
        f"chr1 1004 . {two} . PASS AF=0.001,2e-05;AC=1,2",
        f"chr1 {RUN + 29} . AAGC GC,AAAGC . PASS AF=0.5,0.25;AC=1,2",
        f"chr1 2500 . {base(2500)}{base(2501)} {other(base(2500))}{base(2501)} . PASS AF=0.125;AC=1",
    ]
    for name, header, rows in (
        ("clinvar", CLINVAR_HEADER, clinvar),
        ("dbsnp", DBSNP_HEADER, dbsnp),
        ("gnomad", GNOMAD_HEADER, gnomad),
    ):
        preset = PRESETS[name]
        installed(folder, reference, text(header, rows), *preset.fields, name=name, title=preset.title)
    own = '##fileformat=VCFv4.2\n##INFO=<ID=S,Number=1,Type=String,Description="\u03b1-score, \\"own\\"">\n'
    content = text(own, [f"1 3000 . {snv(3000)} . . S=a"])
    installed(folder, reference, content, Wanted("S", "mine_S"))
    return folder


@pytest.fixture(scope="module")
def reference(references: Path) -> Reference:
    return load_reference("GRCh38", references)


@pytest.fixture
def sources(references: Path) -> list[Source]:
    return installed_sources(references, "GRCh38")


class Result:
    def __init__(self, folder: Path, report: Report) -> None:
        self.folder = folder
        self.report = report
        lines = gzip.decompress((folder / "annot.vcf.gz").read_bytes()).decode().splitlines()
        self.header = [line for line in lines if line.startswith("#")]
        self.records = [line.split("\t") for line in lines if not line.startswith("#")]
        self.log = (folder / "log.txt").read_text(encoding="utf-8")

    def added(self, number: int) -> dict[str, str]:
        """What sources say in a record."""
        tags = {tag for source in self.report.summary["sources"] for tag in source["tags"]}
        pairs = (entry.partition("=") for entry in self.records[number][7].split(";"))
        return {tag: value for tag, _, value in pairs if tag in tags}


@pytest.fixture
def run(reference: Reference, sources: list[Source], tmp_path: Path) -> Any:
    calls = 0

    def annotated(*rows: str, header: str = HEADER, used: list[Source] | None = None) -> Result:
        nonlocal calls
        calls += 1
        out = tmp_path / str(calls)
        out.mkdir()
        source = tmp_path / f"{calls}.vcf"
        full = [row + " . . ." if row.count(" ") == 4 else row for row in rows]
        source.write_bytes(text(header, full))
        return Result(out, annotate(source, out, reference=reference, sources=sources if used is None else used))

    return annotated


def test_every_source_says_what_it_knows_of_an_allele(run: Any) -> None:
    result = run(f"chr1 1004 . {snv(1004)}", f"chr1 2000 . {snv(2000)}", f"chr1 2100 . {snv(2100)}")
    assert result.added(0) == {
        "CLNSIG": "Pathogenic",
        "CLNDN": "Disease_of_ALPHA%2C_type_1",
        "CLNREVSTAT": "practice_guideline",
        "CLNVID": "17",
        "RS": "334",
        "gnomAD_AF": "0.001",
    }
    assert result.added(1) == {"RS": "2147483650"}
    assert result.added(2) == {}
    assert "GAS_GENE=ALPHA" in result.records[0][7]
    assert result.records[0][2] == "."  # ID is the file's own


def test_values_stand_in_the_place_of_their_allele(run: Any) -> None:
    first, second, third = (other(base(1004), step) for step in (1, 2, 3))
    result = run(f"chr1 1004 . {base(1004)} {third},<DEL>,{second},*,{first}")
    added = result.added(0)
    assert added["gnomAD_AF"] == ".,.,2e-05,.,0.001"
    assert added["CLNSIG"] == ".,.,.,.,Pathogenic"
    assert added["RS"] == ".,.,.,.,334"
    previews = [row["sources"].get("gnomAD_AF") for row in result.report.preview]
    assert previews == [None, None, "2e-05", "0.001"]  # * is no allele of the table


@pytest.mark.parametrize(
    "row",
    [
        f"chr1 {RUN} . CAA C",
        f"chr1 {RUN + 15} . AAA A",
        f"chr1 {RUN + 29} . AAG G",
        f"chr1 {RUN} . {'C' + 'A' * 30} {'C' + 'A' * 28}",
        f"chr1 {RUN + 28} . {BASES[RUN + 27 : RUN + 33]} {BASES[RUN + 29 : RUN + 33]}",
    ],
)
def test_an_indel_is_known_however_it_is_written(run: Any, row: str) -> None:
    assert run(row).added(0) == {"CLNSIG": "Benign", "CLNVID": "18", "gnomAD_AF": "0.5"}


def test_shared_bases_of_a_longer_allele_are_cut_off(run: Any) -> None:
    long = BASES[2489:2510]
    changed = long[:10] + other(long[10]) + long[11:]
    assert run(f"chr1 2490 . {long} {changed}").added(0) == {"gnomAD_AF": "0.125"}
    assert run(f"chr1 2490 . {long} {changed[:-1]}A{long[-1]}").added(0) == {}


def test_the_header_declares_every_tag_with_its_source_and_version(run: Any, sources: list[Source]) -> None:
    result = run(f"chr1 1004 . {snv(1004)}")
    expected = (
        '##INFO=<ID=CLNSIG,Number=A,Type=String,Description="ClinVar 7: Aggregate germline classification for this '
        'single variant",Source="clinvar",Version="7">'
    )
    assert expected in result.header
    assert (
        '##INFO=<ID=mine_S,Number=A,Type=String,Description="Mine 7: α-score, \\"own\\"",Source="mine",Version="7">'
        in (result.header)
    )
    with pysam.VariantFile(str(result.folder / "annot.vcf.gz")) as file:
        for source in sources:
            for field in source.fields:
                found = file.header.info[field.tag]
                assert (found.number, found.type) == ("A", field.written_type)
        (record,) = file
        assert record.info["gnomAD_AF"] == (pytest.approx(0.001),)
    for source in sources:
        fact = f"{source.title} 7 sha256:{source.checksum}"
        assert f'##gas_source_{source.name}="{fact}"' in result.header
        assert fact in result.log


def test_the_summary_and_the_log_count_what_was_known(run: Any, sources: list[Source]) -> None:
    one, two = other(base(1004)), other(base(1004), 2)
    rows = [f"chr1 1004 . {base(1004)} {one},{two}", f"chr1 1004 . {snv(1004)}", f"chr1 2500 . {snv(2500)}"]
    result = run(*rows)
    summary = json.loads((result.folder / "summary.json").read_text())
    counts = {row["name"]: (row["alleles"], row["records"]) for row in summary["sources"]}
    assert counts == {"clinvar": (2, 2), "dbsnp": (2, 2), "gnomad": (4, 3), "mine": (0, 0)}
    assert summary["sources"][0] == {
        "name": "clinvar",
        "title": "ClinVar",
        "version": "7",
        "checksum": sources[0].checksum,
        "tags": ["CLNSIG", "CLNDN", "CLNREVSTAT", "CLNVID"],
        "alleles": 2,
        "records": 2,
    }
    assert "Known to gnomAD 7: 4 alleles in 3 records" in result.log
    docs = (Path(__file__).parents[3] / "docs" / "annotation.md").read_text(encoding="utf-8")
    for key in summary["sources"][0]:
        assert f"`{key}`" in docs


def test_what_clinvar_calls_pathogenic_is_a_finding(run: Any, references: Path) -> None:
    one, two = other(base(1004)), other(base(1004), 2)
    rows = [f"chr1 1004 . {base(1004)} {two},{one}", f"chr1 1004 . {snv(1004)}", f"chr1 {RUN} . CAA C"]
    result = run(*rows)
    found = result.report.summary["findings"]
    assert (found["alleles"], found["omitted"]) == (2, 0)
    (used,) = found["used"]
    assert (used["name"], used["title"], used["version"], used["alleles"]) == ("clinvar", "ClinVar", "7", 2)
    assert {kind: count for kind, count in used["significance"].items() if count} == {"pathogenic": 2, "benign": 1}
    assert found["not_used"] == [{"name": "built-in", "title": "built-in known variants"}]
    assert found["listed"] == [
        {
            "source": "clinvar",
            "pos": 1004,
            "kind": "pathogenic",
            "contig": "1",
            "ref": base(1004),
            "alt": one,
            "change": f"g.1004{base(1004)}>{one}",
            "gene": "ALPHA",
            "consequence": "missense_variant",
            "protein": "p.Asn2His",
            "significance": "Pathogenic",
            "review": "practice guideline",
            "condition": "Disease of ALPHA, type 1",
            "id": "17",
            "link": "https://www.ncbi.nlm.nih.gov/clinvar/variation/17/",
            "count": 2,
        }
    ]
    assert [row["finding"] for row in result.report.preview] == [False, True, True, False]
    assert "Findings: 2 alleles" in result.log
    assert "Not used: built-in known variants" in result.log
    docs = (Path(__file__).parents[3] / "docs" / "annotation.md").read_text(encoding="utf-8")
    for key in [*found, *used, *found["listed"][0]]:
        assert f"`{key}`" in docs


def test_without_a_clinical_source_findings_are_not_looked_for(run: Any, sources: list[Source]) -> None:
    for used in ([], [source for source in sources if source.name == "gnomad"]):
        result = run(f"chr1 1004 . {snv(1004)}", used=used)
        found = result.report.summary["findings"]
        assert (found["alleles"], found["used"], found["listed"]) == (None, [], [])
        assert [one["name"] for one in found["not_used"]] == ["built-in", "clinvar"]
        assert "Findings: not looked for" in result.log
        assert "Not used: ClinVar" in result.log


def test_tags_that_the_file_has_already_are_replaced_and_the_log_says_so(run: Any) -> None:
    header = HEADER + '##INFO=<ID=RS,Number=1,Type=Integer,Description="mine">\n'
    rows = [f"chr1 1004 . {snv(1004)} . . RS=1;OTHER=2", f"chr1 2100 . {snv(2100)} . . CLNSIG=x;RS=3"]
    result = run(*rows, header=header)
    assert result.added(0)["RS"] == "334"
    assert "OTHER=2" in result.records[0][7]
    assert result.added(1) == {}
    assert sum(line.startswith("##INFO=<ID=RS,") for line in result.header) == 1
    sentence = "Values that the file had in INFO/RS were removed: the tag holds what dbSNP 7 says (2 times"
    for place in (result.log, *["\n".join(result.header)], "\n".join(result.report.repairs)):
        assert sentence in place
    assert "INFO/CLNSIG were removed: the tag holds what ClinVar 7 says" in result.log
    # Without the source, the file's own values stay.
    alone = run(*rows, header=header, used=[])
    assert "RS=1;OTHER=2" in alone.records[0][7]
    assert not any("INFO/RS" in repair for repair in alone.report.repairs)


def test_an_annotated_file_annotated_again_is_the_same(run: Any, tmp_path: Path) -> None:
    rows = [f"chr1 1004 . {snv(1004)}", f"chr1 {RUN} . CAA C"]
    first = run(*rows)
    lines = [line for line in first.header if line.startswith("##")]
    again = run(*(" ".join(record) for record in first.records), header="\n".join(lines) + "\n")
    assert again.records == first.records


def test_unsorted_and_many_records_are_answered_as_sorted_ones(run: Any) -> None:
    # Enough that the first have been looked up, and counted, when the unsorted one comes.
    rows = [f"chr1 {pos} . {snv(pos)}" for pos in range(100, 29_900, 4)]
    late = rows.index(f"chr1 1004 . {snv(1004)}")
    straight, mixed = run(*rows), run(*rows[:late], *rows[late + 1 :], rows[late])
    assert mixed.records == straight.records
    assert mixed.report.summary["sources"] == straight.report.summary["sources"]
    assert [row["alleles"] for row in straight.report.summary["sources"]] == [1, 2, 2, 1]


def test_the_same_file_and_sources_give_the_same_bytes(run: Any) -> None:
    rows = [f"chr1 1004 . {snv(1004)}", f"chr1 {RUN} . CAA C"]
    first, second = run(*rows), run(*rows)
    for name in ("annot.vcf.gz", "annot.vcf.gz.tbi", "summary.json", "log.txt"):
        assert (first.folder / name).read_bytes() == (second.folder / name).read_bytes(), name


def test_bcftools_finds_the_same_with_the_installed_table(run: Any, sources: list[Source], tmp_path: Path) -> None:
    """The table is a tabix file that other tools can use: their answer is an independent one."""
    rows = [f"1 1004 . {snv(1004)}", f"1 2500 . {snv(2500)}", f"1 2501 . {snv(2501)}", f"1 {RUN} . CAA C"]
    result = run(*rows, header=HEADER.replace("chr1", "1"))
    gnomad = next(source for source in sources if source.name == "gnomad")
    given, header = tmp_path / "given.vcf", tmp_path / "header.txt"
    given.write_bytes(text(HEADER.replace("chr1", "1"), [row + " . . ." for row in rows]))
    header.write_text('##INFO=<ID=gnomAD_AF,Number=A,Type=String,Description="x">\n')
    columns = "CHROM,POS,REF,ALT,gnomAD_AF"
    out = tmp_path / "out.vcf"
    arguments = ["-a", gnomad.folder / "table.tsv.gz", "-h", header, "-c", columns, "-o", out, given]
    tool = Tool("annotate", arguments, work_dir=tmp_path, memory_bytes=1024**3, cpu_seconds=60)
    assert tool.process.wait() == 0, tool.messages()
    tool.close()
    lines = [line.split("\t")[7] for line in out.read_text().splitlines() if not line.startswith("#")]
    ours = [result.added(number).get("gnomAD_AF") for number in range(4)]
    assert lines == [f"gnomAD_AF={value}" if value else "." for value in ours]
    assert ours == ["0.001", "0.125", None, "0.5"]


def test_a_source_of_another_genome_is_not_used_in_silence(
    reference: Reference, sources: list[Source], tmp_path: Path
) -> None:
    bases = {**genome(), "1": other(BASES[0]) + BASES[1:]}
    changed = make_genome(tmp_path / "other", contigs=bases)
    source = tmp_path / "in.vcf"
    source.write_bytes(text(HEADER, [f"chr1 1004 . {snv(1004)} . . ."]))
    out = tmp_path / "out"
    out.mkdir()
    with pytest.raises(EngineError, match="clinvar was made for another GRCh38"):
        annotate(source, out, reference=changed, sources=sources)
    assert [path.name for path in out.iterdir()] == ["log.txt"]


def test_two_sources_with_one_tag_are_not_used_together(
    reference: Reference, sources: list[Source], tmp_path: Path
) -> None:
    source = tmp_path / "in.vcf"
    source.write_bytes(text(HEADER, [f"chr1 1004 . {snv(1004)} . . ."]))
    with pytest.raises(EngineError, match="both write the tag"):
        annotate(source, tmp_path, reference=reference, sources=[*sources, sources[0]])


def test_a_file_that_is_refused_leaves_nothing_open(run: Any) -> None:
    with pytest.raises(InputError):
        run("chr1 100000 . A C")


@pytest.fixture
def command(references: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Any:
    """Runs python -m annotator; gives exit status, what it said, and the tags of sources that came out."""
    given = tmp_path / "given.vcf"
    given.write_bytes(text(HEADER, [f"chr1 1004 . {snv(1004)} . . ."]))

    def call(*options: str) -> tuple[int, str, set[str]]:
        out = tmp_path / "out.vcf.gz"
        out.unlink(missing_ok=True)
        arguments = [str(given), str(out), "--reference", "GRCh38", "--references-dir", str(references), *options]
        status = main(arguments)
        said = capsys.readouterr()
        lines = gzip.decompress(out.read_bytes()).decode().splitlines() if out.exists() else [""]
        known = ("CLNSIG", "RS", "gnomAD_AF")
        return status, said.out + said.err, {tag for tag in known if f"{tag}=" in lines[-1]}

    return call


def test_the_command_uses_all_sources_or_those_that_it_is_told(command: Any, references: Path) -> None:
    status, said, tags = command()
    assert (status, tags) == (0, {"CLNSIG", "RS", "gnomAD_AF"})
    assert "Known to ClinVar 7: 1" in said
    assert command("--source", "dbsnp", "--source", "clinvar")[2] == {"RS", "CLNSIG"}
    assert command("--no-sources")[2] == set()
    status, said, _ = command("--source", "cosmic")
    assert status == 2
    assert "there is no source 'cosmic' for GRCh38; installed: clinvar, dbsnp, gnomad, mine" in said
    retire(references, "GRCh38", "dbsnp")
    try:
        assert command()[2] == {"CLNSIG", "gnomAD_AF"}
    finally:
        retire(references, "GRCh38", "dbsnp", retired=False)


def test_a_source_is_not_loaded_with_the_web_or_the_cloud() -> None:
    code = """
import sys, annotator.sources.lookup, annotator.sources.install
print({'django', 'boto3', 'pysam'} & {*sys.modules})
"""
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=Path(__file__).parents[3]
    )
    assert done.stdout.strip() == "set()"
