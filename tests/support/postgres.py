"""A PostgreSQL of our own for one test run, in a temporary folder, on 127.0.0.1."""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
from psycopg import sql

from devstack.processes.ports import free_port

ROOT = Path(__file__).resolve().parents[2]
#: The database whose copies the test processes use.
TEMPLATE = "migrated"


def find() -> Path | None:
    """The folder of the newest PostgreSQL's programs; None where it is not installed."""
    if path := shutil.which("initdb"):
        return Path(path).parent
    folders = [path.parent for path in Path("/usr/lib/postgresql").glob("*/bin/initdb")]
    return max(folders, key=lambda folder: int(folder.parent.name), default=None)


@contextmanager
def cluster() -> Iterator[str]:
    """Start one, and stop and remove it afterwards. Yields its DATABASE_URL."""
    programs = find()
    assert programs is not None
    port = free_port()
    folder = Path(tempfile.mkdtemp(prefix="gas-postgres-"))
    # PostgreSQL refuses to run as root: then it runs as the user that its package made.
    become = ["runuser", "-u", "postgres", "--"] if os.geteuid() == 0 else []
    if become:
        shutil.chown(folder, "postgres", "postgres")

    def run(*command: str) -> None:
        subprocess.run([*become, *command], check=True, stdout=subprocess.DEVNULL, cwd=folder)

    data = str(folder / "data")
    try:
        run(str(programs / "initdb"), "-D", data, "-U", "gas", "-A", "trust", "--no-sync")
        options = f"-h 127.0.0.1 -p {port} -k {folder} -c fsync=off -c max_connections=50"
        run(str(programs / "pg_ctl"), "-D", data, "-w", "-l", str(folder / "log"), "-o", options, "start")
        try:
            yield f"postgres://gas@127.0.0.1:{port}/postgres"
        finally:
            run(str(programs / "pg_ctl"), "-D", data, "-m", "immediate", "stop")
    finally:
        shutil.rmtree(folder)


def make_template(url: str) -> None:
    """Make a database whose migrations have run, for test processes to copy (TEST_DATABASE_TEMPLATE in tests.settings).

    Args:
        url: of the cluster's own database.
    """
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(TEMPLATE)))
    env = {
        **os.environ,
        "DATABASE_URL": f"{url.rpartition('/')[0]}/{TEMPLATE}",
        "DJANGO_SETTINGS_MODULE": "tests.settings",
    }
    subprocess.run([sys.executable, "manage.py", "migrate", "--verbosity", "0"], cwd=ROOT, env=env, check=True)
