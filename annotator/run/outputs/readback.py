"""bcftools reads a result while it is written: what it cannot read must not be handed out.

Records whose values all have the form of their types (annotator.run.columnar.forms) are left out.
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
    """bcftools cannot read the result; error says so to its owner."""

    def __init__(self, error: InputError) -> None:
        super().__init__(error.message)
        self.error = error


class Reading:
    """One reading of a result. Use as a context manager."""

    def __init__(self, start_tool: StartTool) -> None:
        self._start_tool = start_tool
        self._tool: Tool | None = None
        self._closed = False  # by bcftools: of what follows it wants no more
        #: The header that the records are read with, told before the first of them is written, and of its lines those
        #: that may become more.
        self.header: Sequence[str] = ()
        self.declared: Sequence[str] = ()

    def __enter__(self) -> "Reading":
        return self

    def __exit__(self, *_: object) -> None:
        if self._tool is not None:
            self._tool.close()

    def kill(self) -> None:
        """End it at once."""
        if self._tool is not None:
            self._tool.kill()

    def write(self, data: bytes | memoryview) -> None:
        """Have records read. What cannot be read is told by `end`."""
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
        """Wait until everything is read, calling `watch` meanwhile.

        If the header has changed, or there was nothing to read, the finished file is read instead.

        Raises:
            Unreadable, EngineError: or what `watch` raises.
        """
        if self._tool is not None and declared == self.declared:
            with suppress(BrokenPipeError):  # its status says why
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
        # A process without memory, or that cannot even open the file, says nothing about its records.
        if failure.code == "tool-failed" and "Failed to open file" not in messages:
            raise Unreadable(vcf_writer.unreadable(messages))
        raise failure

    def _start(self, stdin: int, source: str | Path) -> Tool:
        return self._start_tool("view", ["--no-version", "-Ou", "-o", os.devnull, source], stdin, DEVNULL)
