"""Compile the functions of this package that read every byte of a file, with Numba, and cache the machine code.

These functions are plain loops over arrays of bytes and numbers. Every index is checked (boundscheck), because anybody
may have uploaded the input. The functions release the GIL, so that threads run in parallel.

Compiling all of them takes half a minute, once on a machine for each version of this package. The machine code is
cached in a folder named after a hash of the sources, next to the bytecode, or in the cache folder of the home directory
if the first is not writable. NUMBA_CACHE_DIR sets another place.
"""

import hashlib
import os
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import Any, TypeVar, cast

import numba
import numpy as np
import numpy.typing as npt

Bytes = npt.NDArray[np.uint8]
Ints = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]

F = TypeVar("F", bound=Callable[..., Any])

_HERE = Path(__file__).parent


def _homes() -> Iterator[Path]:
    if named := numba.config.CACHE_DIR:  # type: ignore[attr-defined]
        yield Path(named)
        return
    yield _HERE / "__pycache__"
    yield Path.home() / ".cache" / "gas"


def _cache() -> Path | None:
    """Return the folder for this version's machine code; None if no folder is writable.

    The name covers all sources, because Numba itself checks only the file of a function, not the files of the functions
    that it calls.
    """
    digest = hashlib.sha256()
    for source in sorted(_HERE.glob("*.py")):
        digest.update(source.read_bytes())
    for home in _homes():
        folder = home / f"blocks-{digest.hexdigest()[:16]}"
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError:
            continue
        if os.access(folder, os.W_OK):
            return folder
    return None


_KEPT = _cache()
if _KEPT is not None:
    numba.config.CACHE_DIR = str(_KEPT)  # type: ignore[attr-defined]


#: These functions create no arrays, so they need no reference counts (_nrt): a call costs a fifth without them.
_OPTIONS: dict[str, Any] = {"cache": _KEPT is not None, "nogil": True, "boundscheck": True, "_nrt": False}


_compiled: list[Any] = []


def compiled(function: F) -> F:
    """Decorate a function to be compiled at its first call. It cannot create arrays, only fill its arguments."""
    _compiled.append(numba.njit(**_OPTIONS)(function))
    return cast("F", _compiled[-1])


def compiled_unchecked(function: F) -> F:
    """Like `compiled`, but for a function that checks the bounds of all its indices itself, once."""
    _compiled.append(numba.njit(**{**_OPTIONS, "boundscheck": False})(function))
    return cast("F", _compiled[-1])


def load_kept() -> None:
    """Load the cached machine code from disk, so that forks of this process need not load it."""
    for function in _compiled if _KEPT is not None else ():
        # The index of the cache: its keys begin with the types of the arguments. Numba has no public API for it.
        for signature, *_ in function._cache._cache_file._load_index():  # noqa: SLF001
            function.compile(signature)


@cache
def are_loaded() -> bool:
    """Load the cached machine code from disk, if any, and return whether every function has machine code.

    Later calls return the result of the first call.
    """
    if not all(function.signatures for function in _compiled):
        load_kept()
    return all(function.signatures for function in _compiled)


def array_of(data: bytes) -> Bytes:
    """Return a writable array with a copy of bytes."""
    return np.frombuffer(bytearray(data), np.uint8)


def packed(texts: Sequence[bytes]) -> tuple[Bytes, Ints]:
    """Return the concatenated texts, and the offset of each text followed by the end of the last."""
    return array_of(b"".join(texts)), np.cumsum([0, *map(len, texts)], dtype=np.int64)


@compiled_unchecked
def same(one: Bytes, start: int, stop: int, other: Bytes, begin: int, end: int) -> bool:
    """Return whether two stretches have the same bytes."""
    if start < 0 or begin < 0 or stop > len(one) or end > len(other):
        raise IndexError("a stretch reaches out of its array")
    if stop - start != end - begin:
        return False
    for step in range(stop - start):  # noqa: SIM110 - compiled
        if one[start + step] != other[begin + step]:
            return False
    return True


@compiled_unchecked
def put(out: Bytes, at: int, source: Bytes, start: int, stop: int) -> int:
    """Copy a stretch of `source` to an offset of `out`; return the offset after it. Compiles to one memory copy."""
    if start < 0 or at < 0 or stop > len(source) or at + stop - start > len(out):
        raise IndexError("a stretch reaches out of its array")
    for step in range(stop - start):
        out[at + step] = source[start + step]
    return at + stop - start


@compiled
def put_number(out: Bytes, at: int, number: int) -> int:
    """Write a number in decimal digits; return the offset after it. Raises ValueError if the number is negative."""
    if number < 0:
        raise ValueError("a number that is written in a result is negative")
    size, rest = 1, number // 10
    while rest:
        size += 1
        rest //= 10
    for step in range(size - 1, -1, -1):
        out[at + step] = ord("0") + number % 10
        number //= 10
    return at + size
