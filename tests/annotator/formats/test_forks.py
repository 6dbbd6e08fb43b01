"""Processes that run bcftools are forked from one that waits, and are as separate as newly started ones."""

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from annotator.formats import forks
from annotator.formats.bcftools import SERVER, Tool
from tests.support.small_vcfs import vcf


def view(folder: Path, *arguments: str) -> Tool:
    (folder / "in.vcf").write_text(vcf("MT 73 . A G"))
    return Tool(
        "view", [*arguments, "in.vcf"], work_dir=folder, memory_bytes=1024**3, cpu_seconds=60, stdout=subprocess.PIPE
    )


def kill_server() -> None:
    assert SERVER._server is not None
    SERVER._server.process.kill()
    SERVER._server.process.wait()


def assert_ends(pid: int) -> None:
    stat = Path(f"/proc/{pid}/stat")
    deadline = time.monotonic() + 30
    while stat.exists() and stat.read_text().rpartition(")")[2].split()[0] != "Z":
        assert time.monotonic() < deadline
        time.sleep(0.05)


def text_of(tool: Tool) -> bytes:
    try:
        found = tool.stdout.read()
        assert tool.process.wait() == 0, tool.messages()
        return found
    finally:
        tool.close()


def test_what_is_killed_at_once_has_ended(tmp_path: Path) -> None:
    for _ in range(20):
        tool = view(tmp_path)
        tool.kill()
        assert tool.process.wait() in {0, -signal.SIGKILL}
        tool.close()


def test_many_at_once_tell_each_its_own_status(tmp_path: Path) -> None:
    wrong: list[object] = []

    def run(number: int) -> None:
        folder = tmp_path / str(number)
        folder.mkdir()
        for turn in range(5):
            tool = view(folder) if (number + turn) % 2 else view(folder, "--no-such-option")
            tool.stdout.read()
            if (tool.process.wait() == 0) is not bool((number + turn) % 2):
                wrong.append((number, turn, tool.messages()))
            tool.close()

    threads = [threading.Thread(target=run, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


def test_another_server_takes_over_from_one_that_was_killed(tmp_path: Path) -> None:
    text_of(view(tmp_path))
    first = SERVER.pid
    kill_server()
    assert b"\tG\t" in text_of(view(tmp_path))
    assert SERVER.pid != first


def test_a_process_whose_server_was_killed_is_killed_with_it(tmp_path: Path) -> None:
    tool = Tool(
        "view",
        ["-"],
        work_dir=tmp_path,
        memory_bytes=1024**3,
        cpu_seconds=60,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    kill_server()
    assert tool.process.wait() == forks.LOST
    assert_ends(tool.process.pid)
    failure = tool.failure()
    assert failure is not None
    assert failure.code == "no-process"
    tool.close()


def test_a_server_that_cannot_start_says_why(tmp_path: Path) -> None:
    script = tmp_path / "broken.py"
    script.write_text("raise RuntimeError('a library is missing')")
    server = forks.ForkServer(script)
    with Path(os.devnull).open("wb") as nothing, pytest.raises(OSError, match="RuntimeError: a library is missing"):
        server.fork(["work"], folder=tmp_path, environment={}, stdin=None, stdout=None, stderr=nothing.fileno())
    server.stop()


def test_a_process_tells_its_end_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[int] = []
    monkeypatch.setattr(SERVER, "on_end", told.append)
    tool = view(tmp_path)
    assert not told
    text_of(tool)
    assert told == [tool.process.pid]


def test_a_forked_process_has_a_server_of_its_own(tmp_path: Path) -> None:
    text_of(view(tmp_path))
    ours = SERVER.pid
    child = os.fork()
    if child == 0:
        status = 1
        try:
            done = b"\tG\t" in text_of(view(tmp_path))
            status = 0 if done and SERVER.pid != ours else 2
            SERVER.stop()
        finally:
            os._exit(status)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert SERVER.pid == ours
    text_of(view(tmp_path))


def test_it_ends_with_its_parent() -> None:
    code = (
        "import os; from annotator.formats.bcftools import SERVER; SERVER.prepare(); print(SERVER.pid, flush=True);"
        "os.kill(os.getpid(), 9)"
    )
    root = Path(__file__).parents[3]
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, cwd=root)
    assert_ends(int(done.stdout))
