"""bcftools stats of an annotated file, as MultiQC and plot-vcfstats read it."""

import tempfile
from collections.abc import Callable
from pathlib import Path

from annotator.bcftools import Tool
from annotator.tables import STATS

MEMORY = 1024**3


class Stats:
    """One run, beside which others may work. Use as a context manager, and `finish` it inside."""

    def __init__(
        self, result: Path, out_dir: Path, *, name: str = "", memory_bytes: int = MEMORY, cpu_seconds: int = 3600
    ) -> None:
        """name: what the file is called in there, and a sample in MultiQC's report; "" for its own name."""
        self.path = out_dir / STATS
        self._name = name
        self._result = result
        self._file = self.path.open("wb")
        self._temporary = tempfile.TemporaryDirectory(dir=out_dir, prefix="stats-")
        try:
            # In the file's own folder and by its bare name, so that no path of this machine gets into the text.
            self._tool = Tool(
                "stats",
                [result.name],
                work_dir=result.parent,
                memory_bytes=memory_bytes,
                cpu_seconds=cpu_seconds,
                stdout=self._file.fileno(),
                temporary=Path(self._temporary.name),
            )
        except BaseException:
            self._temporary.cleanup()
            self._discard()
            raise

    def __enter__(self) -> "Stats":
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self._tool.close()
        self._temporary.cleanup()
        if kind is not None:
            self._discard()

    def finish(self, check: Callable[[], None] = lambda: None) -> Path:
        """Wait for its end, while check is called often and may raise, and return the file. Raises EngineError."""
        self._tool.wait(check)
        if failure := self._tool.failure():
            raise failure
        self._file.close()
        if self._name:
            self._rename()
        return self.path

    def _rename(self) -> None:
        text = self.path.read_bytes()
        own = f"\t{self._result.name}\n".encode()
        clean = " ".join(self._name.split()) or self._result.name
        self.path.write_bytes(text.replace(own, f"\t{clean}\n".encode()))

    def _discard(self) -> None:
        self._file.close()
        self.path.unlink(missing_ok=True)
