"""One run of the library as a worker has it, in a process that has annotated before.

`python -m bench.library_once FILE PACKS all|coding|one` prints the seconds of wall time, and of processor time
with all children.
"""

import contextlib
import io
import resource
import sys
import tempfile
import time
from itertools import islice
from pathlib import Path

import pysam

from annotator.__main__ import main as annotate

#: Records of the first run: enough to go through in blocks.
FIRST = 40_000
PACK = "bench"


def main(source: Path, packs: Path, transcripts: str) -> None:
    options = ["--reference", PACK, "--references-dir", str(packs), "--transcripts", transcripts]
    with tempfile.TemporaryDirectory(dir=packs.parent) as folder, contextlib.redirect_stdout(io.StringIO()):
        head, out = Path(folder) / "head.vcf", str(Path(folder) / "out.vcf.gz")
        with pysam.BGZFile(str(source), "r", None) as lines:
            head.write_bytes(b"".join(line + b"\n" for line in islice(lines, FIRST)))
        annotate([str(head), out, *options])
        before, began = cpu(), time.monotonic()
        if annotate([str(source), out, *options]) != 0:
            sys.exit(1)
        seconds, used = time.monotonic() - began, cpu() - before
    sys.stdout.write(f"{seconds} {used}\n")


def cpu() -> float:
    """Processor seconds of this process and of the children that have ended."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in used)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3])
