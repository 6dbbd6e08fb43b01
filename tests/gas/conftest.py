"""What tests of several rooms of the site share."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gas.jobs.models import Job
from tests.support.tabled_jobs import give_table


@pytest.fixture
def job_with_table(pending: Callable[..., Job], settings: Any, tmp_path: Path) -> Job:
    """A completed job whose table of 50 records, of three samples, is in S3."""
    settings.EXPLORER_CACHE_DIR = tmp_path / "copies"
    return give_table(pending(), tmp_path)
