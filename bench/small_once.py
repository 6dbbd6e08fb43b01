"""Run the library once in its own process and print the seconds: `python -m bench.small_once FILE PACKS`."""

import sys
from pathlib import Path

from bench.small import run

if __name__ == "__main__":
    print(run(Path(sys.argv[1]), Path(sys.argv[2]))[0])
