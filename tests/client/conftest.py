"""What tests of the command share."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import keyring
import pytest
from django.core.signals import request_finished, request_started
from django.db import close_old_connections
from keyring.backends.fail import Keyring as NoKeyring

from devstack.aws.s3 import presigned
from gas.jobs.models import Job
from gas.users.models import User
from tests.support.api_program import make_token
from tests.support.gas_command import Gas, Network
from tests.support.glacier_standin import StandIn
from tests.support.tabled_jobs import give_table


@pytest.fixture
def job_with_table(pending: Callable[..., Job], settings: Any, tmp_path: Path) -> Job:
    """A completed job whose table of 50 records, of three samples, is in S3."""
    settings.EXPLORER_CACHE_DIR = tmp_path / "copies"
    return give_table(pending(), tmp_path)


@pytest.fixture
def network(aws: StandIn, db: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[Network]:
    monkeypatch.setattr(
        presigned, "ACCESS_KEY", os.environ["AWS_ACCESS_KEY_ID"]
    )  # with which addresses are signed here
    monkeypatch.setattr(presigned, "SECRET_KEY", os.environ["AWS_SECRET_ACCESS_KEY"])
    yield Network(aws)
    for signal in (request_started, request_finished):
        signal.connect(close_old_connections)


@pytest.fixture(autouse=True)
def _home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A person who has never run the command, on a machine without a keyring."""
    for name in ("GAS_TOKEN", "GAS_SERVER", "GAS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("GAS_CONFIG_DIR", str(tmp_path / "config"))
    monkeypatch.setenv("GAS_STATE_DIR", str(tmp_path / "state"))
    monkeypatch.setattr(keyring, "get_keyring", NoKeyring)


@pytest.fixture
def stranger_gas(network: Network, capsys: pytest.CaptureFixture[str]) -> Gas:
    """The command, for nobody whom it knows."""
    return Gas(network, capsys)


@pytest.fixture
def gas(stranger_gas: Gas, person: User, monkeypatch: pytest.MonkeyPatch) -> Gas:
    """The command, signed in by the environment."""
    monkeypatch.setenv("GAS_SERVER", "http://testserver")
    monkeypatch.setenv("GAS_TOKEN", make_token(person))
    return stranger_gas
