"""Whether the front end that browser tests load was built from the sources that are here now."""

from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def staleness(sources: Path = ROOT / "gas" / "frontend", built: Path = ROOT / "gas" / "static" / "dist") -> str:
    """Return why browser tests would not try the present sources, in a sentence; "" if they would."""
    made = max((path.stat().st_mtime for path in built.rglob("*") if path.is_file()), default=0.0)
    newer = [path for path in sources.rglob("*") if path.is_file() and path.stat().st_mtime > made]
    if not newer:
        return ""
    name = min(newer).relative_to(sources)
    return f"The front end in {built.name} is older than {name}: run `make setup` (or `npm run build`) first."
