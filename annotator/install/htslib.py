"""Run one of htslib's indexers in a child process: `index`, and the script that it runs.

Usage of the script: htslib.py faidx|tabix FILE. htslib's messages are written to standard error.
"""

import errno
import os
import shutil
import subprocess
import sys
from pathlib import Path

LEAST_ROOM = 1024 * 1024  # minimum free bytes for an index


def index(kind: str, path: Path) -> str | None:
    """Index a bgzip file: `faidx` writes .fai and .gzi next to it, `tabix` a .csi for a GFF3. Return the error or None.

    The indexer runs in a child process, because htslib exits on some errors. Raises OSError if there is no space for
    the index.
    """
    command = [sys.executable, "-I", "-B", __file__, kind, str(path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=path.parent)
    if done.returncode == 0:
        return None
    if shutil.disk_usage(path.parent).free < LEAST_ROOM:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))  # htslib does not report this
    said = [line.strip() for line in done.stderr.splitlines() if line.strip()]
    faults = [line.partition("]")[2].strip() or line for line in said if line.startswith("[E::")]
    return (faults or said or [f"it ended with status {done.returncode}"])[-1].rstrip(".")


def main(kind: str, path: str) -> int:
    """Index the file, and return the exit status."""
    import pysam  # noqa: PLC0415 - only in the child

    if kind == "faidx":
        pysam.faidx(path)
    else:
        pysam.tabix_index(path, preset="gff", force=True, csi=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
