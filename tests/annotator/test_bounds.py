"""Whatever a file is like, what is stored of it to be shown is bounded: summary, preview, log, header lines, error."""

import gzip
import json
import pickle
from collections.abc import Callable
from pathlib import Path
from unicodedata import category

import pytest

from annotator import bounds
from annotator.errors import InputError
from annotator.reference.pack import Reference
from annotator.run.annotate import annotate
from annotator.run.options import Limits, Report
from tests.support import attacks
from tests.support.attacks import SOUND, record, vcf

LOG_BYTES = 2 * bounds.LISTED_BYTES + 512 * 1024
HEADER_BYTES = 64 * 1024  # of the ##gas_ lines


def _samples() -> str:
    columns = attacks.COLUMNS.removesuffix("\n") + "\tFORMAT"
    names = "".join(f"\tsample-{number}" for number in range(100_000))
    return f"{attacks.VERSION}{columns}{names}\n{SOUND.removesuffix(chr(10))}\tGT" + "\t0/1" * 100_000 + "\n"


def _long_texts() -> str:
    """The longest that each column of many records may be."""
    long, filters = "x" * 50_000, ";".join(f"f{number}" for number in range(2000))
    base = attacks.mitochondrion()[262]
    return vcf("".join(f"chrM\t263\t{long}\t{base}\t{base}{'ACGT' * 5000}\t50\t{filters}\t.\n" for _ in range(150)))


WORST: dict[str, Callable[[], str]] = {
    "repairs-many": attacks.many_repairs,
    "alts-long": lambda: attacks.long_alts(800_000),
    "contigs-many": lambda: attacks.many_contigs(30_000),
    "skipped-many": lambda: attacks.many_skipped(30_000),
    "contigs-declared": lambda: vcf(meta="".join(f"##contig=<ID=un{n},length=5>\n" for n in range(100_000))),
    "skipped-differently": lambda: vcf(
        SOUND * 2000 + "".join(f"chrM\t263\t.\tA\tY{n:040}\t50\tPASS\t.\n" for n in range(40_000))
    ),
    "samples-many": _samples,
    "sample-name-long": attacks.long_sample_name,
    "tag-name-long": attacks.long_tag_name,
    "info-long": lambda: vcf(record(info="X=" + "y" * 5_000_000)),
    "texts-long": _long_texts,
    "source-line-long": lambda: vcf(meta=f"##source={'s' * 1_000_000}\n##reference={'r' * 1_000_000}\n"),
    "tags-undeclared": lambda: vcf(record(info=";".join(f"U{n}{'u' * 700}=x" for n in range(9000)))),
    "column-name-long": lambda: attacks.vcf().replace("POS", "P" * 1_000_000),
    "contig-name-long": lambda: vcf(f"{'c' * 1_000_000}\t1\t.\tA\tG\t.\t.\t.\n"),
    "controls": lambda: vcf("chrM\t263\t\x1b[31m\x00\x9b=1\tA\tG\t50\tPASS\t.\n"),
}


@pytest.mark.parametrize("name", WORST)
def test_the_worst_files_leave_little_to_show(name: str, rcrs: Reference, tmp_path: Path) -> None:
    source, out = tmp_path / "in.vcf", tmp_path / "out"
    source.write_text(WORST[name](), encoding="latin-1")
    out.mkdir()
    error: InputError | None = None
    report: Report | None = None
    try:
        report = annotate(source, out, reference=rcrs, limits=Limits(seconds=120), provenance={"file": "a\x1b[2J.vcf"})
    except InputError as refusal:
        error = refusal
    if error is not None:
        assert max(len(error.message), len(error.advice)) <= bounds.SENTENCE + bounds.ROOM
        assert (error.message + error.advice).isprintable()
    if report is not None:
        check_report(report, out)
    log = (out / "log.txt").read_bytes()
    assert len(log) <= LOG_BYTES
    for line in log.decode("utf-8").split("\n"):
        assert len(line) <= bounds.SENTENCE + bounds.ROOM
        assert is_printable(line)


def check_report(report: Report, out: Path) -> None:
    """The summary, the preview and the header lines of a result are bounded."""
    assert bounds.json_size(report.summary) <= bounds.SUMMARY_BYTES
    assert bounds.json_size(report.preview) <= bounds.PREVIEW_BYTES
    assert json.loads((out / "summary.json").read_text(encoding="utf-8")) == report.summary
    assert len(report.repairs) <= 100
    for text in texts_of([report.summary, report.preview]):
        assert len(text) <= bounds.SENTENCE + bounds.ROOM + 50  # a repair ends with its number and line
        assert is_printable(text)
    lines = gzip.decompress((out / "annot.vcf.gz").read_bytes()).splitlines()
    assert sum(len(line) for line in lines if line.startswith(b"##gas_")) <= HEADER_BYTES


def is_printable(text: str) -> bool:
    """Whether a text has no character that a terminal or a database may stumble over."""
    return all(category(letter) not in {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"} for letter in text)


def texts_of(value: object) -> list[str]:
    if isinstance(value, str):
        return [value]
    if isinstance(value, dict):
        return [text for key, one in value.items() for text in [key, *texts_of(one)]]
    return [text for one in value for text in texts_of(one)] if isinstance(value, list) else []


def test_what_is_left_out_is_counted(rcrs: Reference, tmp_path: Path) -> None:
    source = tmp_path / "in.vcf"
    source.write_text(attacks.many_repairs(1000), encoding="latin-1")
    report = annotate(source, tmp_path, reference=rcrs)
    listed = [one for one in report.repairs if one.startswith("Values of INFO/T")]
    assert len(listed) == bounds.NAMED_REPAIRS
    assert report.repairs[-1] == "… and 980 more repairs of the kind bad-info-values."
    assert bounds.text("A" * 1000) == "A" * 200 + "… and 800 more characters"
    # No text is cut twice, as that would count what is left out wrongly.
    assert bounds.text(bounds.text("A" * 1000)) == bounds.text("A" * 1000)


def test_an_error_bounds_whatever_it_quotes() -> None:
    error = InputError("code", "m\x1b" * 10_000, "a\x00" * 10_000)
    again = pickle.loads(pickle.dumps(error))  # noqa: S301 - our own
    for text in (error.message, error.advice, str(error), again.message, again.advice):
        assert len(text) <= bounds.SENTENCE + bounds.ROOM
        assert text.isprintable()
    assert again.message == error.message


def test_the_last_guard_bounds_any_value() -> None:
    value = {"a": ["x" * 1_000_000] * 50, "b": [{"c": "\x00y"}] * 200_000, "d" * 5000: 1.5, "e": None}
    bounded = bounds.within(value, 100_000)
    assert bounds.json_size(bounded) <= 100_000
    assert all(map(is_printable, texts_of(bounded)))
    small = {"genes": [{"gene": "MT-ND1", "count": 3}], "ratio": 2.5, "none": None, "flag": True}
    assert bounds.within(small, 100_000) == small
