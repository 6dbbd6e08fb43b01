"""The whole service for tests, on a database whose migrations have run already."""

from pathlib import Path
from typing import Any

from devstack.stack import Stack
from tests.support import migrated


def migrated_stack(folder: Path, **options: Any) -> Stack:
    """Return a stack that is not started yet. The options are those of `Stack`."""
    return Stack(folder, database=migrated.template(), **options)
