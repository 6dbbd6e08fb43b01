"""The command line: exit 0 and a short report, or exit 2 and one clear sentence."""

import gzip
import re
import subprocess
import sys
from pathlib import Path

import pytest

from annotator.__main__ import main
from tests.support.small_vcfs import vcf

ROOT = Path(__file__).parents[2]


def test_it_runs_as_a_module(tmp_path: Path) -> None:
    source, target = tmp_path / "in.vcf", tmp_path / "out.vcf.gz"
    source.write_text(vcf("chrM 11778 . G A", "chrM 3243 . A G"))  # unsorted, which is noted
    done = subprocess.run(
        [sys.executable, "-m", "annotator", str(source), str(target), "--reference", "rCRS"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert "2 records in, 2 out, 0 skipped" in done.stdout
    assert "m.11778G>A MT-ND4 p.Arg340His: LHON, Leber" in done.stdout
    assert "were sorted" in done.stdout
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "in.vcf", "out.vcf.gz", "out.vcf.gz.log.txt", "out.vcf.gz.tbi",
    ]  # fmt: skip


def test_tables_are_written_when_they_are_asked_for(tmp_path: Path) -> None:
    source, target = tmp_path / "in.vcf", tmp_path / "out.vcf.gz"
    source.write_text(vcf("chrM 3243 . A G", "chrM 11778 . G A"))
    assert main([str(source), str(target), "--tables"]) == 0
    rows = gzip.decompress((tmp_path / "out.tsv.gz").read_bytes()).decode().splitlines()
    assert [row.split("\t")[1] for row in rows] == ["POS", "3243", "11778"]
    assert b"##gas_predicted" not in gzip.decompress(target.read_bytes())
    assert (tmp_path / "out.parquet").read_bytes().startswith(b"PAR1")
    stats = (tmp_path / "out.stats.txt").read_text()
    assert "number of records:\t2" in stats
    # A report of several files tells them apart by this name.
    assert "\nID\t0\tin.vcf\n" in stats


def test_descriptions_of_proteins_stand_in_parentheses_when_they_are_asked_for(tmp_path: Path) -> None:
    source, target = tmp_path / "in.vcf", tmp_path / "out.vcf.gz"
    header = vcf().replace("INFO\n", "INFO\tFORMAT\tS\n")
    source.write_text(f"{header}chrM\t3860\t.\tG\tA\t.\t.\t.\tGT\t1/1\nchrM\t3862\t.\tT\tC\t.\t.\t.\tGT\t1/1\n")
    assert main([str(source), str(target), "--predicted"]) == 0
    *header_lines, first, second = gzip.decompress(target.read_bytes()).decode().splitlines()
    assert '##gas_predicted="HGVS p. in parentheses, such as p.(Gln5Ter)"' in header_lines
    log = (tmp_path / "out.vcf.gz.log.txt").read_text()
    assert re.search(r"^Predicted +HGVS p\. in parentheses, such as p\.\(Gln5Ter\)$", log, re.MULTILINE)
    together = "GAS_PHASED=stop_gained|MT-ND1:p.(Trp185Ter)|"
    for record, protein in ((first, "p.(Trp185Ter)"), (second, "p.(Phe186Leu)")):
        assert f"|MT-ND1:{protein}|" in record
        assert f";GAS_HGVSP=MT-ND1:{protein};" in record
        assert together in record


def test_it_needs_no_web_framework_and_no_cloud_client() -> None:
    code = (
        "import sys\n"
        "import annotator.__main__, annotator.reference.sample_file, annotator.run.annotate\n"
        "heavy = {'django', 'boto3', 'celery', 'gas', 'pysam', 'polars', 'numba', 'numpy'}\n"
        "print([name for name in sys.modules if name.split('.')[0] in heavy])\n"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_a_bad_file_is_one_sentence_and_exit_2(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source, target = tmp_path / "in.vcf", tmp_path / "out.vcf.gz"
    source.write_bytes(b"\x89PNG\r\n\x1a\n")
    assert main([str(source), str(target)]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("The file is a PNG image, not a VCF.")
    assert captured.err.count("\n") == 1
    assert not target.exists()
    assert "PNG" in (tmp_path / "out.vcf.gz.log.txt").read_text()


def test_an_older_result_stays_when_a_new_run_fails(tmp_path: Path) -> None:
    source, target = tmp_path / "in.vcf", tmp_path / "out.vcf.gz"
    target.write_bytes(b"older")
    source.write_text("no VCF")
    assert main([str(source), str(target)]) == 2
    assert target.read_bytes() == b"older"


def test_a_missing_file_and_an_unknown_reference(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(tmp_path / "none.vcf"), str(tmp_path / "out")]) == 2
    assert "is not a file" in capsys.readouterr().err
    source = tmp_path / "in.vcf"
    source.write_text(vcf("MT 73 . A G"))
    assert main([str(source), str(tmp_path / "out"), "--reference", "hg99"]) == 2
    assert "hg99" in capsys.readouterr().err


def test_it_lists_its_references(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["--list"])
    assert caught.value.code == 0
    assert "rCRS: Human mitochondrial genome" in capsys.readouterr().out
