"""Archiving and restoring take the same memory whatever a result's size.

GAS_BIG_ARCHIVE_MB=2048 has the large one be 2 GB, for the worker's limit of 300 MB.
"""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from tests.support.processes import ROOT

pytestmark = pytest.mark.long(seconds=8)


SMALL_MB = 50
LARGE_MB = int(os.environ.get("GAS_BIG_ARCHIVE_MB", "200"))
LIMIT_MB = 300
#: Archives, retrieves, restores, and prints the peak of its own resident memory in MB.
WORKER = """
import json, re, sys
import django
django.setup()
from pathlib import Path
from django.conf import settings
from gas.aws import clients, copies
from gas.aws.archive_routes import archive
copies.SINGLE_COPY_MAX_BYTES = 20 * 1024**2
copies.PART_BYTES = 16 * 1024**2
route, wanted = sys.argv[1], json.loads(sys.argv[2])
if route == "vault":
    clients.glacier().create_vault(vaultName=settings.GLACIER_VAULT)
one = archive(route)
stored = one.store(**wanted, archive_key="1/" + wanted["source_key"])
retrieval = one.begin_retrieval(stored.archive_id, tier="Standard", size=stored.size)
target = wanted["source_key"] + "-back"
one.restore_to(stored.archive_id, retrieval, target, size=stored.size, sha256=stored.sha256)
assert clients.s3().head_object(Bucket=settings.S3_RESULTS_BUCKET, Key=target)["ContentLength"] == stored.size
one.delete(stored.archive_id)
# Not getrusage: its peak counts that of the process which started this one.
print(int(re.search(r"VmHWM:\\s+(\\d+) kB", Path("/proc/self/status").read_text())[1]) // 1024)
"""


@pytest.fixture(scope="module")
def big_aws() -> Iterator[dict[str, Any]]:
    command = [sys.executable, "-m", "tests.support.big_aws", str(SMALL_MB), str(LARGE_MB)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            yield json.loads(process.stdout.readline())
        finally:
            process.kill()


def peak(aws: dict[str, Any], route: str, wanted: dict[str, Any]) -> int:
    environment = {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "tests.settings",
        "AWS_DEFAULT_REGION": "us-east-1",
        "ARCHIVE_PART_BYTES": str(8 * 1024**2),
    }
    program = "from tests import settings as s; " + f"s.AWS_ENDPOINT_URL = 'http://127.0.0.1:{aws['port']}'\n" + WORKER
    done = subprocess.run(
        [sys.executable, "-c", program, route, json.dumps(wanted)],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=1800,
    )
    assert done.returncode == 0, done.stderr
    return int(done.stdout)


@pytest.mark.skipif(not os.path.exists("/proc/self/status"), reason="the peak is read from Linux's /proc")  # noqa: PTH110
@pytest.mark.parametrize("route", ["vault", "class"])
def test_memory_does_not_grow_with_size(big_aws: dict[str, Any], route: str) -> None:
    small, large = (peak(big_aws, route, wanted) for wanted in big_aws["objects"])
    print(f"{route}: {SMALL_MB} MB took {small} MB, {LARGE_MB} MB took {large} MB")  # noqa: T201  (seen with -s)
    assert large < small + 20
    assert large < LIMIT_MB
