"""Run Python's cyclic garbage collector less often during a run, and release the run's memory afterwards."""

import ctypes
import gc
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from threading import Lock

#: Number of new objects that starts a collection of the youngest generation; Python's default is 700. A run's objects
#: are seldom in cycles: reference counting frees them.
THRESHOLD = 100_000

_changing = Lock()
_runs = 0
_before: tuple[int, int, int] | None = None
_frozen = False


@contextmanager
def relaxed_gc() -> Iterator[None]:
    """Collect garbage less often within the block, and only among objects that are created in it.

    Each record creates some objects, so by default Python would search all objects of the process once or twice during
    a small file. In a worker with Django, that takes as long as a quarter of the file's records. Concurrent runs share
    the setting.
    """
    _begin()
    try:
        yield
    finally:
        _end()


def _begin() -> None:
    global _runs, _before, _frozen  # noqa: PLW0603
    with _changing:
        _runs += 1
        if _runs > 1 or not gc.isenabled():
            return
        _before = gc.get_threshold()
        gc.set_threshold(THRESHOLD, *_before[1:])
        _frozen = gc.get_freeze_count() == 0  # otherwise frozen objects stay frozen
        if _frozen:
            gc.freeze()


def _end() -> None:
    global _runs, _before  # noqa: PLW0603
    with _changing:
        _runs -= 1
        if _runs or _before is None:
            return
        gc.set_threshold(*_before)
        _before = None
        if "annotator.run.columnar.compiled" in sys.modules:
            _give_back()
        if _frozen:
            gc.collect(1)  # cycles that the run left behind, which otherwise stay until the next full collection
            gc.unfreeze()


def _give_back() -> None:
    """Return the memory of large files to the system. The C library would keep some of it, and more after each file."""
    with suppress(AttributeError, OSError):  # only glibc has malloc_trim
        ctypes.CDLL(None).malloc_trim(0)
