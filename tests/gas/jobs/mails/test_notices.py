"""Promise: one mail for each end of a job, after the commit, in words that its reader can act on."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.core import mail
from django.utils import timezone
from pytest_django import DjangoCaptureOnCommitCallbacks

from gas.aws import queues
from gas.jobs.lifecycle import actions, leases
from gas.jobs.mails import notices
from gas.jobs.models import Job, Notice, ResultFile
from gas.users.models import User
from tests.support.jobs import FINDINGS, KNOWN, failed

pytestmark = pytest.mark.django_db


@pytest.fixture
def notice(claimed: Callable[..., leases.Claim]) -> Notice:
    return failed(claimed()).notices.get()


def test_a_failed_job_is_told_with_its_reason_and_advice(notice: Notice) -> None:
    notices.send(notice.pk)
    (sent,) = mail.outbox
    html = str(sent.alternatives[0][0])  # type: ignore[attr-defined]
    assert sent.to == ["ada@lab.example"]
    assert "sample.vcf" in sent.subject
    assert "\n" not in sent.subject
    for text in (sent.body, html):
        assert "Line 1: no header." in text
        assert "Add one." in text
        assert f"http://testserver/jobs/{notice.job_id}/" in text


def test_a_completed_job_is_told_with_its_address(claimed: Callable[..., leases.Claim]) -> None:
    claim = claimed()
    result = ResultFile(key=claim.prefix + "a", index_key=claim.prefix + "b", size=1, sha256="0" * 64)
    summary = {"records": {"in": 3, "out": 2, "skipped": 1}}
    leases.complete(claim, result, log_key="", summary=summary, preview=[])
    notices.send(Notice.objects.get().pk)
    (sent,) = mail.outbox
    assert f"http://testserver/jobs/{claim.job.pk}/" in sent.body


SUMMARY = {
    "records": {"in": 3, "out": 3, "skipped": 0},
    "known": [KNOWN],
    "findings": FINDINGS,
    "genes": [{"gene": "MT-ND4", "count": 1}],
    "repairs": ["Values of INFO/SECRET were set."],
}
TELLING = ("MT-ND4", "MT-TL1", "11778", "3243", "p.Arg340His", "LHON", "Leber", "MELAS", "Pathogenic", "SECRET")


def mailed(claim: leases.Claim, summary: dict[str, object]) -> str:
    """The whole mail about a completed job: subject, text and HTML."""
    result = ResultFile(key=claim.prefix + "a", index_key=claim.prefix + "b", size=1, sha256="0" * 64)
    leases.complete(claim, result, log_key="", summary=summary, preview=[])
    notices.send(Notice.objects.get(kind=Notice.Kind.COMPLETED).pk)
    (sent,) = mail.outbox
    return "\n".join([str(sent.subject), str(sent.body), str(sent.alternatives[0][0])])  # type: ignore[attr-defined]


def test_a_mail_tells_how_many_findings_there_are_and_not_which(claimed: Callable[..., leases.Claim]) -> None:
    text = mailed(claimed(), SUMMARY)
    assert "Findings     2" in text
    assert "2 findings" in text  # of the HTML's preheader
    assert "mail is not encrypted" in text
    assert [word for word in TELLING if word in text] == []


def test_who_asks_for_it_is_told_which_findings(claimed: Callable[..., leases.Claim], person: User) -> None:
    type(person).objects.update(mail_details=True)
    text = mailed(claimed(), SUMMARY)
    for words in ("m.11778G>A MT-ND4 p.Arg340His: LHON, Leber", "m.3243A>G MT-TL1: Pathogenic, MELAS syndrome"):
        assert words in text.replace("&gt;", ">")
    assert "ClinVar 2026-11-15" in text


def test_a_mail_says_that_nothing_was_looked_for_and_never_none(claimed: Callable[..., leases.Claim]) -> None:
    unused = {"alleles": None, "used": [], "not_used": [{"name": "clinvar", "title": "ClinVar"}]}
    findings = {**unused, "listed": [], "omitted": 0}
    text = mailed(claimed(), {**SUMMARY, "known": [], "findings": findings})
    assert text.count("not looked for") == 2
    assert "0 finding" not in text
    assert "disease-associated" not in text


def test_a_message_that_comes_twice_sends_one_mail(notice: Notice) -> None:
    notices.send(notice.pk)
    notices.send(notice.pk)
    assert len(mail.outbox) == 1
    assert Job.objects.get().events.filter(message__startswith="Mail sent").count() == 1


def test_a_mail_that_somebody_is_sending_is_left_to_them(notice: Notice) -> None:
    Notice.objects.update(claimed_at=timezone.now())
    notices.send(notice.pk)
    assert not mail.outbox


def test_a_claim_of_a_dead_worker_is_taken_over(notice: Notice) -> None:
    Notice.objects.update(claimed_at=timezone.now() - timedelta(seconds=notices.CLAIM_SECONDS + 1))
    notices.send(notice.pk)
    assert len(mail.outbox) == 1


def test_a_mail_outlives_an_outage_of_ses(
    queued: None,
    notice: Notice,
    monkeypatch: pytest.MonkeyPatch,
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    """Every try that fails sends the message of the next one, after a pause that grows but has an end."""
    pauses = []
    with monkeypatch.context() as patch:
        patch.setattr("django.core.mail.EmailMultiAlternatives.send", _unreachable)
        for number in range(1, 13):
            with django_capture_on_commit_callbacks(execute=True):
                notices.send(notice.pk)
            notice.refresh_from_db()
            assert (notice.sent_at, notice.claimed_at, notice.tries) == (None, None, number)
            assert queues.waiting("gas-default") == number
            pauses.append(round((notice.due_at - timezone.now()).total_seconds()))
    assert pauses == pytest.approx([15, 30, 60, 120, 240, 480, *[900] * 6], abs=5)
    notices.send(notice.pk)
    assert len(mail.outbox) == 1


def test_a_mail_that_nobody_takes_for_days_is_given_up_and_operators_are_told(
    notice: Notice, caplog: pytest.LogCaptureFixture
) -> None:
    now = timezone.now()
    notices.give_up_old(now)
    assert notices.owed(now).exists()
    Notice.objects.update(created_at=now - notices.GIVE_UP_AFTER - timedelta(seconds=1))
    notices.give_up_old(now)
    assert notices.owed(now).exists(), "it was hardly tried: the service itself was down"
    Notice.objects.update(tries=notices.GIVE_UP_TRIES)
    notices.give_up_old(now)
    assert not notices.owed(now).exists()
    assert f"notice {notice.pk} is given up" in caplog.text
    notices.send(notice.pk)
    assert not mail.outbox


def test_a_mail_that_is_no_longer_true_is_not_sent(queued: None, notice: Notice, staff: User) -> None:
    """Somebody has tried the job again before the mail about its failure was sent."""
    actions.retry(notice.job, actor=staff)
    notices.send(notice.pk)
    assert not mail.outbox
    assert not Notice.objects.exists()


def test_the_mail_leaves_only_after_the_commit(
    claimed: Callable[..., leases.Claim], django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
) -> None:
    claim = claimed()
    with django_capture_on_commit_callbacks() as callbacks:
        failed(claim)
        assert not mail.outbox
    for callback in callbacks:
        callback()
    assert len(mail.outbox) == 1


def test_a_name_cannot_add_a_header_to_the_mail(claimed: Callable[..., leases.Claim]) -> None:
    job = failed(claimed())
    # Past the cleaning of names, as an older row might be.
    Job.objects.update(name="a\r\nBcc: all@lab.example\r\n.vcf")
    notices.send(job.notices.get().pk)
    (sent,) = mail.outbox
    assert sent.recipients() == ["ada@lab.example"]
    assert "Bcc" not in sent.message()


def test_control_characters_reach_no_mail(claimed: Callable[..., leases.Claim]) -> None:
    job = failed(claimed())
    Job.objects.update(name="a\x1b[2J.vcf", failure_message="Line 1: \x9b\x1b]0;x\x07.")  # as an older row might be
    notices.send(job.notices.get().pk)
    (sent,) = mail.outbox
    html = str(sent.alternatives[0][0])  # type: ignore[attr-defined]
    for text in (str(sent.subject), str(sent.body), html):
        assert all(letter.isprintable() or letter == "\n" for letter in text)
        assert "a?[2J.vcf" in text


def _unreachable(*_: object) -> None:
    raise ConnectionError("SES cannot be reached")


@pytest.mark.parametrize("wanted", [True, False])
def test_who_wants_no_such_mails_gets_none(notice: Notice, wanted: bool) -> None:
    type(notice.owner).objects.update(mail_completed=wanted, mail_failed=wanted, mail_restored=wanted)
    notices.send(notice.pk)
    assert bool(mail.outbox) is wanted
    assert not notices.owed(timezone.now()).exists()


def test_that_results_are_about_to_be_archived_is_always_told(person: User) -> None:
    type(person).objects.update(mail_completed=False, mail_failed=False, mail_restored=False)
    due = {"count": 2, "due": timezone.now().isoformat()}
    notices.send(Notice.objects.create(owner=person, kind=Notice.Kind.ARCHIVAL, facts=due).pk)
    assert len(mail.outbox) == 1
