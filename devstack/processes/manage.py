"""Run a management command in the environment of the embedded stack that runs, else in one of its own.

Without a running stack the database is a throw-away one. That is enough to install references and sources: they are
files in REFERENCES_DIR, which the next start reads.
"""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from devstack.processes.data_dir import DataDir
from devstack.processes.environment import Accounts, build_environment

ROOT = Path(__file__).resolve().parents[2]
#: The file in a running stack's data folder that has its environment.
ENVIRONMENT = "environment.json"
#: What a command inherits from its caller: how this machine reaches the internet.
_NETWORK = ("HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "ALL_PROXY", "SSL_CERT_FILE", "SSL_CERT_DIR")


def manage(arguments: Sequence[str], *, data_dir: Path, references: Path) -> int:
    """Run `manage.py ARGUMENTS`, and return its exit code.

    Args:
        arguments: the command and its options.
        data_dir: of the stack that may be running.
        references: the folder of reference packs, if none is running; a running stack knows its own.
    """
    if env := running_environment(data_dir):
        return _run(arguments, env)
    with tempfile.TemporaryDirectory(prefix="gas-manage-") as folder:
        overrides = {"REFERENCES_DIR": str(references), "GLACIER_NOTICES_QUEUE": ""}
        env = build_environment(Path(folder), web_port=0, aws_port=0, accounts=Accounts(), overrides=overrides)
        code = _run(["migrate", "--verbosity", "0"], env)
        return code or _run(arguments, env)


def running_environment(data_dir: Path) -> dict[str, str] | None:
    """Return the environment of the stack that runs in this data folder; None if none does."""
    folder = DataDir(data_dir)
    try:
        env: dict[str, str] = json.loads((folder.path / ENVIRONMENT).read_text())
    except FileNotFoundError:
        return None
    return env if folder.is_claimed() else None


def write_environment(data: Path, env: dict[str, str]) -> None:
    """Leave the environment where `running_environment` finds it. It holds secrets: only its owner can read it."""
    file = os.open(data / ENVIRONMENT, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(file, "w") as stream:
        json.dump(env, stream)


def _run(arguments: Sequence[str], env: dict[str, str]) -> int:
    names = {*_NETWORK, *(name.lower() for name in _NETWORK)}
    network = {name: os.environ[name] for name in names if name in os.environ}
    # In the caller's own folder, so that paths mean what they say.
    command = [sys.executable, str(ROOT / "manage.py"), *arguments]
    return subprocess.run(command, env={**network, **env}, check=False).returncode
