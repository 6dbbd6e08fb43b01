"""Run bcftools stats on an annotated file, for MultiQC and plot-vcfstats."""

import tempfile
from collections.abc import Callable
from pathlib import Path
from subprocess import DEVNULL, PIPE

from annotator.formats.bcftools import Tool
from annotator.preflight.reader import CRASHES
from annotator.tables import STATS

MEMORY = 1024**3
#: bcftools stats fails if AC is larger than AN or not an integer. Without both tags it counts the genotypes.
COUNTS = "INFO/AC,INFO/AN"
WITHOUT_COUNTS = "The statistics are made without INFO/AC and INFO/AN, whose values bcftools stats refuses."
LEFT_OUT = "The statistics are left out, because bcftools stats cannot read the file."


class Stats:
    """One run in the background. Use as a context manager, and call `finish` inside.

    Attributes:
        path: the file with the statistics.
        note: a sentence for people if a part of the file is left out of the statistics, else "".
    """

    def __init__(
        self, result: Path, out_dir: Path, *, name: str = "", memory_bytes: int = MEMORY, cpu_seconds: int = 3600
    ) -> None:
        """name: the file's name in the statistics, and its sample in MultiQC's report; "" for the name of `result`."""
        self.path = out_dir / STATS
        self.note = ""
        self._name = " ".join(name.split()) or result.name
        self._result = result
        self._memory_bytes = memory_bytes
        self._cpu_seconds = cpu_seconds
        self._file = self.path.open("wb")
        self._temporary = tempfile.TemporaryDirectory(dir=out_dir, prefix="stats-")
        self._tools: list[Tool] = []
        try:
            # Run in the file's folder with its bare name, so that no path of this machine gets into the text.
            self._start("stats", [result.name], DEVNULL, self._file.fileno())
        except BaseException:
            self._temporary.cleanup()
            self._discard()
            raise

    def __enter__(self) -> "Stats":
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        for tool in self._tools:
            tool.close()
        self._temporary.cleanup()
        if kind is not None:
            self._discard()

    def finish(self, check: Callable[[], None] = lambda: None) -> Path:
        """Wait until the run ends, and return the statistics file. check is called often, and may raise.

        If bcftools rejects the content, the statistics are made without AC and AN. If it rejects that too, the file has
        only a comment about it. `note` describes both cases.

        Raises:
            EngineError: bcftools failed for a reason other than the content.
        """
        if not self._made(check):
            self.note = WITHOUT_COUNTS
            self._file.truncate(0)
            self._file.seek(0)
            annotate = self._start("annotate", ["--no-version", "-x", COUNTS, "-Ou", self._result.name], DEVNULL, PIPE)
            self._start("stats", ["-"], annotate.stdout.fileno(), self._file.fileno())
            annotate.stdout.close()
            if not self._made(check):
                self.note = LEFT_OUT
                self.path.write_text(f"# {LEFT_OUT}\n", encoding="utf-8")
        self._file.close()
        self._rename()
        return self.path

    def _made(self, check: Callable[[], None]) -> bool:
        """Wait for the last command; return whether it accepted the file's content. Raises EngineError."""
        tool = self._tools[-1]
        tool.wait(check)
        status = tool.process.returncode or 0
        if status > 0 or -status in CRASHES:
            return False
        if failure := tool.failure():
            raise failure
        return True

    def _start(self, command: str, arguments: list[str | Path], stdin: int, stdout: int) -> Tool:
        tool = Tool(
            command,
            arguments,
            work_dir=self._result.parent,
            memory_bytes=self._memory_bytes,
            cpu_seconds=self._cpu_seconds,
            stdin=stdin,
            stdout=stdout,
            temporary=Path(self._temporary.name),
        )
        self._tools.append(tool)
        return tool

    def _rename(self) -> None:
        """Replace bcftools' name of its input by the given name."""
        text = self.path.read_bytes()
        new = f"\t{self._name}\n".encode()
        for own in (self._result.name, "<STDIN>"):
            text = text.replace(f"\t{own}\n".encode(), new)
        self.path.write_bytes(text)

    def _discard(self) -> None:
        self._file.close()
        self.path.unlink(missing_ok=True)
