"""Has the file in DuckDB's own format made from a local Parquet file, next to it, once for all processes of a machine.

A large file takes up to a minute. It is made in the background by a process of its own, which has a low priority and a
memory limit, so that nobody's page waits for it.
"""

import os
import subprocess
import sys
import tempfile
import threading
from concurrent.futures import Future
from pathlib import Path

from django.conf import settings

from gas.explorer import files, native
from gas.explorer.database import NotReadable
from gas.explorer.files import LocalFile, NoRoom

#: Seconds that a page waits for the file before it says so and looks again.
PATIENCE = 2.0
#: Parquet files of this size, in bytes, or less take less time than to start a process.
SMALL = 4 * 1024**2

_guard = threading.Lock()
_running: dict[tuple[int, Path], Future[None]] = {}


class StillBeingMade(Exception):
    """The file takes longer than the caller waits."""


def rows_of(parquet: LocalFile, patience: float | None = PATIENCE) -> LocalFile:
    """Return the file that `native.make` makes of a local Parquet file.

    Args:
        patience: seconds to wait for it if it is not here; None for as long as it takes.

    Raises:
        StillBeingMade: it goes on in the background.
        NotReadable: the Parquet file is not one of the annotator's.
        NoRoom: the file does not fit in the folder, or DuckDB has too little memory for it.
    """
    path = parquet.path.with_suffix(native.ENDING)
    if found := files.hold(path):
        return found
    key = (os.getpid(), path)  # a parent's threads do not run here
    with _guard:
        making = _running.get(key)
        if making is None:
            making = _running[key] = Future()
            threading.Thread(target=_make, args=(key, parquet.path), daemon=True).start()
    try:
        making.result(patience)
    except TimeoutError:
        raise StillBeingMade from None
    found = files.hold(path)
    if found is None:
        raise NoRoom(f"{path.name} was removed at once")
    return found


def _make(key: tuple[int, Path], parquet: Path) -> None:
    making = _running[key]
    try:
        if held := files.hold(parquet):  # else it was removed, and the caller says that there is no room
            try:
                size = held.size
                files.once(key[1], native.GROWTH * size, lambda part: _write(parquet, part, size)).close()
            finally:
                held.close()
        making.set_result(None)
    except BaseException as error:  # raised by who waits
        making.set_exception(error)
    finally:
        with _guard:
            del _running[key]


def _write(parquet: Path, part: Path, size: int) -> None:
    part.unlink()  # DuckDB makes it
    with tempfile.TemporaryDirectory(dir=parquet.parent, prefix=f"{files.SPILL}{os.getpid()}-") as temporary:
        arguments = [str(parquet), str(part), str(settings.EXPLORER_MEMORY_BYTES), temporary]
        if size <= SMALL:
            outcome = native.main(arguments)
        else:
            command = [sys.executable, "-m", native.__name__, *arguments]
            outcome = subprocess.run(command, cwd=settings.BASE_DIR, check=False).returncode
    if outcome == native.NO_ROOM:
        raise NoRoom(f"{parquet.name} could not be converted for lack of memory or disk")
    if outcome:
        raise NotReadable(f"{parquet.name} could not be converted")
