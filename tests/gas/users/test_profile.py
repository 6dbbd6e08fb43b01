"""The profile: what a person may set, where it takes effect, and what the rooms above add to it."""

from collections.abc import Callable
from zoneinfo import available_timezones

import pytest
from bs4 import BeautifulSoup
from django.test import Client
from django.utils import timezone

from gas.jobs.lifecycle import leases
from gas.jobs.models import Job, ResultFile
from gas.jobs.states import JobStatus, ResultState
from gas.users.forms import time_zones
from gas.users.middleware import TimeZoneMiddleware
from gas.users.models import User

pytestmark = pytest.mark.django_db

FORM = {"name": "Ada Lovelace", "institution": "Analytical Engines", "time_zone": "Europe/Athens", "mail_failed": "on"}


def usage(client: Client) -> dict[str, str]:
    page = BeautifulSoup(client.get("/profile/").content, "html.parser")
    facts = page.select_one("section[aria-labelledby=usage] dl")
    assert facts
    words = [item.get_text(" ", strip=True) for item in facts.find_all(["dt", "dd"])]
    return dict(zip(words[::2], words[1::2], strict=True))


def test_a_person_sets_name_institution_time_zone_and_mail(client: Client, person: User) -> None:
    page = client.post("/profile/", FORM, follow=True)
    assert b"Your profile is saved" in page.content
    person.refresh_from_db()
    for field in ("name", "institution", "time_zone"):
        assert getattr(person, field) == FORM[field]
    assert (person.mail_completed, person.mail_failed, person.mail_restored) == (False, True, False)


def test_findings_are_named_in_mails_only_for_who_chooses_that(client: Client, person: User) -> None:
    assert not person.mail_details
    page = BeautifulSoup(client.get("/profile/").content, "html.parser")
    box = page.select_one("#id_mail_details")
    assert box
    assert not box.has_attr("checked")
    told = page.find(id=box["aria-describedby"])
    assert told
    assert "Mail is not encrypted" in told.get_text()
    for chosen in (True, False):
        client.post("/profile/", {**FORM, **({"mail_details": "on"} if chosen else {})})
        person.refresh_from_db()
        assert person.mail_details is chosen


def test_a_new_person_gets_every_mail(person: User) -> None:
    assert person.mail_completed
    assert person.mail_failed
    assert person.mail_restored


def test_what_is_wrong_is_told_at_its_field_and_nothing_is_saved(client: Client, person: User) -> None:
    page = BeautifulSoup(client.post("/profile/", {**FORM, "time_zone": "Mars/Olympus"}).content, "html.parser")
    field = page.select_one("#id_time_zone")
    assert field
    assert field["aria-invalid"] == "true"
    person.refresh_from_db()
    assert person.name == ""


def test_every_zone_of_a_place_can_be_chosen() -> None:
    offered = {
        name for label, zones in time_zones() for name, _ in (zones if isinstance(zones, list) else [(label, "")])
    }
    assert {"", "UTC", "Europe/Athens", "America/Argentina/Buenos_Aires"} <= offered
    assert offered - {""} <= available_timezones()


@pytest.mark.parametrize(
    ("name", "shown"), [("Asia/Tokyo", "Asia/Tokyo"), ("", "UTC"), ("Mars/Olympus", "UTC"), ("../etc", "UTC")]
)
def test_times_are_shown_in_the_zone_of_the_person_and_nobody_elses(person: User, name: str, shown: str) -> None:
    seen = []
    person.time_zone = name
    request = type("Request", (), {"user": person})()
    TimeZoneMiddleware(lambda _: seen.append(timezone.get_current_timezone_name()))(request)  # type: ignore[arg-type]
    assert seen == [shown]
    assert timezone.get_current_timezone_name() == "UTC"


def test_the_profile_tells_the_use_of_the_service(
    queued: None, client: Client, pending: Callable[..., Job], claimed: Callable[..., leases.Claim], stranger: User
) -> None:
    for number, state in enumerate([ResultState.AVAILABLE, ResultState.ARCHIVED, ResultState.ARCHIVED]):
        claim = claimed(name=f"{number}.vcf")
        leases.complete(
            claim,
            ResultFile(key=f"{claim.prefix}a", index_key="i", size=2048, sha256="0" * 64),
            log_key="",
            summary={},
            preview=[],
        )
        ResultFile.objects.filter(job=claim.job).update(state=state)
    pending()
    pending(owner=stranger)
    assert Job.objects.filter(status=JobStatus.COMPLETED).count() == 3
    assert usage(client) == {
        "Jobs": "4 1 on their way",
        "Results in storage": "2 KB 1 result",
        "Archived": "4 KB 2 results",
    }


def test_a_person_without_jobs_sees_noughts(client: Client) -> None:
    assert usage(client)["Jobs"] == "0"


def test_every_field_has_a_label_and_every_section_a_heading(client: Client) -> None:
    for address in ("/profile/", "/accounts/reauthenticate/", "/accounts/sessions/", "/accounts/2fa/"):
        page = BeautifulSoup(client.get(address).content, "html.parser")
        assert len(page.find_all("h1")) == 1
        for field in page.select("main input:not([type=hidden]), main select, main textarea"):
            assert page.select(f"label[for={field['id']}]") or field.get("aria-label"), field
        for section in page.select("section[aria-labelledby]"):
            assert page.select(f"#{section['aria-labelledby']}")
        for control in page.select("main a, main button"):
            assert control.get_text(strip=True) or control.get("aria-label"), control
