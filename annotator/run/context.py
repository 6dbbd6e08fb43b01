"""State that all stages of one run share: input, options, callbacks, and the checks for cancellation and time."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from annotator.errors import Cancelled, EngineError
from annotator.formats import bcftools
from annotator.formats.bcftools import Tool
from annotator.preflight.build_detection.header_build import Installed
from annotator.reference.pack import Reference
from annotator.run.options import Limits, Outputs, Progress
from annotator.sources.manifest import Source

PROGRESS_SECONDS = 0.5


@dataclass(frozen=True)
class RunContext:
    """One call of `annotate`; see there for the fields that are its parameters.

    work_dir: a folder for temporary files.
    started: start of the run, in seconds of the monotonic clock.
    """

    source: Path
    out_dir: Path
    work_dir: Path
    reference: Reference
    sources: Sequence[Source]
    limits: Limits
    outputs: Outputs
    provenance: Mapping[str, str]
    installed: Installed
    on_progress: Callable[[Progress], None] | None
    cancelled: Callable[[], bool]
    started: float = field(default_factory=time.monotonic)
    _told: list[tuple[str, float]] = field(default_factory=lambda: [("", 0.0)])

    @cached_property
    def versions(self) -> dict[str, str]:
        """The versions of bcftools, htslib and pysam."""
        return bcftools.versions()

    @property
    def libraries(self) -> str:
        """The versions as text for headers and logs."""
        versions = self.versions
        return f"bcftools {versions['bcftools']} (htslib {versions['htslib']}, pysam {versions['pysam']})"

    @property
    def cpu_seconds(self) -> int:
        """The CPU time that each bcftools process may use, in seconds."""
        return max(1, int(self.limits.seconds))

    def tool(self, command: str, arguments: list[str | Path], stdin: int, stdout: int) -> Tool:
        """Start a bcftools command within the run's limits.

        Args:
            command: the name of the command, such as "index".
            arguments: its arguments.
            stdin: a file descriptor, or a constant of `subprocess`.
            stdout: a file descriptor, or a constant of `subprocess`.
        """
        return Tool(
            command,
            arguments,
            work_dir=self.work_dir,
            memory_bytes=self.limits.memory_bytes,
            cpu_seconds=self.cpu_seconds,
            stdin=stdin,
            stdout=stdout,
        )

    def watch(self) -> None:
        """Check whether the run may continue.

        Raises:
            Cancelled: the caller cancelled the run.
            EngineError: the run exceeds its time limit.
        """
        if self.cancelled():
            raise Cancelled
        if time.monotonic() > self.started + self.limits.seconds:
            raise EngineError("time-limit", f"the annotation took longer than {self.limits.seconds:g} s")

    def tell(self, stage: str, records: int, *, now: bool = False) -> None:
        """Report progress at each change of stage, and otherwise at most every PROGRESS_SECONDS.

        Args:
            stage: see Progress.
            records: number of annotated records.
            now: report in any case.
        """
        if self.on_progress is None:
            return
        at = time.monotonic()
        last_stage, last_time = self._told[0]
        if now or stage != last_stage or at - last_time >= PROGRESS_SECONDS:
            self._told[0] = stage, at
            self.on_progress(Progress(stage, records))
