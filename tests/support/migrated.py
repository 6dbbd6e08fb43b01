"""An SQLite database whose migrations have run, made once and copied for every test process and every stack.

To migrate takes five seconds of processor time; to copy takes none. The file stays in the temporary folder until a
migration or a package changes.
"""

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from functools import cache
from importlib.metadata import distributions
from pathlib import Path

import django
from django.db.migrations.loader import MigrationLoader

from tests.settings import CHECKOUT

ROOT = Path(__file__).resolve().parents[2]


def _version() -> str:
    """A hash of everything that the tables depend on: all migrations, and the releases of all packages."""
    digest = hashlib.sha256()
    for (app, name), migration in sorted(MigrationLoader(None).disk_migrations.items()):
        file = sys.modules[migration.__module__].__file__
        digest.update(f"{app} {name}\n".encode() + (Path(file).read_bytes() if file else b""))
    digest.update("\n".join(sorted(f"{one.name} {one.version}" for one in distributions())).encode())
    return digest.hexdigest()[:12]


@cache
def template() -> Path:
    """Return the path of the migrated database, and make it first where it is missing."""
    folder = Path(tempfile.gettempdir())
    path = folder / f"gas-tests-{CHECKOUT}-{_version()}.template.sqlite3"
    with (folder / f"gas-tests-{CHECKOUT}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # other test processes wait here until it is made
        if not path.exists():
            for old in folder.glob(f"gas-tests-{CHECKOUT}-*.template.sqlite3"):
                old.unlink()
            unfinished = path.with_suffix(".part")
            unfinished.unlink(missing_ok=True)
            env = {**os.environ, "DATABASE_URL": f"sqlite:///{unfinished}", "DJANGO_SETTINGS_MODULE": "tests.settings"}
            command = [sys.executable, "manage.py", "migrate", "--verbosity", "0"]
            subprocess.run(command, cwd=ROOT, env=env, check=True)
            unfinished.rename(path)
    return path


def copy_to(database: Path) -> None:
    """Put a migrated database where `database` says, in place of what is there."""
    for suffix in ("-wal", "-shm", "-journal"):
        database.with_name(database.name + suffix).unlink(missing_ok=True)
    shutil.copyfile(template(), database)


if __name__ == "__main__":
    os.environ["DJANGO_SETTINGS_MODULE"] = "tests.settings"
    django.setup()
    template()
