"""The front end as built: how much a page loads, that nothing it uses is left out, and that an old one is told."""

import os
import re
from pathlib import Path

import pytest

from tests.support.frontend import ROOT, staleness

DIST = ROOT / "gas" / "static" / "dist"
#: Bytes of script and style that every page loads, and those of the explorer, before compression.
FIRST_LOAD = 160_000


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


def test_what_every_page_loads_is_small() -> None:
    """The explorer's bar is 300 KB; htmx is 61 KB, and the part of Bootstrap that pages use 33 KB of 232."""
    loaded = {name: (DIST / name).stat().st_size for name in ("theme.js", "app.js", "app.css")}
    assert sum(loaded.values()) <= FIRST_LOAD, loaded
    base = (ROOT / "gas" / "templates" / "base.html").read_text()
    assert sorted(re.findall(r"'dist/([\w.]+)'", base)) == sorted(loaded)
    others = [path for path in (ROOT / "gas" / "templates" / "explorer").glob("*.html") if "'dist/" in path.read_text()]
    assert not [path.name for path in others if path.name != "variant.html"]  # which has genome.js, loaded on demand


def test_every_bootstrap_class_of_a_page_is_in_the_built_style() -> None:
    """The build leaves out what no page uses. After adding such a class, `npm run build` has to run again."""
    bootstrap = (ROOT / "node_modules" / "bootstrap" / "dist" / "css" / "bootstrap.css").read_text()
    known = set(re.findall(r"\.([A-Za-z][\w-]*)", re.sub(r"/\*.*?\*/|url\(.*?\)", "", bootstrap, flags=re.DOTALL)))
    pages = [*(ROOT / "gas").rglob("*.html"), *(ROOT / "gas").rglob("*.py")]
    named = {word for page in pages for word in re.findall(r"[\w-]+", page.read_text())} & known
    built = (DIST / "app.css").read_text()
    assert len(named) > 40
    assert not sorted(name for name in named if f".{name}" not in built)
