"""The staff's view: look at everything, act through the state machines only."""

from collections.abc import Callable

import pytest
from django.test import Client

from gas.jobs.lifecycle import leases
from gas.jobs.models import Job, UploadSwitch
from gas.jobs.states import JobStatus
from gas.users.models import User
from tests.support.jobs import failed

pytestmark = pytest.mark.django_db


@pytest.fixture
def client(staff: User, browser_of: Callable[[User], Client]) -> Client:
    return browser_of(staff)


def act(client: Client, action: str, *jobs: Job) -> str:
    body = {"action": action, "_selected_action": [str(job.pk) for job in jobs]}
    return client.post("/admin/jobs/job/", body, follow=True).content.decode()


def test_staff_find_a_job_by_owner_name_id_and_state(client: Client, pending: Callable[..., Job]) -> None:
    job = pending(name="needle.vcf")
    for query in ("q=ada@lab", "q=needle", f"q={job.pk}", "status__exact=PENDING"):
        assert "needle.vcf" in client.get(f"/admin/jobs/job/?{query}").content.decode()
    assert "needle.vcf" not in client.get("/admin/jobs/job/?status__exact=FAILED").content.decode()


def test_staff_read_the_timeline_and_the_reason(client: Client, claimed: Callable[..., leases.Claim]) -> None:
    job = failed(claimed())
    page = client.get(f"/admin/jobs/job/{job.pk}/change/").content.decode()
    assert "Upload started." in page
    assert "A worker has started." in page
    assert "no-header" in page


def test_a_state_cannot_be_typed_in(client: Client, pending: Callable[..., Job]) -> None:
    job = pending()
    assert client.post(f"/admin/jobs/job/{job.pk}/change/", {"status": "COMPLETED"}).status_code == 403
    job.refresh_from_db()
    assert job.status == JobStatus.PENDING


def test_staff_retry_what_failed_and_are_named_in_the_timeline(
    queued: None, client: Client, staff: User, claimed: Callable[..., leases.Claim], pending: Callable[..., Job]
) -> None:
    broken, waiting = failed(claimed()), pending(name="waiting.vcf")
    page = act(client, "retry_jobs", broken, waiting)
    broken.refresh_from_db()
    assert broken.status == JobStatus.PENDING
    assert broken.events.last().actor == staff  # type: ignore[union-attr]
    assert "“waiting.vcf”: Only a job that failed" in page
    assert "Done for 1 of 2 jobs." in page


def test_staff_cancel_what_runs(client: Client, claimed: Callable[..., leases.Claim]) -> None:
    claim = claimed()
    act(client, "cancel_jobs", claim.job)
    assert Job.objects.get().status == JobStatus.CANCELLED


def test_staff_close_and_open_uploads(client: Client) -> None:
    switch, _ = UploadSwitch.objects.get_or_create()
    address = f"/admin/jobs/uploadswitch/{switch.pk}/change/"
    client.post(address, {"message": "Back on Monday."})
    switch.refresh_from_db()
    assert (switch.open, switch.message) == (False, "Back on Monday.")
    client.post(address, {"open": "on", "message": ""})
    switch.refresh_from_db()
    assert switch.open
    assert client.get("/admin/jobs/uploadswitch/add/").status_code == 403


def test_the_admin_is_for_staff(person: User, browser_of: Callable[[User], Client]) -> None:
    assert browser_of(person).get("/admin/jobs/job/").status_code in {302, 403}
    assert Client().get("/admin/", follow=True).redirect_chain[-1][0].startswith("/accounts/login/")
