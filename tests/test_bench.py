"""The measurements of `make bench` load, and find the processes that they measure."""

import importlib
import os
import subprocess
import sys

import pytest

from bench.service import family


@pytest.mark.parametrize("name", ["service", "job", "annotation", "small", "restore", "fairness"])
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
