"""python -m devstack run | demo | chaos: see cli.py."""

import sys

from devstack.cli import main

sys.exit(main(sys.argv[1:]))
