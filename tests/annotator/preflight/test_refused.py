"""Files that cannot be annotated: each ends in one clear sentence that says what, where and what to do."""

import gzip
import os
import signal
import zipfile
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from subprocess import PIPE

import pytest

from annotator.errors import EngineError, InputError
from annotator.formats.bcftools import Tool
from annotator.preflight.reader import Reader
from annotator.preflight.sniff import sniff
from annotator.reference.pack import Reference
from annotator.run.options import Limits
from tests.support.small_vcfs import COLUMNS, HEADER, Annotate, vcf

Refused = Callable[..., InputError]

GOOD = "MT\t73\t.\tA\tG\t.\t.\t.\n"


def zipped() -> bytes:
    file = BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("calls.vcf", vcf("MT 73 . A G"))
    return file.getvalue()


NOT_VCF = {
    "png": (b"\x89PNG\r\n\x1a\n" + bytes(200), "PNG image"),
    "jpeg": (b"\xff\xd8\xff\xe0\0\x10JFIF" + bytes(50), "JPEG image"),
    "zip": (zipped(), "zip archive"),
    "pdf": (b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n", "PDF document"),
    "binary": (bytes(range(256)) * 20, "binary data"),
    "gzipped binary": (gzip.compress(bytes(range(1, 256)) * 20 + b"\0"), "binary data"),
    "gzipped fasta": (gzip.compress(b">MT\nGATCACAGG\n"), "FASTA"),
    "bam": (gzip.compress(b"BAM\x01" + bytes(40)), "BAM"),
    "fastq": (b"@read1\nACGT\n+\nIIII\n", "FASTQ"),
    "web page": (b"\n<!DOCTYPE html><html><body>404</body></html>", "web page"),
    "xz": (b"\xfd7zXZ\0\0\4", "compressed with xz"),
    "words": (b"Dear all,\nplease find attached\n", "first line"),
    "table": (b"gene,position\nMT-ND4,11778\n", "first line"),
}


@pytest.mark.parametrize(("content", "words"), NOT_VCF.values(), ids=NOT_VCF.keys())
def test_what_is_no_vcf_is_named(refused: Refused, content: bytes, words: str) -> None:
    error = refused(content)
    assert error.code == "not-a-vcf"
    assert words in error.message


@pytest.mark.parametrize("content", [b"", b"\n\n  \n", gzip.compress(b"")], ids=["nothing", "blank", "gzip of nothing"])
def test_an_empty_file(refused: Refused, content: bytes) -> None:
    assert refused(content).code == "empty-file"


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be"])
def test_utf_16(refused: Refused, encoding: str) -> None:
    assert refused(vcf("MT 73 . A G").encode(encoding)).code == "utf-16"


def test_gzip_in_gzip(refused: Refused) -> None:
    assert refused(gzip.compress(gzip.compress(vcf("MT 73 . A G").encode()))).code == "compressed-twice"


HEADERS = {
    "records alone": (GOOD, "header-missing", 1),
    "no #CHROM": ("##fileformat=VCFv4.2\n" + GOOD, "header-missing", 2),
    "only ##": ("##fileformat=VCFv4.2\n", "header-missing", 1),
    "junk for #CHROM": ("##fileformat=VCFv4.2\nchromosome position\n" + GOOD, "header-missing", 2),
    "header after records": (HEADER + GOOD + HEADER + GOOD, "header-after-records", 5),
    "second #CHROM": (HEADER + COLUMNS + "\n" + GOOD, "header-after-columns", 4),
    "spaces in #CHROM": (HEADER.replace("\t", " ") + GOOD, "spaces-for-tabs", 3),
    "no INFO column": (HEADER.replace("\tINFO", "") + GOOD, "too-few-columns", 3),
    "columns swapped": (HEADER.replace("REF\tALT", "ALT\tREF") + GOOD, "wrong-columns", 3),
    "sample without FORMAT": (HEADER.replace("INFO", "INFO\tNA12878") + GOOD, "wrong-columns", 3),
    "sample twice": (HEADER.replace("INFO", "INFO\tFORMAT\tA\tA") + GOOD, "wrong-samples", 3),
}


@pytest.mark.parametrize(("content", "code", "line"), HEADERS.values(), ids=HEADERS.keys())
def test_a_broken_header(refused: Refused, content: str, code: str, line: int) -> None:
    error = refused(content)
    assert (error.code, error.line) == (code, line)
    assert f"ine {line}" in error.message or "no line that starts with #CHROM" in error.message


RECORDS = {
    "spaces": ("MT 73 . A G . . .\n", "spaces-for-tabs", ["Line 5", "spaces"]),
    "too few": ("MT\t73\t.\tA\n", "too-few-columns", ["Line 5", "has 4", "header has 8"]),
    "too many": ("MT\t73\t.\tA\tG\t.\t.\t.\tGT\t0/1\n", "too-many-columns", ["Line 5", "has 10"]),
    "POS in words": ("MT\tseventy\t.\tA\tG\t.\t.\t.\n", "bad-position", ["Line 5", '"seventy"']),
    "POS below zero": ("MT\t-73\t.\tA\tG\t.\t.\t.\n", "bad-position", ["Line 5", '"-73"']),
    "POS as float": ("MT\t73.0\t.\tA\tG\t.\t.\t.\n", "bad-position", ["Line 5"]),
    "POS in other digits": ("MT\t٧٣\t.\tA\tG\t.\t.\t.\n", "bad-position", ["Line 5"]),
    "NUL inside": ("MT\t73\t\0\n", "not-a-vcf", ["Line 5", "binary"]),
}


@pytest.mark.parametrize(("line", "code", "words"), RECORDS.values(), ids=RECORDS.keys())
def test_a_broken_record(refused: Refused, line: str, code: str, words: list[str]) -> None:
    # Far after the first 64 KiB, which are looked at for NUL bytes before anything else.
    error = refused(HEADER + GOOD + line + GOOD) if code != "not-a-vcf" else refused(_late(line))
    assert error.code == code
    for word in words:
        assert word.replace("Line 5", f"Line {error.line}") in error.message


def _late(line: str) -> str:
    return HEADER + GOOD * 5000 + line


def test_a_ref_that_does_not_match_is_named_with_what_was_expected(refused: Refused) -> None:
    error = refused(vcf("MT 73 . A G", "chrM 11778 . C A"))
    assert (error.code, error.line) == ("reference-mismatch", 5)
    for words in ("Line 5", ":11778", '"C"', '"G"', "rCRS"):
        assert words in error.message
    assert "build" in error.advice


def test_the_build_is_named_from_the_contig_length(refused: Refused) -> None:
    header = f"##fileformat=VCFv4.2\n##contig=<ID=chrM,length=16571>\n{COLUMNS}\n"
    error = refused(vcf("chrM 11778 . C A", header=header))
    assert "hg19" in error.advice
    assert "NC_001807" in error.advice


def test_the_build_is_named_from_shifted_positions(refused: Refused, rcrs: Reference) -> None:
    # On hg19's chrM most positions are one higher than on the rCRS.
    records = []
    for pos in range(4000, 6000, 50):
        ref = rcrs.sequence.fetch("MT", pos, pos)
        records.append(f"chrM {pos + 1} . {ref} {'A' if ref != 'A' else 'C'}")
    error = refused(vcf(*records))
    assert error.code == "reference-mismatch"
    assert "hg19" in error.advice


def test_positions_counted_from_zero_are_recognised(refused: Refused, rcrs: Reference) -> None:
    records = []
    for pos in range(4000, 6000, 50):
        ref = rcrs.sequence.fetch("MT", pos, pos)
        records.append(f"chrM {pos - 1} . {ref} {'A' if ref != 'A' else 'C'}")
    assert "counts bases from 1" in refused(vcf(*records)).advice


@pytest.mark.parametrize("pos", ["16570", "99999999999999999999"])
def test_a_position_past_the_end(refused: Refused, pos: str) -> None:
    error = refused(vcf(f"chrM {pos} . A G"))
    assert error.code == "position-past-end"
    for words in ("Line 4", "chrM", "16,569"):
        assert words in error.message


def test_an_unknown_contig_names_those_that_are_known(refused: Refused) -> None:
    error = refused(vcf("20 73 . A G", "20 90 . A G"))
    assert (error.code, error.line) == ("unknown-contig", 4)
    assert '"20"' in error.message
    assert "chrM" in error.advice


def test_a_long_file_on_another_build_fails_early(refused: Refused, rcrs: Reference) -> None:
    wrong = {"A": "C", "C": "G", "G": "T", "T": "A"}
    bases = rcrs.sequence.fetch("MT", 1, 3000)
    records = [f"MT {pos} . {wrong[base]} {base}" for pos, base in enumerate(bases, 1)]
    error = refused(vcf(*records))
    assert "1,000 of 1,000 records" in error.message


@pytest.mark.parametrize("cut", [0.3, 0.6, 0.95])
@pytest.mark.parametrize("packer", ["gzip", "bgzip"])
def test_a_truncated_gzip(refused: Refused, run: Annotate, sample: bytes, packer: str, cut: float) -> None:
    packed = gzip.compress(sample)
    if packer == "bgzip":
        packed = (run(sample).folder / "annot.vcf.gz").read_bytes()
    assert refused(packed[: int(len(packed) * cut)]).code == "truncated-gzip"


def test_bgzip_cut_between_two_blocks(refused: Refused, run: Annotate, sample: bytes) -> None:
    packed = (run(sample).folder / "annot.vcf.gz").read_bytes()
    second = packed.index(b"\x1f\x8b\x08\x04", 1)
    third = packed.index(b"\x1f\x8b\x08\x04", second + 1)
    assert refused(packed[:third]).code == "truncated-gzip"


def test_damaged_gzip(refused: Refused, sample: bytes) -> None:
    packed = bytearray(gzip.compress(sample))
    packed[len(packed) // 2] ^= 0xFF
    assert refused(bytes(packed)).code in {"broken-gzip", "truncated-gzip"}


def test_truncated_bcf(refused: Refused, bcf: bytes) -> None:
    assert refused(bcf[: len(bcf) // 2]).code == "broken-bcf"


@pytest.mark.parametrize(("ended_by", "expected"), [(signal.SIGSEGV, InputError), (signal.SIGKILL, EngineError)])
def test_bcf_on_which_bcftools_crashes(
    bcf: bytes, tmp_path: Path, ended_by: signal.Signals, expected: type[Exception]
) -> None:
    """A crash is the fault of what it reads; one that was killed may have more luck later."""

    def crashing(command: str, arguments: list[str | Path], stdout: int) -> Tool:
        waiting = Tool(  # for an input that never comes
            command, ["-"], work_dir=tmp_path, memory_bytes=1024**3, cpu_seconds=60, stdin=PIPE, stdout=stdout
        )
        os.kill(waiting.process.pid, ended_by)
        return waiting

    source = tmp_path / "in.bcf"
    source.write_bytes(bcf)
    reader = Reader(
        source,
        sniff(source),
        expanded_bytes=1024**3,
        line_bytes=1024**2,
        note=lambda _: None,
        check=lambda: None,
        start_tool=crashing,
    )
    with pytest.raises(expected) as caught:
        list(reader.lines())
    assert getattr(caught.value, "code", "") in {"broken-bcf", "tool-crashed"}


def test_a_gzip_bomb_is_capped_on_what_it_expands_to(refused: Refused) -> None:
    bomb = gzip.compress(HEADER.encode() + (GOOD * 1000).encode() * 1000)
    assert len(bomb) < 150_000
    error = refused(bomb, limits=Limits(expanded_bytes=2 * 1024**2))
    assert error.code == "too-large-expanded"
    assert "2 MiB" in error.message


@pytest.mark.parametrize("where", ["header", "record", "no line end at all"])
def test_a_line_of_ten_megabytes(refused: Refused, where: str) -> None:
    long = "A" * 10 * 1024**2
    content = {
        "header": f"##fileformat=VCFv4.2\n##comment={long}\n{COLUMNS}\n{GOOD}",
        "record": HEADER + f"MT\t73\t.\tA\tG\t.\t.\tX={long}\n",
        "no line end at all": HEADER + long,
    }[where]
    error = refused(content)
    assert error.code == "line-too-long"
    assert error.line == (2 if where == "header" else 4)


def test_a_header_without_end(refused: Refused) -> None:
    bomb = b"##fileformat=VCFv4.2\n" + (b"##x=" + b"y" * 1000 + b"\n") * 40_000
    assert refused(gzip.compress(bomb)).code == "header-too-large"


def test_only_records_that_cannot_be_used(refused: Refused) -> None:
    error = refused(vcf("MT 0 . A G", "MT 73 . R G"))
    assert error.code == "position-zero"
    assert "No record can be used" in error.message


def test_an_error_survives_pickling() -> None:
    import pickle

    error = pickle.loads(pickle.dumps(InputError("a-code", "What.", "Do.", 7)))  # noqa: S301
    assert (error.code, error.message, error.advice, error.line) == ("a-code", "What.", "Do.", 7)


def test_nothing_of_an_earlier_result_is_left(rcrs: Reference, tmp_path: Path) -> None:
    from annotator.run.annotate import annotate

    source = tmp_path / "in.vcf"
    source.write_text(vcf("MT 73 . A G"))
    annotate(source, tmp_path, reference=rcrs)
    assert (tmp_path / "annot.vcf.gz").exists()
    source.write_text("no VCF")
    with pytest.raises(InputError):
        annotate(source, tmp_path, reference=rcrs)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in.vcf", "log.txt"]
