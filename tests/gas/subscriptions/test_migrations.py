"""Production runs dj-stripe's own migrations, which the devstack and the other tests do without."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support import postgres
from tests.support.production import REQUIRED

pytestmark = pytest.mark.long(seconds=50)

ROOT = Path(__file__).resolve().parents[3]


def manage(url: str, *arguments: str) -> str:
    """Under production settings."""
    env = {"PATH": os.environ["PATH"], **REQUIRED, "DATABASE_URL": url}
    done = subprocess.run(
        [sys.executable, "manage.py", *arguments], cwd=ROOT, env=env, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout


@pytest.mark.once
@pytest.mark.skipif(postgres.find() is None, reason="needs PostgreSQL")
def test_all_migrations_run_from_nothing_on_postgresql() -> None:
    with postgres.cluster() as url:
        manage(url, "migrate", "--verbosity", "0")
        assert "No changes detected" in manage(url, "makemigrations", "--check", "--dry-run")
        # Its own, and not the devstack's; and the tables are as the models think.
        code = (
            "from django.db.migrations.recorder import MigrationRecorder; from djstripe.models import Event\n"
            "print(MigrationRecorder.Migration.objects.filter(app='djstripe').count() > 1, Event.objects.count())"
        )
        assert manage(url, "shell", "-c", code).split()[-2:] == ["True", "0"]
