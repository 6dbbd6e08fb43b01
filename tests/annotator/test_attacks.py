"""Hostile files end within seconds: annotated, or refused with a sentence that names the line and the remedy.

They run in a process of their own, because a pattern that does not end holds the interpreter's lock, and no limit of
the process itself could end it.
"""

import gzip
import subprocess
import sys
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest

from annotator.errors import InputError
from annotator.preflight.declarations import LONGEST_DECLARATION
from annotator.preflight.fixed_columns import LONGEST_NUMBER
from annotator.preflight.info import LONGEST_NAME
from annotator.preflight.reader import Reader
from annotator.preflight.sniff import Packing, Sniffed
from annotator.run.stream import Stopped
from tests.support import attacks
from tests.support.small_vcfs import Annotate, Result, vcf

ROOT = Path(__file__).parents[2]
SECONDS = 30  # they take less than one; the machine may be busy
MEMORY_BYTES = 2 * 1024**3  # of address space; the libraries take some of it

EMPTY = gzip.compress(b"", mtime=0)

ANNOTATED = {
    "header-exponential": "cannot be read were left out",
    "header-spaces": "cannot be read were left out",
    "header-bracket": "cannot be read were left out",
    "qual-digits": "QUAL that is not a number",
    "info-digits": "declared as String",
    "end-digits": "not of its type (Integer)",
    "skipped-many": "100,000 skipped",
    "sample-name-long": "1 records in, 1 out",
    "samples-many": "5 records in, 5 out",
    "unsorted": "they were sorted",
}
REFUSED = {
    "version-digits": "Line 1 gives a VCF version that does not exist",
    "minor-version-digits": "Line 1 gives a VCF version that does not exist",
    "contig-digits": 'Line 2 gives contig "chrM" a length of 5,000 digits',
    "position-digits": "Line 4: POS",
    "alt-breakend": "Line 3: ALT",
    "tag-name-long": "Line 3: INFO has an entry",
    "contigs-many": 'Line 903: contig "un0" is not part of rCRS',
}


@pytest.mark.parametrize("name", [*ANNOTATED, *REFUSED])
def test_it_ends_within_seconds(tmp_path: Path, name: str) -> None:
    source = attacks.write(name, tmp_path)
    done = subprocess.run(
        ["prlimit", f"--as={MEMORY_BYTES}", sys.executable, "-m", "annotator", source, tmp_path / "out.vcf.gz"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=SECONDS,
    )
    status, words = (0, ANNOTATED[name]) if name in ANNOTATED else (2, REFUSED[name])
    said = done.stderr if status else done.stdout
    assert done.returncode == status, done.stderr
    assert words in said
    assert len(said) < 5000


@pytest.mark.parametrize("declaration", ["INFO=<ID=S,Number=1,Type=String,Description=", "INFO=S,1,String,"])
@pytest.mark.parametrize("over", [0, 1])
def test_a_declaration_is_read_up_to_a_length(run: Annotate, declaration: str, over: int) -> None:
    end = '">' if "<" in declaration else '"'
    size = LONGEST_DECLARATION + over - len(declaration) - len(end) - 3
    header = f'##fileformat=VCFv4.2\n##{declaration}"{"d" * size}{end}\n{attacks.COLUMNS}'
    result = run(vcf("chrM 263 . A G . . S=1", header=header))
    assert result.repaired("cannot be read were left out") == bool(over)
    assert result.info()["S"] == "1"


@pytest.mark.parametrize("over", [0, 1])
def test_qual_is_read_up_to_a_length(run: Annotate, over: int) -> None:
    result = run(vcf(f"chrM 263 . A G {'1' * (LONGEST_NUMBER - 2 + over)}.5"))
    assert result.repaired("QUAL that is not a number") == bool(over)


NAMED: dict[str, Callable[[Callable[[str], Result], str], Result]] = {
    "INFO": lambda run, name: run(vcf(f"chrM 263 . A G . . {name}=1")),
    "FILTER": lambda run, name: run(vcf(f"chrM 263 . A G . {name}")),
    "FORMAT": lambda run, name: run(
        vcf(f"chrM 263 . A G . . . GT:{name} 0/1:1", header=attacks.VERSION + attacks.COLUMNS[:-1] + "\tFORMAT\tone\n")
    ),
}


@pytest.mark.parametrize("column", NAMED)
def test_undeclared_names_are_remembered_up_to_a_length(run: Annotate, column: str) -> None:
    """Else 10,000 of them would fill the memory."""
    assert NAMED[column](run, "T" * LONGEST_NAME).report.records_out == 1
    with pytest.raises(InputError, match="TTT…"):
        NAMED[column](run, "T" * (LONGEST_NAME + 1))


@pytest.mark.parametrize("length", [0, 16569, 10**18 - 1])
def test_a_contig_may_have_any_length_of_64_bits(run: Annotate, length: int) -> None:
    """What is no length of the contig is another matter: it is compared with the reference."""
    header = f"##fileformat=VCFv4.2\n##contig=<ID=virus,length={length}>\n{attacks.COLUMNS}"
    result = run(vcf("chrM 263 . A G", header=header))
    assert f"##contig=<ID=virus,length={length}>" in result.header


def test_long_numbers_in_samples_are_told_of_the_file(run: Annotate) -> None:
    """Every value of a sample is looked at once bcftools could not read one of them."""
    header = attacks.VERSION + attacks.COLUMNS[:-1] + "\tFORMAT\tone\n"
    rows = ["chrM 263 . A G . . . GT 0/1", f"chrM 264 . C T . . . GT 0/{'9' * 5000}"]
    result = run(vcf(*rows, header=header))
    assert result.report.skipped == 1
    assert "GT of sample 1 is" in result.log


def test_tiny_members_are_read_one_after_the_other(run: Annotate) -> None:
    parts = [attacks.vcf(attacks.SOUND * 3).encode()[at:][:7] for at in range(0, 140, 7)]
    packed = b"".join(gzip.compress(part, mtime=0) + EMPTY for part in parts)
    assert run(packed + EMPTY * 50_000).report.records_out == 3


def test_time_grows_with_the_number_of_members(tmp_path: Path) -> None:
    """zlib copies what is behind a member, which must not be the rest of what was read."""
    shares = {}
    for members in (5_000, 20_000):
        source = tmp_path / str(members)
        source.write_bytes(gzip.compress(b"##fileformat=VCFv4.2\n") + EMPTY * members)
        shares[members] = min(_copied(source) for _ in range(2)) / members
    assert shares[20_000] < 2 * shares[5_000]
    assert shares[20_000] < 10_000  # bytes a member; half of a chunk if all of it is copied


def _copied(source: Path) -> int:
    """How many bytes zlib is given while a file is read."""
    given = 0

    class Counting:
        def __init__(self, wbits: int) -> None:
            self._member = decompressobj(wbits=wbits)

        def decompress(self, data: bytes, size: int) -> bytes:
            nonlocal given
            given += len(data)
            return self._member.decompress(data, size)

        def __getattr__(self, name: str) -> object:
            return getattr(self._member, name)

    decompressobj = zlib.decompressobj
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("annotator.preflight.reader.zlib.decompressobj", Counting)
        assert len(list(reader_of(source).lines())) == 1
    return given


def reader_of(source: Path, check: Callable[[], None] = lambda: None) -> Reader:
    return Reader(
        source,
        Sniffed(Packing.GZIP, "\n", bom=False),
        expanded_bytes=1024**2,
        line_bytes=1024**2,
        note=lambda _: None,
        check=check,
        start_tool=lambda *_: pytest.fail("no BCF"),
    )


def test_a_run_can_be_ended_while_members_give_nothing(tmp_path: Path) -> None:
    def check() -> None:
        checked.append(True)
        if len(checked) == 4:
            raise Stopped

    checked: list[bool] = []
    source = tmp_path / "in"
    source.write_bytes(gzip.compress(b"##fileformat=VCFv4.2\n") + EMPTY * 100_000)
    with pytest.raises(Stopped):
        list(reader_of(source, check).lines())
