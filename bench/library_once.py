"""One run of the library as a worker has it, in a process that has annotated before.

`python -m bench.library_once FILE PACKS` prints the seconds of wall time, and of processor time with all children.
"""

import resource
import sys
import tempfile
import time
from itertools import islice
from pathlib import Path

import pysam

from annotator.pipeline import annotate
from annotator.references import load_reference
from annotator.sources.manifest import installed_sources

#: Records of the first run: enough to go through in blocks.
FIRST = 40_000
PACK = "bench"


def main(source: Path, packs: Path) -> None:
    reference = load_reference(PACK, packs)
    sources = installed_sources(packs, reference.id)
    with tempfile.TemporaryDirectory(dir=packs.parent) as folder:
        head = Path(folder) / "head.vcf"
        with pysam.BGZFile(str(source)) as lines:
            head.write_bytes(b"".join(line + b"\n" for line in islice(lines, FIRST)))
        annotate(head, Path(folder), reference=reference, sources=sources)
        before, began = cpu(), time.monotonic()
        annotate(source, Path(folder), reference=reference, sources=sources)
        sys.stdout.write(f"{time.monotonic() - began} {cpu() - before}\n")


def cpu() -> float:
    """Processor seconds of this process and of the children that have ended."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in used)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
