"""Run bcftools in child processes with limits, forked from SERVER.

bcftools is a library inside pysam. It never runs in the caller's own process: it holds the interpreter lock throughout,
and a crash would end the worker.
"""

import contextlib
import importlib.util
import os
import re
import signal
import subprocess
import tempfile
from collections.abc import Callable, Sequence
from io import BufferedReader
from pathlib import Path
from typing import IO

from annotator.errors import EngineError
from annotator.formats.forks import LOST, ForkServer, end_of

LAUNCHER = Path(__file__).with_name("launcher.py")
SERVER = ForkServer(LAUNCHER)
POLL_SECONDS = 0.1
MESSAGE_BYTES = 64 * 1024  # the last bytes of a tool's stderr, which are kept


def versions() -> dict[str, str]:
    """Return the versions of pysam and of the bcftools and htslib inside it, without loading them."""
    # pysam/version.py has three assignments; importing pysam would load its C libraries into this process.
    spec = importlib.util.find_spec("pysam")
    if spec is None or not spec.submodule_search_locations:
        raise EngineError("no-pysam", "pysam is not installed")
    found: dict[str, str] = {}
    for line in (Path(spec.submodule_search_locations[0]) / "version.py").read_text().splitlines():
        name, equals, value = line.partition("=")
        if equals and not name.startswith("#"):
            found[name.strip().strip("_")] = value.strip().strip('"')
    return {
        "bcftools": found["bcftools_version"],
        "htslib": found["htslib_version"],
        "pysam": found["version"],
    }


#: Messages of bcftools, HTSlib and Python when they run out of memory.
_NO_MEMORY = re.compile(
    r"MemoryError|out of memory|(?:cannot|could not|couldn't|failed to|unable to) allocate", re.IGNORECASE
).search


class Tool:
    """One running bcftools command, in its own process group."""

    def __init__(
        self,
        command: str,
        arguments: Sequence[str | Path],
        *,
        work_dir: Path,
        memory_bytes: int,
        cpu_seconds: int,
        stdin: int | None = subprocess.DEVNULL,
        stdout: int | None = subprocess.DEVNULL,
        temporary: Path | None = None,
    ) -> None:
        """Start the command.

        Args:
            command: the bcftools command.
            arguments: its arguments.
            work_dir: its working folder.
            memory_bytes: limit on its memory.
            cpu_seconds: limit on its CPU time.
            stdin, stdout: a descriptor, PIPE, or DEVNULL.
            temporary: folder of its temporary files, which remain if it is killed; by default, work_dir.
        """
        self.command = command
        self._messages = ""
        # A file and not a pipe: nothing has to read it while the command runs, and it cannot fill up and block.
        self._stderr: IO[bytes] = tempfile.TemporaryFile(dir=work_dir)  # noqa: SIM115 - closed by close()
        try:
            self.process = SERVER.fork(
                [str(memory_bytes), str(cpu_seconds), command, *map(str, arguments)],
                folder=work_dir,
                environment={"TMPDIR": str(temporary or work_dir), "LC_ALL": "C", "PATH": os.defpath},
                stdin=stdin,
                stdout=stdout,
                stderr=self._stderr.fileno(),
            )
        except BaseException:
            self._stderr.close()
            raise

    @property
    def stdin(self) -> IO[bytes]:
        """The pipe to the command, if it was started with one."""
        if self.process.stdin is None:
            raise ValueError("started without stdin=PIPE")
        return self.process.stdin

    @property
    def stdout(self) -> BufferedReader:
        """The pipe from the command, if it was started with one."""
        if not isinstance(self.process.stdout, BufferedReader):
            raise ValueError("started without stdout=PIPE")  # noqa: TRY004
        return self.process.stdout

    def wait(self, check: Callable[[], None]) -> None:
        """Wait until the command ends. check is called often, and may raise to stop waiting."""
        while self.process.poll() is None:
            check()
            self.process.pause(POLL_SECONDS)

    def messages(self) -> str:
        """Return the last 64 KiB of the command's stderr."""
        if self._stderr.closed:
            return self._messages
        self._messages = end_of(self._stderr, MESSAGE_BYTES)
        return self._messages

    def kill(self) -> None:
        """Kill the whole process group at once; harmless if it has ended."""
        if self.process.poll() is None:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self.process.pid, signal.SIGKILL)

    def close(self) -> None:
        """Kill the command if it still runs, reap it, and close its pipes."""
        self.kill()
        self.process.wait()
        self.messages()
        for stream in (self.process.stdin, self.process.stdout, self._stderr):
            if stream is not None:
                with contextlib.suppress(OSError):  # a pipe without a reader cannot be flushed
                    stream.close()

    def failure(self) -> EngineError | None:
        """Return the error of the command; None if it succeeded. Call it after the command has ended."""
        status = self.process.returncode
        if status == 0:
            return None
        if status is None:
            return EngineError("tool-running", f"bcftools {self.command} has not ended")
        if status == LOST:
            return EngineError(
                "no-process", f"bcftools {self.command} was killed: the process it was forked from has ended"
            )
        if status < 0:
            name = signal.Signals(-status).name
            code = "tool-time" if name == "SIGXCPU" else "tool-crashed"
            return EngineError(code, f"bcftools {self.command} was ended by {name}")
        if _NO_MEMORY(self.messages()):
            return EngineError("tool-memory", f"bcftools {self.command} ran out of memory")
        return EngineError("tool-failed", f"bcftools {self.command} ended with status {status}")
