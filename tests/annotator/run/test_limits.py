"""A run stays within its limits, can be stopped at any time, and leaves nothing running behind it."""

import contextlib
import errno
import gzip
import os
import signal
import sys
import threading
import time
from pathlib import Path
from subprocess import PIPE, Popen

import pytest

from annotator.errors import Cancelled, EngineError
from annotator.formats import bcftools
from annotator.formats.bcftools import Tool
from annotator.reference.pack import Reference
from annotator.run.annotate import annotate
from annotator.run.options import Limits, Progress
from annotator.sources.lookup import Lookups
from tests.support.small_vcfs import HEADER, Annotate, vcf

LINE = "MT\t11778\t.\tG\tA\t50\tPASS\t.\n"


def lines(rcrs: Reference, each: int, tail: str = "") -> str:
    """A record for every position of the genome, `each` times."""
    bases = rcrs.sequence.fetch("MT", 1, 16569)
    return "".join(
        f"MT\t{pos}\t.\t{base}\t{'A' if base != 'A' else 'G'}\t50\tPASS\t.{tail}\n" * each
        for pos, base in enumerate(bases, 1)
    )


@pytest.fixture
def tools(monkeypatch: pytest.MonkeyPatch) -> list[Tool]:
    """Every tool that is started during the test."""
    started: list[Tool] = []

    class Recorded(Tool):
        def __init__(self, *args: object, **kwargs: object) -> None:
            super().__init__(*args, **kwargs)  # type: ignore[arg-type]
            started.append(self)

    monkeypatch.setattr("annotator.run.context.Tool", Recorded)
    return started


def assert_all_ended(tools: list[Tool]) -> None:
    for tool in tools:
        assert tool.process.returncode is not None  # reaped, too
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("annotator-")]


@pytest.fixture
def long_file(rcrs: Reference, tmp_path: Path) -> Path:
    path = tmp_path / "long.vcf.gz"
    path.write_bytes(gzip.compress((HEADER + lines(rcrs, 20)).encode()))
    return path


def out(tmp_path: Path) -> Path:
    folder = tmp_path / "out"
    folder.mkdir()
    return folder


def test_cancelling_ends_it_at_once(rcrs: Reference, long_file: Path, tmp_path: Path, tools: list[Tool]) -> None:
    seen: list[Progress] = []
    folder = out(tmp_path)
    with pytest.raises(Cancelled):
        annotate(
            long_file,
            folder,
            reference=rcrs,
            on_progress=seen.append,
            cancelled=lambda: seen[-1].records > 0,
        )
    assert_all_ended(tools)
    assert 0 < seen[-1].records < 300_000
    assert [path.name for path in folder.iterdir()] == ["log.txt"]
    assert "did not come to its end" in (folder / "log.txt").read_text()


def test_the_wall_limit_ends_it(rcrs: Reference, long_file: Path, tmp_path: Path, tools: list[Tool]) -> None:
    with pytest.raises(EngineError) as caught:
        annotate(long_file, out(tmp_path), reference=rcrs, limits=Limits(seconds=0.2))
    assert caught.value.code == "time-limit"
    assert_all_ended(tools)


def test_an_exception_from_the_caller_ends_it(
    rcrs: Reference, long_file: Path, tmp_path: Path, tools: list[Tool]
) -> None:
    class SoftLimit(Exception):
        pass

    def interrupted() -> bool:
        raise SoftLimit

    with pytest.raises(SoftLimit):
        annotate(long_file, out(tmp_path), reference=rcrs, cancelled=interrupted)
    assert_all_ended(tools)


def test_a_disk_that_fails_on_the_way_in_ends_it(
    rcrs: Reference, long_file: Path, tmp_path: Path, tools: list[Tool], monkeypatch: pytest.MonkeyPatch
) -> None:

    def fail(*_: object) -> list[str]:
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(Lookups, "info", fail)
    with pytest.raises(OSError, match="Input/output error"):
        annotate(long_file, out(tmp_path), reference=rcrs, limits=Limits(seconds=60))
    assert_all_ended(tools)


def test_callbacks_come_from_the_calling_thread(rcrs: Reference, tmp_path: Path) -> None:
    threads = set()
    seen: list[Progress] = []

    def progress(step: Progress) -> None:
        threads.add(threading.current_thread())
        seen.append(step)

    def cancelled() -> bool:
        threads.add(threading.current_thread())
        return False

    source = tmp_path / "in.vcf"
    source.write_text(HEADER + LINE * 1000)
    annotate(source, out(tmp_path), reference=rcrs, on_progress=progress, cancelled=cancelled)
    assert threads == {threading.current_thread()}
    stages = [step.stage for step in seen]
    assert stages[0] == "preflight"
    assert stages[-2:] == ["index", "summary"]
    assert seen[-1].records == 1000


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSEGV])
def test_a_crash_of_bcftools_is_our_fault_and_not_the_files(
    rcrs: Reference, long_file: Path, tmp_path: Path, tools: list[Tool], number: signal.Signals
) -> None:
    def crash() -> bool:
        if tools:
            with contextlib.suppress(ProcessLookupError):  # it is asked again until all is over
                os.kill(tools[0].process.pid, number)
        return False

    with pytest.raises(EngineError) as caught:
        annotate(long_file, out(tmp_path), reference=rcrs, cancelled=crash)
    assert caught.value.code == "tool-crashed"
    assert number.name in caught.value.message
    assert_all_ended(tools)


def test_too_little_memory_for_bcftools(rcrs: Reference, tmp_path: Path, tools: list[Tool]) -> None:
    source = tmp_path / "in.vcf"
    source.write_text(HEADER + LINE)
    with pytest.raises(EngineError):
        annotate(source, out(tmp_path), reference=rcrs, limits=Limits(memory_bytes=20 * 1024**2))
    assert_all_ended(tools)


def test_a_tool_has_its_limits(tmp_path: Path) -> None:
    tool = Tool("view", ["-"], work_dir=tmp_path, memory_bytes=512 * 1024**2, cpu_seconds=7, stdin=PIPE, stdout=PIPE)
    try:
        tool.stdin.write(HEADER.encode())
        tool.stdin.flush()
        limits = Path(f"/proc/{tool.process.pid}/limits")
        if not limits.exists():
            pytest.skip("there is no /proc here")
        deadline = time.monotonic() + 30
        while "536870912" not in limits.read_text():
            assert time.monotonic() < deadline
        text = limits.read_text()
        assert "Max cpu time              7 " in text
        assert "Max core file size        0 " in text
        assert os.getpgid(tool.process.pid) == tool.process.pid
    finally:
        tool.close()


def test_a_tool_that_is_killed_takes_no_time(tmp_path: Path) -> None:
    tool = Tool("view", ["-"], work_dir=tmp_path, memory_bytes=1024**3, cpu_seconds=60, stdin=PIPE, stdout=PIPE)
    assert tool.failure().code == "tool-running"  # type: ignore[union-attr]
    tool.close()
    failure = tool.failure()
    assert failure is not None
    assert failure.code == "tool-crashed"
    tool.close()  # a second time is harmless


def test_versions_are_those_of_pysam() -> None:
    import pysam

    assert versions_of(pysam) == bcftools.versions()


def versions_of(module: object) -> dict[str, str]:
    from pysam import version

    return {
        "bcftools": version.__bcftools_version__,
        "htslib": version.__htslib_version__,
        "pysam": version.__version__,
    }


PEAK = """
import sys
from pathlib import Path
from annotator.formats import forks
from annotator.formats import external_sort
from annotator.run.annotate import annotate
from annotator.reference.pack import load_reference
external_sort.RUN_BYTES = 200_000
forks.PIPE_BYTES = 64 * 1024
annotate(Path(sys.argv[1]), Path(sys.argv[2]), reference=load_reference("rCRS"))
print(Path("/proc/self/status").read_text().split("VmHWM:")[1].split()[0])
"""


def peak(source: Path) -> int:
    """Kilobytes that a process of its own takes at most to annotate the file; runs of the sort and pipes are small."""
    folder = source.with_name(source.name + ".out")
    folder.mkdir()
    child = Popen(
        [sys.executable, "-c", PEAK, str(source), str(folder)],
        stdout=PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[3])},
    )
    text = child.communicate()[0]
    assert child.returncode == 0
    return int(text)


needs_proc = pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="reads memory from /proc")


@needs_proc
@pytest.mark.parametrize("first", [1, 100], ids=["sorted", "unsorted"])
def test_memory_does_not_grow_with_the_file(rcrs: Reference, tmp_path: Path, first: int) -> None:
    sizes = []
    for each in (1, 3):
        source = tmp_path / f"{each}.vcf"
        body = lines(rcrs, each).splitlines(keepends=True)
        source.write_text(HEADER + "".join(body[first - 1 :] + body[: first - 1]))
        sizes.append(peak(source))
    assert sizes[1] < 1.2 * sizes[0]


@needs_proc
def test_memory_does_not_grow_with_the_samples(rcrs: Reference, tmp_path: Path) -> None:
    # 250 records of 80 KB each, 20 MB: they must not all be held.
    samples = 20_000
    header = HEADER.replace("INFO\n", "INFO\tFORMAT\t" + "\t".join(f"S{n}" for n in range(samples)) + "\n")
    source = tmp_path / "wide.vcf.gz"
    body = lines(rcrs, 1).splitlines()[:250]
    with gzip.open(source, "wt", compresslevel=1) as file:
        file.write(header)
        for line in body:
            file.write(line + "\tGT" + "\t0/1" * samples + "\n")
    assert peak(source) < 40_000


def test_a_crowd_at_one_position_is_bounded(run: Annotate, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("annotator.preflight.records.MOST_AT_POSITION", 10)
    result = run(HEADER + LINE * 15 + "MT\t11779\t.\tC\tT\t.\t.\t.\n" * 3)
    assert result.report.summary["skipped_reasons"] == {"too-many-at-position": 5}
    assert result.report.records_out == 13


def test_a_line_may_be_long_up_to_its_limit(run: Annotate) -> None:
    long = "x" * 3_000_000
    result = run(vcf(f"MT 73 {long} A G"))
    assert result.records[0][2] == long


@pytest.mark.parametrize(
    "words",
    ["Failed to allocate bcf header", "[E::bgzf_open] Could not allocate", "Out of memory", "Cannot allocate memory"],
)
def test_a_tool_without_memory_says_nothing_of_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: str
) -> None:
    tool = Tool("view", ["/nothing/there"], work_dir=tmp_path, memory_bytes=512 * 1024**2, cpu_seconds=7)
    tool.wait(lambda: None)
    monkeypatch.setattr(tool, "messages", lambda: words)
    failure = tool.failure()
    assert failure is not None
    assert failure.code == "tool-memory"
    tool.close()
