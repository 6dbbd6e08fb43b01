"""The annotator's loops, compiled once for all test processes.

On a fresh machine each process would compile them for itself, for half a minute of processor time.
"""

import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
#: Written into the folder when it is complete: the compiled functions, one a line. Tests may add others later.
NAMES = "compiled.txt"


def compile_into(folder: Path, env: Mapping[str, str]) -> None:
    """Compile what `python -m annotator.run.columnar` compiles, and keep it in an empty folder."""
    command = [sys.executable, "-m", "annotator.run.columnar"]
    environment = {**env, "NUMBA_CACHE_DIR": str(folder)}
    subprocess.run(command, cwd=ROOT, env=environment, stdout=subprocess.DEVNULL, check=True)
    names = {path.name.partition("-")[0] for path in folder.rglob("*.nbi")}
    (folder / NAMES).write_text("\n".join(sorted(names)))


def names_in(folder: Path) -> set[str]:
    """Return which functions `compile_into` has compiled, each as `module.function`."""
    return set((folder / NAMES).read_text().splitlines())
