"""How pages describe where results are: words, times, sums, and how often a page polls."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from bs4 import BeautifulSoup
from django.conf import settings as django_settings
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from gas.aws.archives import EXPEDITED_MAX_BYTES
from gas.aws.clients import s3
from gas.jobs.models import Job, RestoreBatch, ResultFile
from gas.jobs.pages import context
from gas.jobs.states import JobStatus, ResultState
from gas.jobs.storage import result_status
from gas.jobs.templatetags import words
from gas.users.models import PlanChoice, User
from tests.support.glacier_standin import StandIn
from tests.support.jobs import SUMMARY

pytestmark = pytest.mark.django_db

GB = 1000**3


@pytest.fixture
def client(person: User, browser_of: Callable[[User], Client]) -> Client:
    return browser_of(person)


@pytest.fixture
def make(person: User) -> Callable[..., ResultFile]:
    """Makes completed jobs of the person, with a result in any state."""

    def result(state: str = "AVAILABLE", *, name: str = "a.vcf", owner: User = person, **fields: Any) -> ResultFile:
        job = Job.objects.create(
            owner=owner, name=name, reference="rCRS", status=JobStatus.COMPLETED, log_key="log", summary=SUMMARY
        )
        job.events.create(machine="job", from_state="RUNNING", to_state="COMPLETED", message="Completed.")
        values = {"key": "r/k", "index_key": "r/i", "size": 2048, "sha256": "0" * 64, **fields}
        return ResultFile.objects.create(job=job, state=state, **values)

    return result


def restoring(make: Callable[..., ResultFile], tier: str, since: timedelta, **fields: Any) -> ResultFile:
    batch = RestoreBatch.objects.create(owner=User.objects.get(), tiers=["Expedited", "Standard"])
    asked = timezone.now() - since
    return make("RESTORING", batch=batch, retrieval_tier=tier, retrieval_asked_at=asked, **fields)


def page(client: Client, result: ResultFile) -> BeautifulSoup:
    return BeautifulSoup(client.get(result.job.get_absolute_url()).content, "html.parser")


def words_of(soup: BeautifulSoup) -> str:
    return " ".join(soup.get_text(" ").split())


# --- Progress


@pytest.mark.parametrize(("tier", "longest"), [("Expedited", 5 * 60), ("Standard", 5 * 3600)])
def test_half_way_is_half_of_the_longest_that_a_tier_takes(
    make: Callable[..., ResultFile], tier: str, longest: int
) -> None:
    result = restoring(make, tier, timedelta(seconds=longest / 2))
    found = result_status.progress(result)
    assert found is not None
    assert found["fraction"] == pytest.approx(0.5, abs=0.05)
    assert found["expected_by"] - found["asked_at"] == timedelta(seconds=longest)
    assert not found["late"]


def test_what_takes_too_long_is_late_and_never_full(make: Callable[..., ResultFile], client: Client) -> None:
    result = restoring(make, "Expedited", timedelta(minutes=9))
    found = result_status.progress(result)
    assert found is not None
    assert (found["fraction"], found["late"]) == (0.98, True)
    assert "takes longer than expected" in words_of(page(client, result))


def test_there_is_no_progress_before_glacier_was_asked_nor_after(make: Callable[..., ResultFile]) -> None:
    assert result_status.progress(make("RESTORING")) is None
    assert (
        result_status.progress(make("AVAILABLE", retrieval_tier="Expedited", retrieval_asked_at=timezone.now())) is None
    )


# --- Estimate


def test_an_estimate_sums_each_tier_from_the_settings_prices(
    make: Callable[..., ResultFile], settings: Settings
) -> None:
    settings.PRICE_EXPEDITED_REQUEST, settings.PRICE_EXPEDITED_GB = 0.01, 0.03
    settings.PRICE_STANDARD_REQUEST, settings.PRICE_STANDARD_GB = 0.0001, 0.02
    for size in (100_000_000, 200_000_000, EXPEDITED_MAX_BYTES, GB):
        make("ARCHIVED", size=size)
    found = result_status.estimate(ResultFile.objects.all())
    assert (found["count"], found["size"], found["large"]) == (4, 1_550_000_000, 2)
    expedited, standard = found["tiers"]
    assert (expedited["name"], standard["name"]) == ("Expedited", "Standard")
    # The two that are too large come by Standard.
    assert expedited["price"] == pytest.approx(2 * 0.01 + 0.3 * 0.03 + 2 * 0.0001 + 1.25 * 0.02)
    assert standard["price"] == pytest.approx(4 * 0.0001 + 1.55 * 0.02)


def test_an_estimate_of_nothing_is_nothing(person: User) -> None:
    found = result_status.estimate(ResultFile.objects.none())
    assert (found["count"], found["size"]) == (0, 0)
    assert {tier["price"] for tier in found["tiers"]} == {0}
    assert context.archived(person) is None


def test_deep_archive_has_no_expedited(make: Callable[..., ResultFile], settings: Settings) -> None:
    settings.ARCHIVE_ROUTE, settings.GLACIER_STORAGE_CLASS = "class", "DEEP_ARCHIVE"
    make("ARCHIVED")
    assert [tier["name"] for tier in result_status.estimate(ResultFile.objects.all())["tiers"]] == ["Standard"]
    assert result_status.tiers()["Standard"].longest == timedelta(hours=12)


# --- Times


@pytest.mark.parametrize(
    ("ahead", "said"),
    [
        (timedelta(minutes=4, seconds=30), "in 4\xa0minutes"),
        (timedelta(hours=2, minutes=30), "in 2\xa0hours"),
        (timedelta(days=3, hours=5, minutes=1), "in 3\xa0days"),
        (timedelta(seconds=-200), "3\xa0minutes ago"),
        (timedelta(days=-2, hours=-5), "2\xa0days ago"),
    ],
)
def test_a_time_is_said_as_what_it_is_past_or_to_come(ahead: timedelta, said: str) -> None:
    assert words.roughly(timezone.now() + ahead) == said


def test_a_countdown_says_what_is_left_and_reads_right_without_scripts() -> None:
    time = BeautifulSoup(words.until(timezone.now() + timedelta(seconds=252)), "html.parser").time
    assert time is not None
    assert 250 <= int(str(time["data-left"])) <= 252
    assert time.text == "in 4\xa0minutes"
    assert "any moment now" in words.until(timezone.now() - timedelta(seconds=1))


def test_a_time_of_day_has_its_date_unless_it_is_today(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(words, "now", lambda: datetime(2026, 3, 5, 23, 0, tzinfo=UTC))
    assert "10:07 UTC</time>" in words.clock(datetime(2026, 3, 5, 10, 7, tzinfo=UTC))
    assert ">5 Mar, 10:07" not in words.clock(datetime(2026, 3, 5, 10, 7, tzinfo=UTC))
    assert ">6 Mar, 01:07 UTC</time>" in words.clock(datetime(2026, 3, 6, 1, 7, tzinfo=UTC))


# --- Pages


def states(make: Callable[..., ResultFile]) -> dict[str, ResultFile]:
    batch = RestoreBatch.objects.create(owner=User.objects.get())
    now = timezone.now()
    return {
        "due": make("AVAILABLE", name="due.vcf", archive_due_at=now + timedelta(minutes=4)),
        "archiving": make("ARCHIVING", name="archiving.vcf"),
        "archived": make("ARCHIVED", name="archived.vcf", archived_at=now - timedelta(hours=1)),
        "restoring": restoring(make, "Expedited", timedelta(minutes=1), name="restoring.vcf"),
        "back": make("AVAILABLE", name="back.vcf", batch=batch),
    }


def test_every_state_is_shown_on_the_page_and_in_the_list(make: Callable[..., ResultFile], client: Client) -> None:
    results = states(make)
    results["back"].job.events.create(machine="result", from_state="RESTORING", to_state="AVAILABLE", message="Back.")
    rows = BeautifulSoup(client.get("/jobs/").content, "html.parser").find_all("tr")
    for state, result in results.items():
        notice = page(client, result).find(attrs={"data-storage": True})
        assert notice is not None
        assert notice["data-storage"] == state
        row = next(row for row in rows if result.job.name in row.text)
        assert [line["data-storage"] for line in row.find_all(attrs={"data-storage": True})] == [state]


def test_the_vcf_can_be_had_only_while_it_is_available_and_the_rest_always(
    make: Callable[..., ResultFile], client: Client, aws: StandIn
) -> None:
    for key in ("r/k", "r/i"):
        s3().put_object(Bucket=django_settings.S3_RESULTS_BUCKET, Key=key, Body=b"x")
    for state, result in states(make).items():
        kinds = {item["kind"] for item in context.downloads(result.job, result)}
        assert {"summary", "log"} <= kinds
        assert ({"vcf", "index"} <= kinds) is (state in {"due", "back"}), state
        assert ("vcf" in kinds) is ("index" in kinds)
        for kind in ("vcf", "index"):
            answer = client.get(f"/jobs/{result.job.pk}/download/{kind}/")
            assert (answer["Location"] == result.job.get_absolute_url()) is (state not in {"due", "back"}), state


def test_an_address_of_a_vcf_that_is_archived_leads_to_the_page_that_says_so(
    make: Callable[..., ResultFile], client: Client
) -> None:
    result = make("ARCHIVED")
    answer = client.get(f"/jobs/{result.job.pk}/download/vcf/", follow=True)
    said = words_of(BeautifulSoup(answer.content, "html.parser"))
    assert "not available at the moment" in said
    assert "This result is archived" in said


def test_a_retrieval_says_its_tier_when_it_was_asked_and_by_when_it_is_expected(
    make: Callable[..., ResultFile], client: Client
) -> None:
    result = restoring(make, "Expedited", timedelta(minutes=1))
    notice = page(client, result).find(attrs={"data-storage": "restoring"})
    assert notice is not None
    assert "Expedited, asked for at" in words_of(notice)
    asked, expected = (datetime.fromisoformat(str(time["datetime"])) for time in notice.find_all("time"))
    assert expected - asked == timedelta(minutes=5)
    bar = notice.find("progress")
    assert bar is not None
    assert float(str(bar["value"])) == pytest.approx(0.2, abs=0.05)


def test_archived_and_restoring_jobs_are_listed_filtered_and_counted(
    make: Callable[..., ResultFile], client: Client, stranger: User
) -> None:
    for state in ("AVAILABLE", "ARCHIVED", "ARCHIVED", "RESTORING"):
        make(state, name=f"{state}.vcf")
    make("ARCHIVED", owner=stranger)
    every = client.get("/jobs/")
    assert len(every.context["page_obj"]) == 4
    counts = every.context["counts"]
    assert (counts["COMPLETED"], counts["ARCHIVED"], counts["RESTORING"]) == (4, 2, 1)
    assert {"ARCHIVED", "RESTORING"} <= {value for value, _ in every.context["statuses"]}
    assert [job.name for job in client.get("/jobs/?status=ARCHIVED").context["page_obj"]] == ["ARCHIVED.vcf"] * 2
    assert [job.name for job in client.get("/jobs/?status=RESTORING").context["page_obj"]] == ["RESTORING.vcf"]


def test_the_list_says_what_an_upgrade_brings_back_and_not_what_it_costs_us(
    make: Callable[..., ResultFile], client: Client, person: User
) -> None:
    for _ in range(2):
        make("ARCHIVED", size=170 * 1024**2)
    notice = BeautifulSoup(client.get("/jobs/").content, "html.parser").find(attrs={"data-archived": "2"})
    assert notice is not None
    said = words_of(notice)
    for part in ("2 results archived", "340 MB", "1–5 minutes", "3–5 hours", "upgrade"):
        assert part in said
    assert "$" not in said
    User.objects.filter(pk=person.pk).update(plan=PlanChoice.PREMIUM)
    assert "Premium brings" not in client.get("/jobs/").content.decode()


def test_a_restore_that_was_given_up_does_not_send_a_premium_person_to_premium(
    make: Callable[..., ResultFile], client: Client, person: User
) -> None:
    User.objects.filter(pk=person.pk).update(plan=PlanChoice.PREMIUM)
    said = words_of(page(client, make("ARCHIVED", problem="Glacier did not bring it back in 5 retrievals.")))
    assert "The archive is safe" in said
    assert "Premium brings" not in said
    assert "5 retrievals" not in said


def test_what_staff_did_is_said_to_be_theirs_without_their_name(
    make: Callable[..., ResultFile], client: Client, stranger: User, person: User
) -> None:
    result = make("ARCHIVED")
    result.job.events.create(message="On its way back.", actor=stranger)
    result.job.events.create(message="Cancelled.", actor=person)
    lines = [words_of(line) for line in page(client, result).select(".timeline li")]
    assert [line.endswith("by our staff") for line in lines[-2:]] == [True, False]
    assert stranger.email not in " ".join(lines)


@pytest.mark.parametrize(
    ("state", "due_in", "pace"),
    [
        ("ARCHIVING", None, result_status.QUICK),
        ("RESTORING", None, result_status.QUICK),
        ("ARCHIVED", None, result_status.SLOW),
        ("AVAILABLE", 3 * 86400, result_status.SLOW),
        ("AVAILABLE", -1, result_status.QUICK),
        ("AVAILABLE", None, None),
    ],
)
def test_a_page_looks_again_as_often_as_something_can_happen(
    make: Callable[..., ResultFile], client: Client, state: str, due_in: int | None, pace: int | None
) -> None:
    due = None if due_in is None else timezone.now() + timedelta(seconds=due_in)
    result = make(state, archive_due_at=due)
    assert result_status.pace(result) == pace
    assert client.get(f"/jobs/{result.job.pk}/live/").status_code == (286 if pace is None else 200)
    html = client.get("/jobs/", headers={"HX-Request": "true"}).content.decode()
    assert (f"every {pace}s" in html) is (pace is not None)


def test_what_came_back_long_ago_is_simply_available(make: Callable[..., ResultFile]) -> None:
    batch = RestoreBatch.objects.create(owner=User.objects.get())
    result = make("AVAILABLE", batch=batch)
    assert result_status.is_back(result)
    batch.finished_at = timezone.now() - result_status.BACK_FOR
    assert not result_status.is_back(result)
    assert not result_status.is_back(make(ResultState.AVAILABLE))
