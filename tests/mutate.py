"""Mutation testing of the guards, which takes several hours: every small change to their code must make a test fail.

mutmut, in a virtual environment of its own, changes the modules that pyproject.toml names, one place at a time, and
runs the tests that reach the place. docs/mutants.md says what was measured, which mutants survive, and why.
"""

import argparse
import os
import subprocess
import sys
import sysconfig
from collections import Counter
from fnmatch import fnmatch
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / "var" / "mutmut"
MUTMUT = "mutmut==3.8.1"
KILLED = {"killed", "timeout", "caught by type check"}
#: Percent of the mutants that tests must notice.
WANTED = 95


def main() -> int:
    """Run mutmut, print what survived, and return 1 if that is too much."""
    parser = argparse.ArgumentParser(prog="python -m tests.mutate", description=main.__doc__)
    parser.add_argument(
        "mutants", nargs="*", help="which to try, for example 'gas.jobs.lifecycle.leases.*'; all without it"
    )
    wanted = parser.parse_args().mutants
    mutmut = _installed()
    env = {**os.environ, "DATABASE_URL": f"sqlite:///{ROOT / 'var' / 'mutants.sqlite3'}"}
    subprocess.run([mutmut, "run", "--max-children", "1", *wanted], cwd=ROOT, env=env, check=True)
    told = subprocess.run([mutmut, "results", "--all", "true"], cwd=ROOT, env=env, check=True, stdout=subprocess.PIPE)
    mutants = dict(line.strip().rsplit(": ", 1) for line in told.stdout.decode().splitlines() if ": " in line)
    if wanted:
        mutants = {name: fate for name, fate in mutants.items() if any(fnmatch(name, one) for one in wanted)}
    survivors = [name for name, fate in mutants.items() if fate not in KILLED]
    for name in survivors:
        subprocess.run([mutmut, "show", name], cwd=ROOT, env=env, check=False)
    print(", ".join(f"{count} {fate}" for fate, count in Counter(mutants.values()).most_common()))
    percent = 100 * (len(mutants) - len(survivors)) / len(mutants)
    print(f"{percent:.1f} % of {len(mutants)} mutants were noticed; {WANTED} % are wanted.")
    return 0 if percent >= WANTED else 1


def _installed() -> Path:
    """Make the environment: mutmut, and all packages of the one that runs this."""
    mutmut = VENV / "bin" / "mutmut"
    if not mutmut.exists():
        subprocess.run([sys.executable, "-m", "venv", VENV], check=True)
        subprocess.run([VENV / "bin" / "pip", "install", "--quiet", MUTMUT], check=True)
        purelib = Path(sysconfig.get_path("purelib", vars={"base": str(VENV)}))
        (purelib / "service.pth").write_text(sysconfig.get_path("purelib"))
    return mutmut


if __name__ == "__main__":
    sys.exit(main())
