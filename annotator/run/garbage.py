"""Python's search for garbage in cycles, while a run goes on, and what becomes of the memory behind it."""

import ctypes
import gc
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from threading import Lock

#: Objects made before the youngest are looked through; Python's own number is 700. What a run makes is seldom in
#: cycles, and goes when nothing refers to it any more.
THRESHOLD = 100_000

_changing = Lock()
_runs = 0
_before: tuple[int, int, int] | None = None
_frozen = False


@contextmanager
def relaxed_gc() -> Iterator[None]:
    """Within the block search less often, and only among what is made in it.

    Each record makes some objects, so Python would look through all that the process has, once or twice in a small
    file: in a worker with Django that takes as long as a quarter of the file's records. Runs at the same time share it.
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
            gc.collect(1)  # what the run has left in cycles, which would wait for a search through everything
            gc.unfreeze()


def _give_back() -> None:
    """Have the C library give back what large files took: it would keep some of it, and more after each."""
    with suppress(AttributeError, OSError):  # glibc's alone
        ctypes.CDLL(None).malloc_trim(0)
