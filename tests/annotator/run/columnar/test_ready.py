"""What is compiled ahead is all that a large file goes through."""

import importlib
import os
import pkgutil
from pathlib import Path

import pytest
from numba.core.dispatcher import Dispatcher

from annotator.run import columnar
from tests.support import compiled

pytestmark = pytest.mark.long(seconds=30)  # where tests.run has not compiled before


def test_every_function_is_compiled_and_kept_where_it_is_wanted(tmp_path: Path) -> None:
    folder = Path(os.environ.get("NUMBA_CACHE_DIR", tmp_path))
    if not (folder / compiled.NAMES).exists():
        folder = tmp_path
        compiled.compile_into(folder, os.environ)
    names = [one.name for one in pkgutil.iter_modules(columnar.__path__) if one.name != "__main__"]
    modules = [importlib.import_module(f"annotator.run.columnar.{name}") for name in names]
    wanted = {
        f"{one.py_func.__module__.rpartition('.')[2]}.{one.py_func.__name__}"
        for module in modules
        for one in vars(module).values()
        if isinstance(one, Dispatcher)
    }
    assert len(wanted) > 30
    assert compiled.names_in(folder) == wanted
