"""Work for child processes that goes wrong: called by name in the child, see `annotator.run.process.child.run`."""

import ctypes
import os
import signal
import threading
from pathlib import Path
from typing import Any

from annotator.errors import EngineError, InputError
from annotator.formats.bcftools import SERVER, Tool
from annotator.run.process import work
from tests.annotator.install.disks import no_room_beyond

MEGABYTE = 1024**2


def answer(*, tell: Any, value: Any) -> Any:
    return value


def refuse(*, tell: Any) -> None:
    raise InputError("made-up", "Line 3: made up.", "Leave it out.", 3)


def fail(*, tell: Any) -> None:
    raise EngineError("made-up", "made up")


def raise_error(*, tell: Any) -> None:
    raise ZeroDivisionError("made up")


def hold_the_lock(*, tell: Any) -> None:
    """Never give the interpreter lock to anybody, as a regular expression may."""
    ctypes.PyDLL(None).sleep(1000)


def hold_the_lock_beside_bcftools(*, tell: Any, folder: str) -> None:
    """The same, with a bcftools process that waits for a file for ever."""
    os.mkfifo(Path(folder) / "never.vcf")
    Tool("view", ["never.vcf"], work_dir=Path(folder), memory_bytes=1024**3, cpu_seconds=100)
    hold_the_lock(tell=tell)


def run_bcftools_to_its_end(*, tell: Any, folder: str) -> int:
    """Return the number of the process that ran it."""
    source = Path(folder) / "in.vcf"
    source.write_text("##fileformat=VCFv4.2\n#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\n")
    tool = Tool("view", ["in.vcf"], work_dir=Path(folder), memory_bytes=1024**3, cpu_seconds=100)
    tool.process.wait()
    tool.close()
    return tool.process.pid


def server_of_bcftools(*, tell: Any) -> int | None:
    """Return the number of the process that this process's bcftools commands are forked from."""
    return SERVER.pid


def take_memory(*, tell: Any, megabytes: int) -> None:
    """A little at a time, and wait."""
    taken = [os.urandom(1) * MEGABYTE for _ in range(megabytes)]
    threading.Event().wait(100)
    del taken


def ask_for_memory(*, tell: Any, megabytes: int) -> int:
    """All at once."""
    return len(bytearray(megabytes * MEGABYTE))


def abort_for_memory(*, tell: Any) -> None:
    """As Rust does when memory is refused to it."""
    os.write(2, b"memory allocation of 123456789 bytes failed\n")
    os.abort()


def die(*, tell: Any, number: int, megabytes: int = 0) -> None:
    taken = [os.urandom(1) * MEGABYTE for _ in range(megabytes)]
    if taken:
        threading.Event().wait(0.5)  # the parent has seen it
    os.kill(os.getpid(), number)
    signal.pause()


def annotate_with_room(*, room: int, **arguments: Any) -> Any:
    """Annotate on a disk that takes only `room` bytes of each file."""
    with no_room_beyond(room):
        return work.annotate(**arguments)


def environment(*, tell: Any) -> dict[str, str]:
    return dict(os.environ)


def talk(*, tell: Any) -> str:
    print("this is no answer", flush=True)  # noqa: T201
    return "done"


def processes(*, tell: Any) -> dict[str, int]:
    """Who it is, and what it has beyond a bare process."""
    return {"pid": os.getpid(), "session": os.getsid(0), "oom": int(Path("/proc/self/oom_score_adj").read_text())}
