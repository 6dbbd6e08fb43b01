"""A job's work in a child process: whatever goes wrong in it, it ends in time, costs one job, and leaves nothing."""

import contextlib
import gzip
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from annotator.errors import Cancelled, EngineError, InputError
from annotator.reference.pack import Reference
from annotator.run.options import Limits, Outputs, Progress
from annotator.run.process import child, isolated
from gas.jobs.queue.faults import is_ours
from tests.support import attacks, childwork
from tests.support.small_vcfs import vcf
from tests.support.waiting import wait_until

GIGABYTE = 1024**3


@pytest.fixture
def run(tmp_path: Path) -> Callable[..., Any]:
    """Run work in a child, within 20 s and 512 MiB unless a test says otherwise."""

    def call(
        function: Callable[..., Any],
        *,
        seconds: float = 20,
        memory: int = GIGABYTE // 2,
        cancelled: Callable[[], bool] = lambda: False,
        **arguments: Any,
    ) -> Any:
        limits = Limits(seconds=seconds, memory_bytes=memory)
        return child.run(function, arguments, folder=tmp_path, limits=limits, cancelled=cancelled)

    return call


@pytest.fixture
def children(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[int]]:
    """The processes of the work of a test, which have all ended after it."""
    seen: list[int] = []
    close = child._Child.close

    def remember(self: child._Child) -> None:
        seen.extend([self.process.pid, *self._tools])
        close(self)

    monkeypatch.setattr(child._Child, "close", remember)
    yield seen
    assert seen
    wait_until(lambda: not any(map(alive, seen)), seconds=5, what="the end of all processes of the work")


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def test_a_file_comes_out_as_in_this_process(rcrs: Reference, tmp_path: Path) -> None:
    source, out = tmp_path / "in.vcf", tmp_path / "out"
    source.write_text(vcf("MT 11778 . G A"))
    out.mkdir()
    seen: list[Progress] = []
    report = isolated.annotate(
        source,
        out,
        reference=rcrs,
        references_dir=None,
        sources=(),
        limits=Limits(),
        on_progress=seen.append,
        provenance={"file": "in.vcf"},
        outputs=Outputs(stats=True, table_records=10),
    )
    assert report.summary["records"] == {"in": 1, "out": 1, "skipped": 0}
    assert report.preview[0]["protein"] == "p.Arg340His"
    assert {step.stage for step in seen} >= {"preflight", "summary"}
    assert {path.name for path in out.iterdir()} == {
        *("annot.vcf.gz", "annot.vcf.gz.tbi", "annot.tsv.gz", "annot.parquet", "annot.stats.txt"),
        *("log.txt", "summary.json"),
    }
    made = isolated.write_tables(out / "annot.vcf.gz", tmp_path, limits=Limits())
    assert (made.tsv.read_bytes(), made.alleles) == ((out / "annot.tsv.gz").read_bytes(), 1)


def test_tables_of_a_record_with_very_many_alleles_take_little_memory(rcrs: Reference, tmp_path: Path) -> None:
    """They took 2.4 GB when their memory grew with the square of the alleles."""
    source, out = attacks.write("alts-3000", tmp_path), tmp_path / "out"
    out.mkdir()
    isolated.annotate(
        source,
        out,
        reference=rcrs,
        references_dir=None,
        sources=(),
        limits=Limits(memory_bytes=300 * 1024**2),
        provenance={},
        outputs=Outputs(stats=True, table_records=10),
    )
    assert gzip.decompress((out / "annot.tsv.gz").read_bytes()).count(b"\n") == 3001


def test_what_the_work_raises_is_raised_here(run: Callable[..., Any]) -> None:
    with pytest.raises(InputError) as refused:
        run(childwork.refuse)
    error = refused.value
    assert (error.code, error.message, error.advice, error.line) == ("made-up", "Line 3: made up.", "Leave it out.", 3)
    with pytest.raises(EngineError, match="made up"):
        run(childwork.fail)
    with pytest.raises(EngineError, match="ZeroDivisionError"):
        run(childwork.raise_error)
    assert run(childwork.talk) == "done"


def test_work_that_never_lets_go_of_the_interpreter_lock_ends_in_time(
    run: Callable[..., Any], tmp_path: Path, children: list[int]
) -> None:
    began = time.monotonic()
    with pytest.raises(EngineError) as caught:
        run(childwork.hold_the_lock_beside_bcftools, seconds=1, folder=str(tmp_path))
    assert caught.value.code == "time-limit"
    assert time.monotonic() - began < 1 + child.GRACE_SECONDS + 5
    assert len(children) == 2


def test_cancelling_ends_work_that_never_lets_go_of_the_interpreter_lock(
    run: Callable[..., Any], children: list[int]
) -> None:
    began = time.monotonic()
    with pytest.raises(Cancelled):
        run(childwork.hold_the_lock, cancelled=lambda: time.monotonic() - began > 0.3)
    assert time.monotonic() - began < 5


@pytest.mark.parametrize(
    ("work", "arguments"),
    [
        (childwork.take_memory, {"megabytes": 700}),
        (childwork.ask_for_memory, {"megabytes": 4096}),
        (childwork.abort_for_memory, {}),
        (childwork.die, {"number": signal.SIGKILL, "megabytes": 300}),  # as the kernel does when it has no more
    ],
)
def test_too_much_memory_is_the_files_fault_and_a_sentence(
    run: Callable[..., Any], tmp_path: Path, children: list[int], work: Callable[..., Any], arguments: dict[str, Any]
) -> None:
    with pytest.raises(InputError) as caught:
        run(work, **arguments)
    assert caught.value.code == "too-much-memory"
    assert "512 MiB of memory" in caught.value.message
    assert caught.value.message in (tmp_path / "log.txt").read_text()


@pytest.mark.parametrize("number", [signal.SIGSEGV, signal.SIGKILL, signal.SIGABRT])
def test_a_crash_is_a_fault_of_ours(run: Callable[..., Any], children: list[int], number: signal.Signals) -> None:
    with pytest.raises(EngineError, match=number.name):
        run(childwork.die, number=number)
    assert run(childwork.answer, value=1) == 1


def test_a_disk_that_is_full_at_any_step_is_a_fault_of_ours_and_nothing_is_left(
    run: Callable[..., Any], rcrs: Reference, tmp_path: Path
) -> None:
    """The file is sorted, annotated and indexed, and tables are made of it; each file on the way finds no room once."""
    bases = rcrs.sequence.fetch("MT", 1, 2000)
    source, enough = tmp_path / "in.vcf", []
    source.write_text(vcf(*(f"MT {pos} . {bases[pos - 1]} {bases[pos - 1]}A" for pos in range(2000, 600, -1))))
    for room in (0, 100, 1_000, 4_000, 8_000, 16_000, 10**9):
        out = tmp_path / str(room)
        out.mkdir()
        arguments: dict[str, Any] = {
            "source": source,
            "out_dir": out,
            "pack": (rcrs.id, None, rcrs.checksum),
            "sources": [],
            "limits": Limits(),
            "provenance": {},
            "outputs": Outputs(stats=True, table_records=10_000),
            "room": room,
        }
        try:
            run(childwork.annotate_with_room, **arguments)
        except (OSError, EngineError):
            assert {path.name for path in out.iterdir()} <= {"log.txt"}, room
        else:
            assert len(list(out.iterdir())) == 7
            enough.append(room)
    assert enough == [10**9]


def test_the_next_work_has_a_process_of_its_own_that_waits_for_it_already(run: Callable[..., Any]) -> None:
    first = run(childwork.processes)
    (waiting,) = child._waiting
    second = run(childwork.processes)
    assert waiting.process.pid == second["pid"] == second["session"] != first["pid"]
    assert second["oom"] > 0  # the kernel's own killer takes it first


def test_a_child_that_was_killed_while_it_waited_is_replaced(run: Callable[..., Any]) -> None:
    run(childwork.answer, value=1)
    (waiting,) = child._waiting
    os.kill(waiting.process.pid, signal.SIGKILL)
    wait_until(lambda: waiting.process.poll() is not None, what="its end")
    assert run(childwork.answer, value=2) == 2


def test_children_are_forked_from_a_process_without_other_threads(run: Callable[..., Any]) -> None:
    run(childwork.answer, value=1)
    assert child._server.pid is not None
    assert len(os.listdir(f"/proc/{child._server.pid}/task")) == 1  # noqa: PTH208


def test_bcftools_that_has_ended_is_neither_counted_nor_waited_for(
    run: Callable[..., Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tools: list[set[int]] = []
    close = child._Child.close
    monkeypatch.setattr(child._Child, "close", lambda self: tools.append(self._tools) or close(self))
    assert run(childwork.run_bcftools_to_its_end, folder=str(tmp_path)) > 0
    assert tools == [set()]


def test_only_the_child_is_killed_by_its_number(
    run: Callable[..., Any], children: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The number of a bcftools process may be another process's by the time it is used."""
    with subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"]) as stranger:
        seen: list[child._Child] = []
        memory = child._Child._memory

        def add_the_stranger(self: child._Child) -> int:
            seen.append(self)
            self._tools.add(stranger.pid)
            return memory(self)

        monkeypatch.setattr(child._Child, "_memory", add_the_stranger)
        with pytest.raises(Cancelled):
            run(childwork.hold_the_lock, cancelled=lambda: bool(seen))
        assert stranger.poll() is None
        stranger.kill()


def test_a_fork_server_that_ends_is_never_the_files_fault(
    run: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """All of its children end with it, whatever memory they have."""

    def kill_the_server() -> bool:
        if seen[-1].peak > 300 * 1024**2:
            assert child._server.pid is not None
            os.kill(child._server.pid, signal.SIGKILL)
        return False

    seen: list[child._Child] = []
    watch = child._Child.watch
    monkeypatch.setattr(child._Child, "watch", lambda self, *rest: seen.append(self) or watch(self, *rest))
    with pytest.raises(EngineError) as caught:
        run(childwork.take_memory, megabytes=350, cancelled=kill_the_server)
    assert caught.value.code == "no-process"
    assert is_ours(caught.value)


def test_preparing_does_not_wait_for_a_server_that_starts() -> None:
    child.stop()
    child.prepare()
    assert child._server.pid is not None
    assert not child._waiting


def test_no_job_leaves_a_process_to_the_process_with_number_1(tmp_path: Path) -> None:
    """A process that adopts orphans, as number 1 of a container does, and reaps none."""
    code = f"""
import ctypes, os
from pathlib import Path
from annotator.errors import EngineError
from annotator.run.options import Limits
from annotator.run.process import child, isolated
from tests.support import childwork
ctypes.CDLL(None).prctl(36, 1)
def run(work, limits=Limits(), **arguments):
    return child.run(work, arguments, folder=Path({str(tmp_path)!r}), limits=limits)
servers = [run(childwork.server_of_bcftools) for _ in range(2)]
try:
    run(childwork.hold_the_lock_beside_bcftools, Limits(seconds=0.2), folder={str(tmp_path)!r})
except EngineError:
    print(*servers, flush=True)
input()
"""
    with subprocess.Popen(
        [sys.executable, "-c", code],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parents[3],
    ) as adopter:
        assert adopter.stdin is not None
        assert adopter.stdout is not None
        servers = adopter.stdout.readline().split()
        assert len(servers) == 2
        wait_until(lambda: not any(Path(f"/proc/{pid}").exists() for pid in servers), what="their being reaped")
        # The fork server alone is left.
        wait_until(lambda: children_of(adopter.pid) == 1, what="the end of all others")
        adopter.stdin.close()


def children_of(pid: int) -> int:
    found = 0
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            found += int(stat.read_text().rpartition(")")[2].split()[1]) == pid
    return found


def test_a_child_gets_no_secrets(run: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> None:
    child.stop()
    monkeypatch.setenv("SECRET_KEY", "hidden")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "hidden")
    assert "hidden" not in run(childwork.environment).values()


def test_work_ends_with_the_process_that_asked_for_it(tmp_path: Path) -> None:
    code = f"""
import os
from pathlib import Path
from annotator.run.options import Limits
from annotator.run.process import child, isolated
from tests.support import childwork
watched, watch = [], child._Child.watch
child._Child.watch = lambda self, *rest: watched.append(self) or watch(self, *rest)
def killed():
    if watched[0]._tools:
        print(watched[0].process.pid, *watched[0]._tools, child._server.pid, flush=True)
        os.kill(os.getpid(), 9)
folder = Path({str(tmp_path)!r})
arguments = {{"folder": str(folder)}}
child.run(childwork.hold_the_lock_beside_bcftools, arguments, folder=folder, limits=Limits(), cancelled=killed)
"""
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False, cwd=Path(__file__).parents[3]
    )
    pids = [int(pid) for pid in done.stdout.split()]
    assert len(pids) == 3, done.stderr
    wait_until(lambda: not any(map(alive, pids)), seconds=10, what="the end of all processes of the work")
