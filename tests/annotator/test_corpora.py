"""A public corpus of valid and invalid VCFs, if a checkout of it lies next to the repository: nothing may crash."""

import tempfile
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import pytest

from annotator.errors import InputError
from annotator.preflight.header import read_header
from annotator.preflight.journal import Journal
from annotator.preflight.reader import Reader
from annotator.preflight.records import RecordCheck
from annotator.preflight.sniff import sniff
from annotator.reference.pack import Reference
from annotator.run.annotate import annotate
from annotator.run.options import Report
from tests.annotator.packs import make_pack

CORPORA = Path(__file__).parents[3] / "shared" / "corpora"
FILES = sorted(CORPORA.rglob("*.vcf"))
VALID = [path for path in FILES if path.parent.name == "passed"]
LONGEST = 3_000_000

pytestmark = pytest.mark.skipif(not FILES, reason="the corpora are not next to the repository")


@pytest.fixture(scope="module")
def reference(tmp_path_factory: pytest.TempPathFactory) -> Reference:
    """A genome that the corpus fits on: it has the bases of the REF columns at their positions, A elsewhere."""
    wanted: dict[str, dict[int, str]] = defaultdict(dict)
    for path in [*VALID, *FILES]:
        for line in path.read_text("latin-1").splitlines():
            columns = line.split("\t")
            if line.startswith("#") or len(columns) < 5 or not columns[1].isdecimal() or not columns[0].isalnum():
                continue
            pos, ref = int(columns[1]), columns[3].upper()
            if 0 < pos < LONGEST and set(ref) <= set("ACGTN"):
                wanted[columns[0]].setdefault(pos, ref)
    contigs = {}
    for name, refs in wanted.items():
        bases = bytearray(b"A" * (max(pos + len(ref) for pos, ref in refs.items()) + 50))
        for pos, ref in sorted(refs.items(), reverse=True):
            bases[pos - 1 : pos - 1 + len(ref)] = ref.encode()
        contigs[name] = bases.decode()
    return make_pack(tmp_path_factory.mktemp("pack"), contigs)


def checked(path: Path, reference: Reference, folder: Path) -> InputError | None:
    """Run every check on a file; return what it is refused for."""
    try:
        for _ in _records(path, reference, folder):
            pass
    except InputError as error:
        return error
    return None


def _records(path: Path, reference: Reference, folder: Path) -> Iterator[object]:
    reader = Reader(
        path,
        sniff(path),
        expanded_bytes=10**8,
        line_bytes=10**6,
        note=lambda _: None,
        check=lambda: None,
        start_tool=lambda *_: pytest.fail("none of these is BCF"),
    )
    lines = reader.lines()
    journal = Journal(folder)
    try:
        yield from RecordCheck(read_header(lines, journal), reference, journal, strict=True).check_all(lines)
    finally:
        journal.close()


def test_the_checks_survive_every_file(reference: Reference, rcrs: Reference, tmp_path: Path) -> None:
    refused = 0
    for path in FILES:
        for pack in (reference, rcrs):
            error = checked(path, pack, tmp_path)
            if error is not None:
                refused += 1
                assert error.message.endswith("."), path
                assert error.advice.endswith("."), path
    assert refused < 2 * len(FILES)


@pytest.mark.parametrize("number", range(4))
def test_valid_files_and_some_invalid_ones_go_all_the_way(reference: Reference, number: int) -> None:
    whole = 0
    for path in [*VALID, *FILES[::15]][number::4]:
        outcome = annotated(path, reference)
        if isinstance(outcome, Report):
            whole += 1
            assert outcome.records_in == outcome.records_out + outcome.skipped
        elif path in VALID:
            # Contigs and bases of one file may contradict another's; nothing else is refused in a valid one.
            assert outcome.code in {"unknown-contig", "reference-mismatch"}, (path, outcome.message)
    assert whole > 5


def annotated(path: Path, reference: Reference) -> Report | InputError:
    with tempfile.TemporaryDirectory() as folder:
        try:
            return annotate(path, Path(folder), reference=reference)
        except InputError as error:
            return error
