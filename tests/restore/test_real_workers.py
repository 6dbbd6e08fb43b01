"""Archiving and restoring by real worker processes, which are killed, and lose their messages and their AWS.

What a test holds back is an answer of the emulated AWS: the call was carried out, and its caller dies without
having noticed it.
"""

import gzip
import hashlib
import re
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from pathlib import Path

import pytest

from annotator.reference.sample_file import write_sample
from devstack.scenarios.chaos import newcomer
from devstack.scenarios.cold_chaos import COLD, WORKERS, Plan, cold_chaos
from devstack.scenarios.cold_chaos import SETTINGS as CHAOS_SETTINGS
from devstack.stack import Stack, Worker
from devstack.waiting import wait_for
from tests.support.effort import THOROUGH
from tests.support.stacks import migrated_stack

pytestmark = [pytest.mark.workers, pytest.mark.once, pytest.mark.service("archiving and restoring", seconds=90)]

QUICK = {
    "ARCHIVE_AFTER_SECONDS": "6",
    "LEASE_SECONDS": "4",
    "SWEEP_SECONDS": "2",
    "RESEND_AFTER_SECONDS": "6",
    "POLL_EXPEDITED_SECONDS": "2",
    "POLL_STANDARD_SECONDS": "2",
}
SECONDS = 90
#: With `make thorough` the storage classes as well. Else tests/model/test_pauses.py tries what happens to a worker at
#: each moment of their tasks, and the demo in tests/devstack/test_journey.py takes a result there and back.
ROUTES = ["vault", "class"] if THOROUGH else ["vault"]


@pytest.fixture(scope="module", params=ROUTES)
def stack(tmp_path_factory, request):
    """One worker for the cold queues: whatever happens to it, its successor has to finish."""
    workers = (Worker("cold", COLD), Worker("other", ("gas-annotate", "gas-default")))
    env = {**QUICK, "ARCHIVE_ROUTE": request.param}
    with migrated_stack(tmp_path_factory.mktemp("cold") / "data", workers=workers, env=env) as stack:
        stack.glacier(seconds={"Expedited": 1, "Standard": 2})
        yield stack


@pytest.fixture
def case(stack, tmp_path):
    made = Case(stack, tmp_path)
    yield made
    stack.faults([])
    stack.wait_ready()


class Case:
    """A person with one completed job."""

    def __init__(self, stack: Stack, folder: Path) -> None:
        self.stack = stack
        self.person = newcomer(stack, 1)
        path = folder / "sample.vcf"
        write_sample(path, records=30, seed=time.time_ns())
        self.job = self.person.upload(path)
        self.person.wait(self.job)
        self.sha256 = self._digest()

    def _digest(self) -> str:
        return hashlib.sha256(self.person.download(self.job)).hexdigest()

    def result(self):
        return self.person.status(self.job)["result"]

    def row(self):
        return next(row for row in self.stack.state()["results"] if row["job"] == self.job)

    def until(self, state: str) -> None:
        wait_for(lambda: self.result()["state"] == state, SECONDS, f"{state} of {self.job}")

    def hot(self) -> list[str]:
        return [key for key in self.stack.objects(self.job) if "/results/" in key and key.endswith("/annot.vcf.gz")]

    def upgrade(self, at: float = 0) -> None:
        self.stack.manage("devstack_set_plan", self.person.email, "premium", "--at", str(at))

    def hold(self, service: str, action: str) -> None:
        self.stack.faults([{"service": service, "action": action, "mode": "hold", "seconds": 120}])

    def held(self) -> bool:
        return bool(self.stack.fault_counts()[0]["held"])

    def kill_while_it_waits(self) -> None:
        wait_for(self.held, SECONDS, "the call that is held back")
        starts = self.stack.starts("cold")
        self.stack.kill("cold")
        self.stack.faults([])
        wait_for(lambda: self.stack.starts("cold") > starts, 30, "another worker")

    @property
    def orphans(self) -> int:
        """Archives that one dead worker may have left: a vault names them in the answer that it did not hear."""
        return int(self.stack.env["ARCHIVE_ROUTE"] == "vault")

    def check_archived(self, orphans: int = 0) -> None:
        """In Glacier, and nowhere else."""
        self.until("ARCHIVED")
        wait_for(lambda: not self.hot(), SECONDS, "the end of the hot copy")
        assert self.row()["archive_id"] in self.stack.archives(self.job)
        wait_for(lambda: len(self.stack.archives(self.job)) <= 1 + orphans, SECONDS, "the end of other archives")

    def check_available(self, orphans: int = 0) -> None:
        """In S3, once, byte for byte, and not in Glacier."""
        self.until("AVAILABLE")
        assert self._digest() == self.sha256
        wait_for(lambda: len(self.stack.archives(self.job)) <= orphans, SECONDS, "the end of the archive")
        row = self.row()
        assert (row["archive_id"], row["leased"]) == ("", False)
        wait_for(lambda: self.hot() == [f"gas-results/{row['key']}"], SECONDS, "the one hot copy")

    def mails(self) -> int:
        return sum(mail["subject"].endswith(" back") for mail in self.stack.mail(self.person.email))

    def exports(self) -> list[str]:
        return [key for key in self.stack.objects(self.job) if "/variant-exports/" in key]


def store_call(stack: Stack) -> tuple[str, str]:
    """The call that makes an archive."""
    return ("glacier", "UploadArchive") if stack.env["ARCHIVE_ROUTE"] == "vault" else ("s3", "CopyObject")


def restore_call(stack: Stack) -> tuple[str, str]:
    """The call that makes a hot copy of an archive."""
    return ("s3", "PutObject") if stack.env["ARCHIVE_ROUTE"] == "vault" else ("s3", "CopyObject")


def test_a_worker_killed_while_it_archives_loses_nothing(case):
    case.hold(*store_call(case.stack))
    case.kill_while_it_waits()
    case.check_archived(case.orphans)
    case.upgrade()
    case.check_available(case.orphans)
    wait_for(case.mails, SECONDS, "the mail")
    assert case.mails() == 1


def test_a_worker_killed_while_it_restores_leaves_one_copy(case):
    case.check_archived()
    case.hold(*restore_call(case.stack))
    case.upgrade()
    case.kill_while_it_waits()
    case.check_available()
    wait_for(case.mails, SECONDS, "the mail")
    assert case.mails() == 1


def test_a_message_lost_in_the_countdown_is_made_good_by_the_sweep(case):
    assert case.result()["state"] == "AVAILABLE"
    case.stack.kill("cold")
    case.stack.purge("gas-archive")
    due = datetime.fromisoformat(case.result()["archive_due_at"]).timestamp()
    case.until("ARCHIVED")
    # Two rounds of the sweep, and what a slow machine takes to start a worker and do the work.
    assert time.time() < due + 2 * float(QUICK["SWEEP_SECONDS"]) + 45
    case.check_archived()


def test_an_upgrade_whose_message_is_lost_still_brings_everything_back(case):
    case.check_archived()
    case.stack.faults([{"service": "sqs", "action": "SendMessage"}])
    case.upgrade()
    case.stack.faults([])
    case.check_available()


def test_an_upgrade_while_the_archive_is_made_keeps_the_hot_copy(case):
    case.hold(*store_call(case.stack))
    wait_for(case.held, SECONDS, "the archive being made")
    case.upgrade()
    case.stack.faults([])
    case.check_available()
    assert case.result()["archive_due_at"] is None


def test_an_upgrade_in_the_last_second_strands_nobody(stack, tmp_path):
    """From a second before the archival to a second after it."""

    def upgraded(early: float) -> Case:
        folder = tmp_path / str(early)
        folder.mkdir()
        case = Case(stack, folder)
        due = case.result()["archive_due_at"]
        case.upgrade(datetime.fromisoformat(due).timestamp() - early if due else 0)
        return case

    # A few at once: all of them would wait for the machine, and not for the deadline.
    with ThreadPoolExecutor(2) as pool:
        cases = list(pool.map(upgraded, (0.8, 0.0, -0.7, -1.5)))
    for case in cases:
        case.check_available()


@pytest.mark.service("storm of archives", seconds=80)
@pytest.mark.parametrize("route", ROUTES)
def test_results_survive_killed_workers_and_an_aws_that_fails_and_falls(tmp_path, route):
    plan = Plan(jobs=8 if THOROUGH else 4, seconds=180, down=4, people=2)
    quick = {**CHAOS_SETTINGS, **QUICK, "ARCHIVE_AFTER_SECONDS": "10", "ARCHIVE_ROUTE": route}
    with migrated_stack(tmp_path / "data", workers=WORKERS, env=quick) as stack:
        outcome = cold_chaos(stack, plan, tmp_path)
    assert outcome.problems == [], outcome.report()
    assert outcome.mails == 2
    assert outcome.outages == 2
    assert sum(outcome.kills.values()) >= 2
    assert outcome.faults > 0


@pytest.mark.parametrize("stack", ["vault"], indirect=True)  # the routes of the archive make no difference
def test_a_worker_killed_while_it_exports_loses_nothing_and_makes_nothing_twice(case):
    case.upgrade()
    table = f"/jobs/{case.job}/variants/"
    wait_for(lambda: 'data-total="30"' in case.person.page(table), SECONDS, "the table")
    case.hold("s3", "PutObject")
    case.person._post(f"{table}export/tsv/prepare/")
    case.kill_while_it_waits()
    wait_for(lambda: "Ready, " in case.person.page("/exports/"), SECONDS, "the export")
    path = re.search(r"/exports/[0-9a-f-]{36}/file/", case.person.page("/exports/"))[0]
    content = case.person.session.get(case.stack.web_url + path, timeout=30).content
    assert len(gzip.decompress(content).splitlines()) == 2 + 30  # the citation, the header, the variants
    wait_for(lambda: len(case.exports()) == 1, SECONDS, "the end of what the dead worker stored")
    case.person.delete(case.job)
    wait_for(lambda: not case.exports(), SECONDS, "the end of the export")
