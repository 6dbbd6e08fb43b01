"""Processes are started, waited for, restarted and stopped, and nothing of them is ever left behind."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from devstack.processes.supervisor import NotReady, Program, Supervisor
from devstack.stack import ROOT
from devstack.waiting import wait_for

# A process with a child that has left its group and session, as a daemon does: the hardest to find again.
FAMILY = """
import os, subprocess, sys, time
child = subprocess.Popen([sys.executable, "-c", "import os, time; os.setsid(); time.sleep(600)"])
print("pids", os.getpid(), child.pid, flush=True)
time.sleep(600)
"""
POLITE = """
import signal, sys, time
signal.signal(signal.SIGTERM, lambda *_: (print("bye", flush=True), sys.exit(0)))
print("pids", flush=True)
time.sleep(600)
"""
STUBBORN = """
import os, signal, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
print("pids", os.getpid(), flush=True)
time.sleep(600)
"""


def program(tmp_path, code, name="family", **options):
    log = tmp_path / f"{name}.log"
    command = [sys.executable, "-c", code]
    return Program(name, command, log, dict(os.environ), tmp_path, ready=lambda log: "pids" in log, **options)


def pids(log: Path) -> list[int]:
    """Of the latest life."""
    line = [line for line in log.read_text().splitlines() if line.startswith("pids")][-1]
    return [int(word) for word in line.split()[1:]]


def alive(pid: int) -> bool:
    """Exists, and is no zombie."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


@pytest.fixture
def supervisor():
    made = Supervisor()
    yield made
    made.stop()


def test_a_stopped_process_leaves_no_descendant(tmp_path, supervisor):
    one = program(tmp_path, FAMILY)
    supervisor.start(one)
    supervisor.wait_ready()
    family = pids(one.log)
    assert all(map(alive, family))
    supervisor.stop()
    assert not any(map(alive, family))


def test_stopping_asks_first(tmp_path, supervisor):
    one = program(tmp_path, POLITE)
    supervisor.start(one)
    supervisor.wait_ready()
    supervisor.stop()
    assert "bye" in one.log.read_text()


def test_who_does_not_stop_is_killed(tmp_path, supervisor):
    one = program(tmp_path, STUBBORN, stop_seconds=0.2)
    supervisor.start(one)
    supervisor.wait_ready()
    supervisor.stop()
    assert not any(map(alive, pids(one.log)))


def test_higher_tiers_stop_first(tmp_path, supervisor):
    trace = tmp_path / "trace"
    code = POLITE.replace('print("bye", flush=True)', "open({trace!r}, 'a').write({name!r})")
    for name, tier in (("a", 0), ("b", 1)):
        one = code.replace("{trace!r}", repr(str(trace))).replace("{name!r}", repr(name))
        supervisor.start(program(tmp_path, one, name, tier=tier))
    supervisor.wait_ready()
    supervisor.stop()
    assert trace.read_text() == "ba"


def test_a_dead_process_is_started_again(tmp_path, supervisor):
    one = program(tmp_path, FAMILY)
    supervisor.start(one)
    supervisor.wait_ready()
    first, child = pids(one.log)
    os.kill(first, signal.SIGKILL)
    wait_for(lambda: supervisor.starts("family") == 2, 20, "the second start")
    supervisor.wait_ready("family")
    assert pids(one.log)[0] != first
    assert not alive(child), "what the dead process had started is gone with it"


def test_killing_takes_the_descendants_too(tmp_path, supervisor):
    one = program(tmp_path, FAMILY)
    supervisor.start(one)
    supervisor.wait_ready()
    family = pids(one.log)
    supervisor.kill("family")
    wait_for(lambda: supervisor.starts("family") == 2, 20, "the second start")
    assert not any(map(alive, family))


def test_one_that_keeps_dying_is_given_ever_longer_pauses(tmp_path):
    codes = []

    def told(program, code):
        codes.append(code)
        return len(codes) < 3

    supervisor = Supervisor(told)
    one = program(tmp_path, "raise SystemExit(7)")
    supervisor.start(one)
    wait_for(lambda: len(codes) == 3, 30, "three deaths")
    supervisor.stop()
    assert codes == [7, 7, 7]
    assert supervisor.starts("family") == 3


def test_one_that_ends_before_it_is_ready_is_told_with_its_log(tmp_path, supervisor):
    supervisor.start(program(tmp_path, "print('no database here', flush=True); raise SystemExit(1)"))
    with pytest.raises(NotReady, match=r"(?s)family ended before it was ready.*no database here"):
        supervisor.wait_ready()


def test_one_that_dawdles_is_told(tmp_path, supervisor):
    supervisor.start(program(tmp_path, "import time; time.sleep(600)", ready_seconds=0.2))
    with pytest.raises(NotReady, match="was not ready"):
        supervisor.wait_ready()


def test_nothing_outlives_a_killed_supervisor(tmp_path):
    code = f"""
import os, sys, time
from pathlib import Path
sys.path.insert(0, {str(ROOT)!r})
from devstack.processes.supervisor import Program, Supervisor
folder = Path({str(tmp_path)!r})
supervisor = Supervisor()
for name in ("a", "b"):
    supervisor.start(Program(name, [sys.executable, "-c", {FAMILY!r}], folder / (name + ".log"), dict(os.environ),
                             folder, ready=lambda log: "pids" in log))
supervisor.wait_ready()
print(supervisor.pid("a"), supervisor.pid("b"), flush=True)
time.sleep(600)
"""
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        nannies = [int(word) for word in process.stdout.readline().split()]
        everybody = nannies + pids(tmp_path / "a.log") + pids(tmp_path / "b.log")
        assert len(everybody) == 6
        assert all(map(alive, everybody))
        process.kill()
    wait_for(lambda: not any(map(alive, everybody)), 10, "the end of everybody")


def test_a_killed_nanny_takes_its_process_along(tmp_path, supervisor):
    one = program(
        tmp_path, POLITE.replace('print("pids", flush=True)', 'import os; print("pids", os.getpid(), flush=True)')
    )
    supervisor.start(one)
    supervisor.wait_ready()
    (first,) = pids(one.log)
    os.kill(supervisor.pid("family"), signal.SIGKILL)
    wait_for(lambda: not alive(first), 10, "the end of the process")
    wait_for(lambda: supervisor.starts("family") == 2, 20, "the second start")
