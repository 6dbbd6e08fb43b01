"""Whatever is in a file: either a result in which every record is accounted for, or one clear refusal."""

import gzip
import random
import tempfile
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from annotator.errors import InputError
from annotator.reference.pack import Reference
from annotator.run.annotate import annotate
from annotator.run.options import Report
from tests.support.small_vcfs import HEADER

FEW = settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def refused(content: bytes, reference: Reference) -> InputError | None:
    try:
        annotated(content, reference)
    except InputError as error:
        return error
    return None


def annotated(content: bytes, reference: Reference) -> tuple[Report, list[str]]:
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / "in"
        source.write_bytes(content)
        report = annotate(source, Path(folder), reference=reference)
        text = gzip.decompress((Path(folder) / "annot.vcf.gz").read_bytes()).decode("latin-1")
        log = (Path(folder) / "log.txt").read_text()
    assert f"{report.records_in:,} records in = {report.records_out:,} records out + {report.skipped:,} skipped" in log
    return report, [line for line in text.splitlines() if not line.startswith("#")]


ALTS = st.sampled_from(
    ["A", "C", "G", "T", "AC", "<DEL>", "*", ".", "A,C", "g,<NON_REF>", "N", "R", "", "A]MT:5]", "-"]
)
COLUMN = st.text(st.characters(codec="latin-1", exclude_characters="\n\r\t\0"), max_size=6)
RECORD = st.tuples(
    st.sampled_from(["MT", "chrM", "1", ""]),
    st.integers(0, 16575),
    st.integers(0, 4),
    ALTS,
    st.sampled_from([".", "30", "x", ""]),
    st.sampled_from([".", "PASS", "q10", "a b", "0", ""]),
    st.sampled_from([".", "DP=3", "DP=x;;", "X", "END=99999", ""]) | COLUMN,
    st.booleans(),
)


@FEW
@given(records=st.lists(RECORD, max_size=30))
def test_records_in_are_records_out_and_skipped(rcrs: Reference, records: list[tuple[object, ...]]) -> None:
    lines = []
    for name, pos, size, alt, qual, filter_, info, right in records:
        ref = rcrs.sequence.fetch("MT", pos, pos + size)  # type: ignore[operator]
        if not right:
            ref = ref[::-1]
        lines.append(f"{name}\t{pos}\t.\t{ref}\t{alt}\t{qual}\t{filter_}\t{info}\n")
    content = (HEADER + "".join(lines)).encode("latin-1")
    try:
        report, out = annotated(content, rcrs)
    except InputError:
        return
    assert report.records_in == len(lines)
    assert report.records_in == len(out) + report.skipped
    places = [int(line.split("\t")[1]) for line in out]
    assert places == sorted(places)


@settings(max_examples=8, deadline=None)
@given(seed=st.integers(0, 10**6), packed=st.booleans())
def test_the_order_and_packing_of_a_file_change_nothing(
    rcrs: Reference, sample: bytes, seed: int, packed: bool
) -> None:
    lines = sample.decode().splitlines(keepends=True)
    header = [line for line in lines if line.startswith("#")]
    records = [line for line in lines if not line.startswith("#")][:150]
    _, wanted = annotated("".join(header + records).encode(), rcrs)
    random.Random(seed).shuffle(records)  # noqa: S311
    content = "".join(header + records).encode()
    _, found = annotated(gzip.compress(content) if packed else content, rcrs)
    assert found == wanted


@settings(max_examples=60, deadline=None)
@given(content=st.binary(max_size=2000))
def test_no_bytes_break_it(rcrs: Reference, content: bytes) -> None:
    error = refused(content, rcrs)
    assert error is None or error.message.endswith(".")


@settings(max_examples=40, deadline=None)
@given(place=st.integers(0, 2500), change=st.binary(min_size=1, max_size=8))
def test_no_damage_to_a_good_file_breaks_it(rcrs: Reference, sample: bytes, place: int, change: bytes) -> None:
    content = sample[:3000].rpartition(b"\n")[0] + b"\n"
    content = content[:place] + change + content[place + len(change) :]
    error = refused(content, rcrs)
    assert error is None or error.message.endswith(".")
