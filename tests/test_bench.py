"""The measurements of `make bench` load, and find the processes that they measure."""

import importlib
import os
import subprocess
import sys

import pytest

from bench.service import family, memory_of

PARTS = ("service", "growth", "job", "annotation", "agreement", "small", "restore", "fairness")


@pytest.mark.parametrize("name", PARTS)
def test_a_measurement_loads(name: str) -> None:
    importlib.import_module(f"bench.{name}")


def test_a_family_is_a_process_with_all_its_descendants() -> None:
    code = (
        "import subprocess, sys; child = subprocess.Popen([sys.executable, '-c', 'input()']);"
        "print(child.pid, flush=True); child.wait()"
    )
    with subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:
        assert child.stdout is not None
        grandchild = int(child.stdout.readline())
        assert {os.getpid(), child.pid, grandchild} <= set(family(os.getpid()))
        assert family(child.pid) == [child.pid, grandchild]
        assert child.stdin is not None
        child.stdin.close()


def test_memory_that_forked_processes_share_counts_once() -> None:
    code = (
        "import os, sys; block = bytearray(os.urandom(1)) * 64_000_000; child = os.fork();"
        "print(child, flush=True) if child else None; sys.stdin.read(1); os._exit(0)"
    )
    with subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as parent:
        assert parent.stdout is not None
        parent.stdout.readline()
        total = sum(map(memory_of, family(parent.pid)))
        assert parent.stdin is not None
        parent.stdin.write(b"..")
        parent.stdin.close()

    assert 64e6 < total < 110e6
    assert memory_of(parent.pid) == 0
