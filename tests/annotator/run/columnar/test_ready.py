"""What is compiled ahead is all that a large file goes through."""

import importlib
import os
import pkgutil
import subprocess
import sys
from pathlib import Path

from numba.core.dispatcher import Dispatcher

from annotator.run import columnar

ROOT = Path(__file__).parents[4]


def test_every_function_is_compiled_and_kept_where_it_is_wanted(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "annotator.run.columnar"],
        cwd=ROOT,
        env={**os.environ, "NUMBA_CACHE_DIR": str(tmp_path)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.startswith("Ready")
    names = [one.name for one in pkgutil.iter_modules(columnar.__path__) if one.name != "__main__"]
    modules = [importlib.import_module(f"annotator.run.columnar.{name}") for name in names]
    wanted = {
        f"{one.py_func.__module__.rpartition('.')[2]}.{one.py_func.__name__}"
        for module in modules
        for one in vars(module).values()
        if isinstance(one, Dispatcher)
    }
    assert len(wanted) > 30
    assert {path.name.partition("-")[0] for path in tmp_path.rglob("*.nbi")} == wanted
