"""`make test`: the whole suite on SQLite, then what touches the database again on PostgreSQL.

Arguments go to pytest. With DATABASE_URL set, everything runs once, there. What this machine cannot run is said at
the end, with how to make it run; in CI (CI=true) it is a failure.
"""

import os
import subprocess
import sys

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
    code = pytest(env, CORES + 2, *chosen, *arguments)  # tests with workers of their own mostly wait for these
    if "DATABASE_URL" not in env and not arguments:
        if postgres.find():
            with postgres.cluster() as url:
                print("\nThe same on PostgreSQL:", flush=True)
                code = pytest({**env, "DATABASE_URL": url}, CORES, "-m", TOUCHES_THE_DATABASE) or code
        else:
            left_out.append("the suite on PostgreSQL: install it (Debian: apt-get install postgresql)")
    for line in left_out:
        print(f"Left out: {line}")
    return code or (1 if left_out and env.get("CI") else 0)


def pytest(env: dict[str, str], processes: int, *arguments: str) -> int:
    command = [sys.executable, "-m", "pytest", "-n", str(processes), *arguments]
    return subprocess.run(command, env=env, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
