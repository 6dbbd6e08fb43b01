"""Browser tests say so when the front end that they would load is older than its sources."""

import os
from pathlib import Path

import pytest

from tests.support.frontend import staleness


@pytest.mark.parametrize(("source_at", "built_at", "stale"), [(1, 2, False), (2, 1, True), (1, None, True)])
def test_a_front_end_older_than_its_sources_is_told(
    tmp_path: Path, source_at: int, built_at: int | None, stale: bool
) -> None:
    sources, built = tmp_path / "frontend", tmp_path / "dist"
    for folder, name, at in ((sources, "api.js", source_at), (built, "api.hash.js", built_at)):
        folder.mkdir()
        if at is not None:
            (folder / name).touch()
            os.utime(folder / name, (at, at))
    assert ("older than api.js" in staleness(sources, built)) is stale
