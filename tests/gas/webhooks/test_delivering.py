"""Promise: every event reaches each endpoint that asks for it, or its owner can see why not."""

import json
import signal
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from celery.exceptions import SoftTimeLimitExceeded
from django.core import mail
from django.db import transaction
from django.utils import timezone

from gas import clock
from gas.jobs.models import Job, ResultFile
from gas.jobs.moves import move_job, move_result, move_results
from gas.jobs.states import JobStatus, ResultState
from gas.tasknames import DELIVER_WEBHOOK
from gas.users.models import User
from gas.users.owners import close_all_ways_in
from gas.webhooks import delivering, endpoints, sending, tasks
from gas.webhooks.events import Event
from gas.webhooks.models import Attempt, Delivery, Endpoint
from tests.support.receiver import Answering, Receiver

pytestmark = pytest.mark.django_db

Ends = Callable[..., None]
Makes = Callable[..., Job]


def later(**by: float) -> None:
    """Let time pass for every delivery and endpoint."""
    span = timedelta(**by)
    for model, names in ((Delivery, ("due_at", "created_at")), (Endpoint, ("failing_since", "old_secret_until"))):
        for row in model.objects.all():
            model.objects.filter(pk=row.pk).update(
                **{name: getattr(row, name) - span for name in names if getattr(row, name)}
            )


# --- What is sent


def test_a_completed_job_is_reported_with_its_id_its_address_and_nothing_else(
    receiver: Receiver, endpoint: Endpoint, running: Makes, ends: Ends
) -> None:
    job = running()
    ends(job)
    ((headers, body),) = receiver.requests
    sent = json.loads(body)
    assert set(sent) == {"type", "timestamp", "data"}
    assert sent["type"] == "job.completed"
    assert sent["data"] == {
        "job": str(job.pk),
        "url": f"http://testserver/jobs/{job.pk}/",
        "api_url": f"http://testserver/api/v1/jobs/{job.pk}",
        "state": "COMPLETED",
    }
    assert abs(timezone.datetime.fromisoformat(sent["timestamp"]) - clock.now()) < timedelta(minutes=1)
    assert headers["content-type"] == "application/json"
    delivery = Delivery.objects.get()
    assert (delivery.state, headers["webhook-id"]) == ("delivered", delivery.message_id)
    attempt = delivery.attempts.get()
    assert (attempt.http_status, attempt.error, attempt.answer) == (200, "", "thank you")


RESULT_MOVES = [
    (ResultState.ARCHIVING, ResultState.ARCHIVED, "job.archived"),
    (ResultState.RESTORING, ResultState.AVAILABLE, "job.restored"),
    (ResultState.AVAILABLE, ResultState.ARCHIVING, None),
    (ResultState.ARCHIVING, ResultState.AVAILABLE, None),
    (ResultState.ARCHIVED, ResultState.RESTORING, None),
    (ResultState.RESTORING, ResultState.ARCHIVED, None),
]


@pytest.mark.parametrize(("seen", "to", "event"), RESULT_MOVES)
@pytest.mark.parametrize("many", [False, True])
def test_moves_of_a_result_are_reported(
    endpoint: Endpoint,
    running: Makes,
    queued: None,
    sends: Any,
    seen: ResultState,
    to: ResultState,
    event: str,
    many: bool,
) -> None:
    result = ResultFile.objects.create(job=running(), state=seen, key="k", index_key="i", size=1, sha256="")
    with sends():
        if many:
            move_results(ResultFile.objects.all(), seen, to, "Moved.")
        else:
            move_result(result, to, "Moved.")
    found = list(Delivery.objects.values_list("event", "job"))
    assert found == ([(event, result.job_id)] if event else [])


def test_of_many_results_each_is_reported_to_its_owner(
    endpoint: Endpoint, running: Makes, queued: None, sends: Any, stranger: User, receiver: Receiver
) -> None:
    theirs = endpoints.create(stranger, receiver.url, Event.values)[0]
    jobs = [running(), running(), running(stranger)]
    for job in jobs:
        ResultFile.objects.create(job=job, state=ResultState.RESTORING, key="k", index_key="i", size=1, sha256="")
    with sends() as sent:
        move_results(ResultFile.objects.all(), ResultState.RESTORING, ResultState.AVAILABLE, "Back.")
    found = set(Delivery.objects.values_list("endpoint", "job"))
    assert found == {(endpoint.pk, jobs[0].pk), (endpoint.pk, jobs[1].pk), (theirs.pk, jobs[2].pk)}
    assert sorted(args for name, args, _ in sent if name == DELIVER_WEBHOOK) == sorted(
        [(str(endpoint.pk),), (str(theirs.pk),)]
    )


def test_a_failed_and_a_deleted_job_are_reported(
    receiver: Receiver,
    endpoint: Endpoint,
    running: Makes,
    ends: Ends,
    aws: None,
    django_capture_on_commit_callbacks: Any,
) -> None:
    job = running()
    pk = job.pk
    ends(job, JobStatus.FAILED)
    with django_capture_on_commit_callbacks(execute=True):
        Job.objects.get().delete()
    failed, deleted = (json.loads(body) for _, body in receiver.requests)
    assert (failed["type"], failed["data"]["state"]) == ("job.failed", "FAILED")
    assert (deleted["type"], deleted["data"]["job"], deleted["data"]["state"]) == ("job.deleted", str(pk), "DELETED")


def test_an_upload_that_never_was_a_job_is_not_reported(endpoint: Endpoint, person: User, aws: None) -> None:
    Job.objects.create(owner=person, name="sample.vcf", reference="rCRS").delete()
    assert not Delivery.objects.exists()


@pytest.mark.parametrize("how", ["other events", "off", "another's"])
def test_an_endpoint_gets_only_what_it_asked_for(
    how: str, receiver: Receiver, endpoint: Endpoint, running: Makes, ends: Ends, stranger: User
) -> None:
    if how == "other events":
        endpoints.change(endpoint, endpoint.url, ["job.failed"])
    if how == "off":
        endpoints.switch_off(endpoint, "Off.")
    ends(running(stranger if how == "another's" else endpoint.owner))
    assert not receiver.requests
    assert not Delivery.objects.exists()


def test_a_move_that_is_rolled_back_is_not_reported(endpoint: Endpoint, running: Makes) -> None:
    job = running()
    with transaction.atomic():
        move_job(job, JobStatus.COMPLETED, "Ended.")
        assert Delivery.objects.exists()
        transaction.set_rollback(True)
    assert not Delivery.objects.exists()


# --- A receiver in trouble


def test_500_then_200_is_tried_again_and_delivered(
    receiver: Receiver, endpoint: Endpoint, running: Makes, sends: Any, ends: Ends
) -> None:
    receiver.answers = [Answering(500, body=b"oops")]
    ends(running())
    delivery = Delivery.objects.get()
    assert (delivery.state, delivery.tries) == ("pending", 1)
    endpoint.refresh_from_db()
    assert endpoint.failing_since is not None
    later(minutes=1)
    delivering.deliver(endpoint.pk)
    delivery.refresh_from_db()
    endpoint.refresh_from_db()
    assert delivery.state == "delivered"
    assert endpoint.failing_since is None
    (first, body), (second, same) = receiver.requests
    assert first["webhook-id"] == second["webhook-id"]
    assert body == same
    assert list(delivery.attempts.values_list("http_status", "error", "answer")) == [
        (500, "The receiver answered 500.", "oops"),
        (200, "", "thank you"),
    ]


def test_a_retry_is_not_sent_before_it_is_due(
    receiver: Receiver, endpoint: Endpoint, running: Makes, ends: Ends
) -> None:
    receiver.answers = [Answering(503)]
    ends(running())
    delivering.deliver(endpoint.pk)
    assert len(receiver.requests) == 1


def test_retries_span_three_days_with_growing_pauses_and_then_end(
    receiver: Receiver, endpoint: Endpoint, running: Makes, ends: Ends, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(delivering, "FAILING_FOR", timedelta(days=30))
    receiver.answers = [Answering(500) for _ in range(20)]
    ends(running())
    pauses = []
    while (delivery := Delivery.objects.get()).due_at:
        pauses.append(delivery.due_at - clock.now())
        later(seconds=pauses[-1].total_seconds() + 1)
        delivering.deliver(endpoint.pk)
    plain = [5, 300, 1800, 7200, 18000, 36000, 50400, 72000, 86400]
    for found, least in zip(pauses, plain, strict=True):
        assert least - 2 <= found.total_seconds() <= least * 1.1
    assert sum(plain) == 75 * 3600 + 35 * 60 + 5
    assert (delivery.state, delivery.attempts.count()) == ("failed", 10)
    assert delivering.pause(3, 0) != delivering.pause(3, 0.5)


def test_a_short_pause_waits_in_the_queue_and_a_long_one_in_the_row(
    receiver: Receiver, endpoint: Endpoint, sends: Any, queued: None
) -> None:
    waits = []
    for tries in range(4):
        Delivery.objects.all().delete()
        delivery = Delivery.objects.create(endpoint=endpoint, event="webhook.test", body="{}", tries=tries)
        receiver.answers = [Answering(500)]
        with sends() as sent:
            delivering.deliver(endpoint.pk)
        waits.append([delay for name, _, delay in sent if name == DELIVER_WEBHOOK])
        delivery.refresh_from_db()
        assert delivery.due_at
    (first,), (second,), third, fourth = waits
    assert 6 <= first <= 7
    assert 301 <= second <= 331
    assert third == fourth == []


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (Answering(302, {"Location": "{another}"}), "Redirects are not followed"),
        (Answering(307, {"Location": "{another}"}), "Redirects are not followed"),
        (Answering(seconds=0.6), "No answer within"),
        (None, "No connection, or one that ended"),
    ],
    ids=["302", "307", "slow", "down"],
)
def test_a_receiver_in_trouble_is_tried_again_and_its_owner_can_read_why(
    answer: Answering | None,
    error: str,
    receiver: Receiver,
    another: Receiver,
    endpoint: Endpoint,
    running: Makes,
    ends: Ends,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sending, "READ_SECONDS", 0.2)
    if answer is None:
        Endpoint.objects.update(url="http://127.0.0.1:1/")
    else:
        answer.headers = {name: value.format(another=another.url) for name, value in answer.headers.items()}
        receiver.answers = [answer]
    ends(running())
    delivery = Delivery.objects.get()
    assert (delivery.state, delivery.tries) == ("pending", 1)
    assert error in delivery.attempts.get().error
    assert not another.requests


def test_of_a_long_answer_only_the_beginning_is_read(
    receiver: Receiver, endpoint: Endpoint, running: Makes, ends: Ends
) -> None:
    receiver.answers = [Answering(body=b"line\x00 one\n" + b"x" * 50_000_000)]
    ends(running())
    attempt = Attempt.objects.get()
    assert attempt.http_status == 200
    assert attempt.answer.startswith("line? one x")
    assert len(attempt.answer) <= sending.ANSWER_BYTES


def test_a_receiver_that_answers_byte_by_byte_is_cut_off_by_the_tasks_limit(receiver: Receiver) -> None:
    """Each byte comes in time for the time-out of a read. Celery raises in the middle, by a signal as here."""
    receiver.answers = [Answering(dripping=0.05)]

    def end(*_: object) -> None:
        raise SoftTimeLimitExceeded

    before = signal.signal(signal.SIGALRM, end)
    signal.setitimer(signal.ITIMER_REAL, 0.5)
    try:
        answer = sending.post(receiver.url, "{}", {})
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    assert (answer.status, answer.error) == (None, f"No complete answer within {sending.WHOLE_SECONDS} s.")
    assert 0.3 < answer.seconds < 10
    limits = tasks.deliver.soft_time_limit, tasks.deliver.time_limit, delivering.CLAIM_SECONDS
    assert limits[0] == sending.WHOLE_SECONDS
    assert sorted(set(limits)) == list(limits), "a claim outlasts its worker"


def test_410_switches_the_endpoint_off_with_a_mail(
    receiver: Receiver, endpoint: Endpoint, running: Makes, ends: Ends
) -> None:
    receiver.answers = [Answering(410)]
    ends(running())
    endpoint.refresh_from_db()
    assert endpoint.disabled_at is not None
    assert "410" in endpoint.disabled_reason
    assert Delivery.objects.get().state == "failed"
    (told,) = mail.outbox
    assert told.to == [endpoint.owner.email]
    assert "410 Gone" in told.body
    assert f"http://testserver/profile/webhooks/{endpoint.pk}/" in told.body
    assert "/hook" not in told.body, "the path may be a secret"
    ends(running())
    assert len(receiver.requests) == 1


def test_an_endpoint_that_fails_for_days_is_switched_off_with_a_mail(
    receiver: Receiver, endpoint: Endpoint, running: Makes, ends: Ends, django_capture_on_commit_callbacks: Any
) -> None:
    receiver.answers = [Answering(500) for _ in range(20)]
    ends(running())
    for _ in range(20):
        endpoint.refresh_from_db()
        if endpoint.disabled_at:
            break
        assert not mail.outbox
        later(hours=9)
        with django_capture_on_commit_callbacks(execute=True):
            delivering.deliver(endpoint.pk)
    assert "3 days" in endpoint.disabled_reason
    assert [told.subject for told in mail.outbox] == [f"Your webhook at {endpoints.host_of(endpoint)} is switched off"]
    assert Delivery.objects.get().state == "failed"


def test_one_success_starts_the_count_of_days_again(
    receiver: Receiver, endpoint: Endpoint, running: Makes, ends: Ends
) -> None:
    Endpoint.objects.update(failing_since=clock.now() - timedelta(days=2.9))
    ends(running())
    receiver.answers = [Answering(500)]
    later(days=0.2)
    ends(running())
    endpoint.refresh_from_db()
    assert endpoint.disabled_at is None
    assert endpoint.failing_since is not None
    assert clock.now() - endpoint.failing_since < timedelta(minutes=1)


# --- Lost messages, two workers, dead workers


def test_the_sweep_sends_what_lost_its_message_and_what_waited_for_long(
    aws: None, endpoint: Endpoint, sends: Any, queued: None
) -> None:
    Delivery.objects.create(endpoint=endpoint, event="webhook.test", body="{}")
    with sends() as sent:
        assert delivering.tend()["due"] == 0, "its message may still be on its way"
    later(minutes=2)
    with sends() as sent:
        assert delivering.tend()["due"] == 1
    assert sent == [(DELIVER_WEBHOOK, (str(endpoint.pk),), 0)]


def test_an_endpoint_that_a_worker_has_is_left_alone_until_the_worker_is_surely_dead(
    receiver: Receiver, endpoint: Endpoint
) -> None:
    Delivery.objects.create(endpoint=endpoint, event="webhook.test", body="{}")
    dead = delivering.claim_next(endpoint.pk)
    assert dead is not None
    delivering.deliver(endpoint.pk)
    assert not receiver.requests
    Endpoint.objects.update(claimed_until=clock.now() - timedelta(seconds=1))
    delivering.deliver(endpoint.pk)
    assert len(receiver.requests) == 1
    delivering.record(dead, sending.Answer(500, "late", 1))
    delivery = Delivery.objects.get()
    assert delivery.state == "delivered", "a record that comes late changes nothing"
    assert delivery.attempts.count() == 2


def test_all_that_is_due_is_sent_one_after_the_other(
    receiver: Receiver, endpoint: Endpoint, django_capture_on_commit_callbacks: Any
) -> None:
    """A message that finds the endpoint claimed is dropped; the worker that has it wakes the next."""
    for _ in range(3):
        Delivery.objects.create(endpoint=endpoint, event="webhook.test", body="{}")
    with django_capture_on_commit_callbacks(execute=True):
        delivering.deliver(endpoint.pk)
    assert len({headers["webhook-id"] for headers, _ in receiver.requests}) == len(receiver.requests) == 3


def test_what_is_deleted_while_it_is_sent_leaves_nothing(receiver: Receiver, endpoint: Endpoint) -> None:
    Delivery.objects.create(endpoint=endpoint, event="webhook.test", body="{}")
    claim = delivering.claim_next(endpoint.pk)
    assert claim is not None
    endpoints.delete(endpoint)
    delivering.record(claim, sending.Answer(410, "gone", 1))
    assert not Attempt.objects.exists()


def test_a_replay_while_it_is_sent_is_not_undone_by_the_record(receiver: Receiver, endpoint: Endpoint) -> None:
    Delivery.objects.create(endpoint=endpoint, event="webhook.test", body="{}")
    claim = delivering.claim_next(endpoint.pk)
    assert claim is not None
    endpoints.replay(claim.delivery)
    delivering.record(claim, sending.Answer(200, "", 1))
    assert Delivery.objects.get().state == "pending"


def test_what_arrives_while_the_endpoint_is_switched_off_counts_as_delivered(endpoint: Endpoint) -> None:
    Delivery.objects.create(endpoint=endpoint, event="webhook.test", body="{}")
    claim = delivering.claim_next(endpoint.pk)
    assert claim is not None
    endpoints.switch_off(endpoint, "Off.")
    assert Delivery.objects.get().state == "failed"
    delivering.record(claim, sending.Answer(200, "", 1))
    assert Delivery.objects.get().state == "delivered"


def test_old_deliveries_are_removed_and_pending_ones_are_not(endpoint: Endpoint, aws: None) -> None:
    old = clock.now() - delivering.KEPT_FOR - timedelta(hours=1)
    ended = Delivery.objects.create(endpoint=endpoint, event="webhook.test", body="{}", created_at=old, due_at=None)
    Attempt.objects.create(delivery=ended, milliseconds=1)
    pending = Delivery.objects.create(endpoint=endpoint, event="webhook.test", body="{}", created_at=old)
    recent = Delivery.objects.create(endpoint=endpoint, event="webhook.test", body="{}", due_at=None)
    delivering.tend()
    assert set(Delivery.objects.all()) == {pending, recent}


# --- Whom nothing is sent to


def test_closed_ways_into_an_account_switch_its_endpoints_off(
    receiver: Receiver, endpoint: Endpoint, running: Makes, ends: Ends
) -> None:
    Delivery.objects.create(endpoint=endpoint, event="webhook.test", body="{}")
    close_all_ways_in(endpoint.owner)
    endpoint.refresh_from_db()
    assert endpoint.disabled_at is not None
    assert "were closed" in endpoint.disabled_reason
    ends(running())
    delivering.deliver(endpoint.pk)
    assert not receiver.requests


def test_an_inactive_owner_is_sent_nothing(
    receiver: Receiver, endpoint: Endpoint, running: Makes, ends: Ends, settings: Any
) -> None:
    Delivery.objects.create(endpoint=endpoint, event="webhook.test", body="{}")
    User.objects.update(is_active=False)
    ends(running())
    assert Delivery.objects.count() == 1
    later(seconds=2 * settings.SWEEP_SECONDS)
    assert delivering.resend_due(clock.now()) == 0
    delivering.deliver(endpoint.pk)
    assert not receiver.requests
    endpoint.refresh_from_db()
    assert endpoint.claim is None
    User.objects.update(is_active=True)
    delivering.deliver(endpoint.pk)
    assert len(receiver.requests) == 1
