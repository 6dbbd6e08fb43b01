"""`make test`: the whole suite on SQLite, then what touches the database again on PostgreSQL.

Arguments go to pytest. With DATABASE_URL set, everything runs once, there. What this machine cannot run is said at
the end, with how to make it run; in CI (CI=true) it is a failure.
"""

import os
import subprocess
import sys
import time

from tests.support import chromium, postgres

CORES = os.cpu_count() or 2
#: See tests/conftest.py.
TOUCHES_THE_DATABASE = "not once"


def main() -> int:
    arguments = sys.argv[1:]
    left_out = []
    if not chromium.find():
        left_out.append("browser tests: install Chromium (Debian: apt-get install chromium)")
    chosen = ["-m", "not browser"] if left_out else []
    env = os.environ.copy()
    where = "DATABASE_URL" if "DATABASE_URL" in env else "SQLite"
    code = pytest(where, env, CORES + 2, *chosen, *arguments)  # tests with workers of their own mostly wait for these
    if "DATABASE_URL" not in env and not arguments:
        if postgres.find():
            with postgres.cluster() as url:
                print("\nThe same on PostgreSQL:", flush=True)
                code = pytest("PostgreSQL", {**env, "DATABASE_URL": url}, CORES + 1, "-m", TOUCHES_THE_DATABASE) or code
        else:
            left_out.append("the suite on PostgreSQL: install it (Debian: apt-get install postgresql)")
    for line in left_out:
        print(f"Left out: {line}")
    return code or (1 if left_out and env.get("CI") else 0)


def pytest(where: str, env: dict[str, str], processes: int, *arguments: str) -> int:
    """Run tests, and say how long they took on the database `where`. Returns the exit code."""
    command = [sys.executable, "-m", "pytest", "-n", str(processes), *arguments]
    began = time.monotonic()
    code = subprocess.run(command, env=env, check=False).returncode
    print(f"Tests on {where} took {time.monotonic() - began:.0f} s.", flush=True)
    return code


if __name__ == "__main__":
    sys.exit(main())
