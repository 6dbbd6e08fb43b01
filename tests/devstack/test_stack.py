"""The whole stack: what starts, what is started again, and that nothing is left when it stops."""

import os
import signal

import pytest
import requests

from devstack.client import Refused, Scientist
from devstack.processes.data_dir import NotOurs
from devstack.stack import Stack
from devstack.waiting import wait_for
from gas.jobs.states import JobStatus
from tests.support.processes import descendants, gone

pytestmark = [pytest.mark.workers, pytest.mark.service("devstack", seconds=90)]


def test_the_site_and_its_parts_answer(stack):
    assert requests.get(stack.web_url, timeout=10).ok
    assert requests.get(f"{stack.aws_url}/_devstack/health", timeout=10).json() == {"ok": True}
    assert requests.get(stack.mail_url, timeout=10).ok
    # Other tests use the same stack, and leave jobs in it.
    assert set(stack.state()["statuses"]) <= set(JobStatus.values)


def test_both_accounts_sign_in_and_only_staff_sees_the_admin_site(stack):
    for account, status in ((stack.accounts.demo, 302), (stack.accounts.staff, 200)):
        with Scientist(stack.web_url, email=account.email, password=account.password) as person:
            person.sign_in()
            admin = person.session.get(f"{stack.web_url}/admin/", timeout=10, allow_redirects=False)
            assert admin.status_code == status


def test_a_wrong_password_is_refused_with_the_pages_words(stack):
    person = Scientist(stack.web_url, email=stack.accounts.demo.email, password="wrong")
    with person, pytest.raises(Refused, match=r"(?i)password"):
        person.sign_in()


@pytest.mark.parametrize("name", ["worker-1", "web"])
def test_a_killed_process_comes_back_and_leaves_nothing(stack, name):
    before, starts = descendants(stack.pid(name)), stack.starts(name)
    assert len(before) > 1
    stack.kill(name)
    wait_for(lambda: stack.starts(name) > starts, 30, f"{name} again")
    stack.wait_ready(name)
    assert gone(before)
    assert requests.get(stack.web_url, timeout=10).ok


def test_a_folder_in_use_is_refused(stack):
    other = Stack(stack.data.path)
    with pytest.raises(NotOurs):
        other.start()
    assert requests.get(stack.web_url, timeout=10).ok


def test_when_aws_dies_everything_starts_clean(stack, said):
    stack.aws("s3").put_object(Bucket="gas-inputs", Key="lost", Body=b"x")
    with Scientist(stack.web_url, email="ada@lab.example", password="correct horse battery", mail=stack.mail) as ada:
        ada.sign_up()
        ada.verify()
    before = descendants(stack.pid("web"))
    (child,) = descendants(stack.pid("aws")) - {stack.pid("aws")}
    os.kill(child, signal.SIGKILL)
    wait_for(lambda: any("Started clean" in text for text in said), 120, "the new start")
    assert gone(before)
    assert stack.objects() == []
    assert stack.mail() == []
    with pytest.raises(Refused):
        ada.sign_in()
    demo = stack.accounts.demo
    with Scientist(stack.web_url, email=demo.email, password=demo.password) as person:
        person.sign_in()


def test_nothing_is_left_when_it_stops(tmp_path):
    stack = Stack(tmp_path / "data")
    stack.start()
    pids = {pid for name in ("aws", "web", "worker-1", "beat") for pid in descendants(stack.pid(name))}
    assert len(pids) >= 8
    stack.stop()
    assert gone(pids)
    stack.stop()  # again: nothing happens


def test_a_setting_that_cannot_be_ends_the_start_with_its_reason(tmp_path):
    with pytest.raises(Exception, match="LEASE_SECONDS"):
        Stack(tmp_path / "data", env={"LEASE_SECONDS": "soon"}).start()
