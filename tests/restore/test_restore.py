"""Restoring: everything of a premium person comes back, by Expedited or else Standard, verified, with one mail."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.core import mail
from django.utils import timezone

from gas.aws import s3
from gas.jobs.mails.notices import send
from gas.jobs.models import Notice, ResultFile
from gas.jobs.states import ResultState
from gas.jobs.storage import restoration
from gas.jobs.storage.archival import make_all_due
from gas.jobs.storage.restoration import restore_all
from gas.subscriptions.changes import set_plan
from gas.users.models import PlanChoice, User
from restore.tasks import request_page
from tests.support.glacier_standin import StandIn
from tests.support.results import make_result, round_of

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("queued")]


def test_an_upgrade_brings_everything_back_byte_for_byte_with_one_mail(
    aws: StandIn, person: User, archived: Callable[..., list[ResultFile]]
) -> None:
    results = archived(3)
    set_plan(person, PlanChoice.PREMIUM)
    batch = restore_all(str(person.pk))
    assert batch is not None
    round_of(batch)
    aws.glacier(advance=60)
    round_of(batch)
    for result in results:
        result.refresh_from_db()
        assert result.state == ResultState.AVAILABLE
        info = s3.head(django_settings.S3_RESULTS_BUCKET, result.key)
        assert info is not None
        assert info.size == result.size
        assert result.archive_due_at is None
    restoration.finish(batch)
    restoration.finish(batch)
    send(Notice.objects.get(kind=Notice.Kind.RESTORED).pk)
    assert [message.subject for message in mail.outbox] == ["Your 3 results are back"]
    assert aws.paid() == 3


def test_when_expedited_is_refused_standard_is_asked_for(
    aws: StandIn, person: User, archived: Callable[..., list[ResultFile]]
) -> None:
    (result,) = archived()
    aws.glacier(refuse_expedited=True)
    set_plan(person, PlanChoice.PREMIUM)
    batch = restore_all(str(person.pk))
    assert batch is not None
    round_of(batch)
    result.refresh_from_db()
    assert result.retrieval_tier == "Standard"
    assert result.job.events.filter(message__contains="no room for an Expedited").exists()
    assert aws.paid() == 1


def test_a_person_on_the_free_plan_gets_nothing_back(person: User, archived: Callable[..., list[ResultFile]]) -> None:
    (result,) = archived()
    assert restore_all(str(person.pk)) is None
    result.refresh_from_db()
    assert result.state == ResultState.ARCHIVED


def test_asking_twice_pays_once(aws: StandIn, person: User, archived: Callable[..., list[ResultFile]]) -> None:
    archived(2)
    set_plan(person, PlanChoice.PREMIUM)
    batch = restore_all(str(person.pk))
    assert batch is not None
    page = list(restoration.to_request(batch).select_related("job"))
    request_page(batch, page)
    # The worker died before it could write down what Glacier said.
    long_ago = timezone.now() - timedelta(hours=1)
    ResultFile.objects.update(retrieval_id="", retrieval_asked_at=long_ago)
    request_page(batch, list(restoration.to_request(batch).select_related("job")))
    assert aws.paid() == 2
    assert not restoration.to_request(batch).exists()


def test_a_retrieval_that_fails_is_asked_for_again_and_given_up_in_the_end(
    aws: StandIn, person: User, archived: Callable[..., list[ResultFile]], settings: Any
) -> None:
    settings.ADMINS = [("Staff", "staff@gas.example")]
    (result,) = archived()
    aws.glacier(fail_jobs=100)
    set_plan(person, PlanChoice.PREMIUM)
    batch = restore_all(str(person.pk))
    assert batch is not None
    for _ in range(2 * django_settings.MAX_RETRIEVALS):
        round_of(batch)
        aws.glacier(advance=60)
    result.refresh_from_db()
    assert result.state == ResultState.ARCHIVED
    assert "retrievals" in result.problem
    assert result.archive_id in aws.archives()
    assert not mail.outbox
    restoration.finish(batch)
    (alert,) = mail.outbox
    assert alert.to == ["staff@gas.example"]
    assert "1 archived results could not be brought back" in alert.subject


@pytest.mark.parametrize("actor", [True, False])
def test_the_timeline_says_who_changed_the_plan_that_moves_a_result(
    person: User, stranger: User, archived: Callable[..., list[ResultFile]], actor: bool
) -> None:
    (result,) = archived()
    by = stranger if actor else None
    set_plan(person, PlanChoice.PREMIUM, actor=by)
    restore_all(str(person.pk))
    event = result.job.events.get(message="On its way back from Glacier.")
    assert event.actor == by


def test_so_it_does_when_a_plan_ends(person: User, stranger: User, claimed: Any, tmp_path: Any) -> None:
    set_plan(person, PlanChoice.PREMIUM)
    result = make_result(claimed(), tmp_path)
    ResultFile.objects.update(archive_due_at=None)
    set_plan(person, PlanChoice.FREE, actor=stranger)
    assert make_all_due(str(person.pk)) == 1
    event = result.job.events.get(message="To be archived: the plan has changed.")
    assert event.actor == stranger
