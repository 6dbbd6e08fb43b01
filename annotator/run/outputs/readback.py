"""Have bcftools read a result while it is written: a file that bcftools cannot read must not be published.

Records whose values all have the form of their types (annotator.run.columnar.forms) are not read.
"""

import os
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from subprocess import DEVNULL, PIPE

from annotator.errors import InputError
from annotator.formats.bcftools import Tool
from annotator.run.outputs import vcf_writer

StartTool = Callable[[str, list[str | Path], int, int], Tool]


class Unreadable(Exception):
    """bcftools cannot read the result; `error` is the message for the owner of the file."""

    def __init__(self, error: InputError) -> None:
        super().__init__(error.message)
        self.error = error


class Reading:
    """One reading of a result by bcftools. Use as a context manager."""

    def __init__(self, start_tool: StartTool) -> None:
        self._start_tool = start_tool
        self._tool: Tool | None = None
        self._closed = False  # whether bcftools has stopped reading
        #: The header for reading the records. Set it before the first record is written.
        self.header: Sequence[str] = ()
        #: The lines of the header that may grow in number while the records are read.
        self.declared: Sequence[str] = ()

    def __enter__(self) -> "Reading":
        return self

    def __exit__(self, *_: object) -> None:
        if self._tool is not None:
            self._tool.close()

    def kill(self) -> None:
        """Kill bcftools at once."""
        if self._tool is not None:
            self._tool.kill()

    def write(self, data: bytes | memoryview) -> None:
        """Pass annotated lines to bcftools. `end` reports whether it could read them."""
        if self._closed or not data:
            return
        try:
            if self._tool is None:
                self._tool = self._start(PIPE, "-")
                self._tool.stdin.write("".join(f"{line}\n" for line in self.header).encode("latin-1"))
            self._tool.stdin.write(data)
        except BrokenPipeError:
            self._closed = True

    def end(self, target: Path, declared: Sequence[str], watch: Callable[[], None]) -> None:
        """Wait until bcftools has read everything.

        If the header has changed, or no lines were written, bcftools reads the finished file instead.

        Args:
            target: the finished file.
            declared: `declared` at the end of the run.
            watch: called while waiting; may raise to stop.

        Raises:
            Unreadable: bcftools cannot read a record.
            EngineError: bcftools failed for another reason.
        """
        if self._tool is not None and declared == self.declared:
            with suppress(BrokenPipeError):  # the exit status says why
                self._tool.stdin.close()
        else:
            if self._tool is not None:
                self._tool.close()
            self._tool = self._start(DEVNULL, target.resolve())
        self._tool.wait(watch)
        failure = self._tool.failure()
        if failure is None:
            return
        messages = self._tool.messages()
        # If bcftools runs out of memory, or cannot open the file, the failure is not about the records.
        if failure.code == "tool-failed" and "Failed to open file" not in messages:
            raise Unreadable(vcf_writer.unreadable(messages))
        raise failure

    def _start(self, stdin: int, source: str | Path) -> Tool:
        return self._start_tool("view", ["--no-version", "-Ou", "-o", os.devnull, source], stdin, DEVNULL)
