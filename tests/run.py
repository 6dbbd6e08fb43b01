"""`make test`: the whole suite on SQLite, then what touches the database again on PostgreSQL.

Arguments go to pytest. With DATABASE_URL set, everything runs once, there. What this machine cannot run is said at
the end, with how to make it run; in CI (CI=true) it is a failure.
"""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

from tests.support import chromium, compiled, postgres

CORES = os.cpu_count() or 2
#: See tests/conftest.py.
TOUCHES_THE_DATABASE = "not once"


def main() -> int:
    with ExitStack() as stack:
        return run(sys.argv[1:], stack)


def run(arguments: list[str], stack: ExitStack) -> int:
    """Run the suite, or the part that the arguments choose. What is started for it ends with `stack`."""
    left_out = []
    if not chromium.find():
        left_out.append("browser tests: install Chromium (Debian: apt-get install chromium)")
    chosen = ["-m", "not browser"] if left_out else []
    env = os.environ.copy()
    where = "DATABASE_URL" if "DATABASE_URL" in env else "SQLite"
    on_postgresql: dict[str, str] = {}
    if "DATABASE_URL" not in env and not arguments:
        if postgres.find():
            on_postgresql = {"DATABASE_URL": stack.enter_context(postgres.cluster())}
            on_postgresql["TEST_DATABASE_TEMPLATE"] = postgres.TEMPLATE
        else:
            left_out.append("the suite on PostgreSQL: install it (Debian: apt-get install postgresql)")
        env["NUMBA_CACHE_DIR"] = stack.enter_context(tempfile.TemporaryDirectory(prefix="gas-test-compiled-"))
        prepare(env, on_postgresql.get("DATABASE_URL"))
    code = pytest(where, env, CORES + 2, *chosen, *arguments)  # tests with workers of their own mostly wait for these
    if on_postgresql:
        print("\nThe same on PostgreSQL:", flush=True)
        code = pytest("PostgreSQL", {**env, **on_postgresql}, CORES + 1, "-m", TOUCHES_THE_DATABASE) or code
    for line in left_out:
        print(f"Left out: {line}")
    return code or (1 if left_out and env.get("CI") else 0)


def prepare(env: Mapping[str, str], url: str | None) -> None:
    """Do once what every test process would do again: compile loops, and migrate a database to copy.

    Args:
        env: of the tests.
        url: of the PostgreSQL to use as well; None if there is none.
    """
    began = time.monotonic()
    with ThreadPoolExecutor(CORES) as pool:
        steps = [pool.submit(compiled.compile_into, Path(env["NUMBA_CACHE_DIR"]), env)]
        steps.append(pool.submit(subprocess.run, [sys.executable, "-m", "tests.support.migrated"], env=env, check=True))
        if url:
            steps.append(pool.submit(postgres.make_template, url))
        for step in steps:
            step.result()
    print(f"Preparing took {time.monotonic() - began:.0f} s.", flush=True)


def pytest(where: str, env: dict[str, str], processes: int, *arguments: str) -> int:
    """Run tests, and say how long they took on the database `where`. Returns the exit code."""
    command = [sys.executable, "-m", "pytest", "-n", str(processes), *arguments]
    began = time.monotonic()
    code = subprocess.run(command, env=env, check=False).returncode
    print(f"Tests on {where} took {time.monotonic() - began:.0f} s.", flush=True)
    return code


if __name__ == "__main__":
    sys.exit(main())
