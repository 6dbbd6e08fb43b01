"""A live embedded AWS in a process of its own, provisioned, for all tests of this folder."""

import subprocess
import sys
from collections.abc import Iterator

import pytest
import requests

from devstack.aws.provision import client, provision
from devstack.processes.ports import free_port
from devstack.stack import ROOT
from devstack.waiting import wait_for
from tests.support.processes import WEB, answers
from tests.support.stacks import migrated_stack


@pytest.fixture(scope="session")
def endpoint() -> Iterator[str]:
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    with subprocess.Popen([sys.executable, "-m", "devstack.aws", "--port", str(port)], cwd=ROOT) as process:
        wait_for(lambda: answers(f"{url}/_devstack/health"), 60, "the embedded AWS")
        provision(url, web_origin=WEB)
        yield url
        process.terminate()


@pytest.fixture(scope="session")
def s3(endpoint):
    return client("s3", endpoint)


@pytest.fixture(scope="session")
def sqs(endpoint):
    return client("sqs", endpoint)


@pytest.fixture(scope="package")
def _sayings():
    return []


@pytest.fixture(scope="package")
def stack(tmp_path_factory, _sayings):
    """One for the folder. Tests may kill its parts: it starts them again."""
    with migrated_stack(tmp_path_factory.mktemp("stack") / "data", say=_sayings.append) as running:
        yield running


@pytest.fixture
def said(_sayings):
    """What the stack says during the test."""
    _sayings.clear()
    return _sayings


@pytest.fixture
def faults(endpoint):
    """Sets the rules, and leaves none behind."""

    def inject(*rules, seed=0):
        answer = requests.post(f"{endpoint}/_devstack/faults", json={"rules": rules, "seed": seed}, timeout=10)
        assert answer.ok, answer.text

    yield inject
    requests.delete(f"{endpoint}/_devstack/faults", timeout=10)
