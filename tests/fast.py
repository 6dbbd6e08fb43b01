"""`make test-fast`: the tests of the rooms that were changed since the last commit, without services and long tests.

With BASE=main also of what was committed since that branch. Other arguments go to pytest.
"""

import os
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

from tests.run import CORES

ROOT = Path(__file__).resolve().parent.parent


def changed(base: str) -> list[str]:
    """Return the paths that differ from the commit `base`, and those that Git does not know yet."""
    commands = (["git", "diff", "--name-only", base], ["git", "ls-files", "--others", "--exclude-standard"])
    return [
        line
        for command in commands
        for line in subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.splitlines()
    ]


def targets(paths: Iterable[str], root: Path = ROOT) -> list[str]:
    """Return the tests of the changed files: a test file itself, else the folder under tests/ nearest to the room."""
    found = set()
    for path in map(Path, paths):
        if path.parts[0] == "tests":
            if path.name.startswith("test_") and (root / path).exists():
                found.add(str(path))
            continue
        folder = next((room for room in path.parents if room.parts and (root / "tests" / room).is_dir()), None)
        if folder is not None:
            found.add(str(Path("tests") / folder))
    return sorted(found)


def main() -> int:
    chosen = targets(changed(os.environ.get("BASE") or "HEAD"))
    if not chosen:
        print("No room with tests has changed.")
        return 0
    print("Tests of", *chosen, flush=True)
    quick = ["-m", "not service and not long and not browser"]
    command = [sys.executable, "-m", "pytest", "-q", "-n", str(CORES), *quick, *sys.argv[1:], *chosen]
    code = subprocess.run(command, cwd=ROOT, check=False).returncode
    return 0 if code == 5 else code  # 5: no test was chosen


if __name__ == "__main__":
    sys.exit(main())
