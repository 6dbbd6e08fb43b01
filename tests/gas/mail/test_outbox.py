"""Promise: a mail service that is down is no error of a page, and the mails arrive once it is up again."""

import re
from datetime import timedelta
from smtplib import SMTPDataError, SMTPRecipientsRefused
from typing import Any

import pytest
from anymail.exceptions import AnymailAPIError
from botocore.exceptions import ClientError, EndpointConnectionError
from django.core import mail
from django.core.mail import EmailMultiAlternatives
from django.test import Client
from django.utils import timezone

from gas.mail import outbox
from gas.mail.models import OwedMail
from gas.users.deletion import delete_account
from gas.users.models import User
from tests.support.mail_down import DOWN, DownBackend
from tests.support.people import PASSWORD, signed_in

pytestmark = pytest.mark.django_db

UP = "django.core.mail.backends.locmem.EmailBackend"
PHRASE = "a long enough phrase"
SIGN_UP = {"email": "new@lab.example", "password1": PHRASE, "password2": PHRASE}


def by_ses(code: str, status: int) -> Exception:
    """What anymail raises when SES answers with an error."""
    answer = {"Error": {"Code": code}, "ResponseMetadata": {"HTTPStatusCode": status}}
    error = AnymailAPIError(code)
    error.__cause__ = ClientError(answer, "SendEmail")  # type: ignore[arg-type]
    return error


def unreachable() -> Exception:
    error = AnymailAPIError("unreachable")
    error.__cause__ = EndpointConnectionError(endpoint_url="https://email.example")
    return error


def raise_it(monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    def fail(*_: Any) -> int:
        DownBackend.tries += 1
        raise error

    monkeypatch.setattr(DownBackend, "send_messages", fail)


@pytest.fixture
def down(settings: Any) -> None:
    settings.EMAIL_BACKEND = DOWN
    DownBackend.tries = 0


def make_due() -> None:
    past = timezone.now() - timedelta(hours=1)
    OwedMail.objects.update(due_at=past, failed_at=past)


def test_signing_up_works_and_its_mail_comes_later(settings: Any, down: None) -> None:
    client = Client()
    answer = client.post("/accounts/signup/", SIGN_UP, follow=True)
    assert answer.status_code == 200
    assert "Our mail is delayed" in answer.content.decode()
    assert User.objects.filter(email="new@lab.example").exists()

    settings.EMAIL_BACKEND = UP
    assert outbox.send_owed() == 1
    assert not OwedMail.objects.exists()
    link = re.search(r"http://testserver(/accounts/confirm-email/\S+)", str(mail.outbox[-1].body))
    assert link
    client.post(link[1])
    assert client.get("/jobs/").status_code == 200


@pytest.mark.parametrize(
    ("address", "form"),
    [
        ("/accounts/password/reset/", {"email": "ada@lab.example"}),
        ("/accounts/password/reset/", {"email": "nobody@lab.example"}),
        ("/accounts/login/code/", {"email": "ada@lab.example"}),
        ("/accounts/login/code/", {"email": "nobody@lab.example"}),
        ("/accounts/signup/", SIGN_UP | {"email": "ada@lab.example"}),
    ],
)
def test_no_page_that_mails_fails_and_none_tells_who_has_an_account(
    person: User, down: None, address: str, form: dict[str, str]
) -> None:
    answer = Client().post(address, form, follow=True)
    assert answer.status_code == 200
    assert "Our mail is delayed" in answer.content.decode()
    assert OwedMail.objects.get().to == form["email"]


def test_nor_does_a_changed_password_or_address(person: User, down: None) -> None:
    client = signed_in(person)
    client.post("/accounts/reauthenticate/", {"password": PASSWORD})
    passwords = {"oldpassword": PASSWORD, "password1": PHRASE, "password2": PHRASE}
    assert client.post("/accounts/password/change/", passwords).status_code == 302
    added = client.post("/accounts/email/", {"email": "other@lab.example", "action_add": ""})
    assert added.status_code == 302
    assert {owed.to for owed in OwedMail.objects.all()} == {person.email, "other@lab.example"}


def test_the_farewell_is_owed_too_and_nothing_else_stays(
    person: User, down: None, django_capture_on_commit_callbacks: Any
) -> None:
    Client().post("/accounts/password/reset/", {"email": person.email})
    with django_capture_on_commit_callbacks(execute=True):
        delete_account(person)
    assert [owed.subject for owed in OwedMail.objects.all()] == ["Your account is deleted"]


def test_nobody_waits_for_a_mail_service_that_has_just_failed(down: None) -> None:
    for _ in range(5):
        outbox.deliver(EmailMultiAlternatives("s", "t", None, ["a@lab.example"]))
    assert DownBackend.tries == outbox.DOWN_FAILURES
    assert OwedMail.objects.count() == 5


def test_a_round_ends_when_the_service_is_still_down_and_begins_with_the_others_next_time(
    settings: Any, down: None
) -> None:
    for number in range(5):
        outbox.deliver(EmailMultiAlternatives("s", "t", None, [f"{number}@lab.example"]))
    make_due()
    DownBackend.tries = 0
    assert outbox.send_owed() == 0
    assert DownBackend.tries == outbox.DOWN_FAILURES
    settings.EMAIL_BACKEND = UP
    assert outbox.send_owed() == 2  # the three that were tried wait
    make_due()
    assert outbox.send_owed() == 3


def test_while_the_service_is_down_a_round_tries_one_mail(down: None) -> None:
    for number in range(5):
        outbox.deliver(EmailMultiAlternatives("s", "t", None, [f"{number}@lab.example"]))
    assert outbox.is_down()
    DownBackend.tries = 0
    outbox.send_owed()
    assert DownBackend.tries == 1


@pytest.mark.parametrize(
    ("error", "is_outage"),
    [
        (unreachable(), True),
        (TimeoutError(), True),
        (by_ses("InternalFailure", 500), True),
        (by_ses("ServiceUnavailable", 503), True),
        (by_ses("TooManyRequestsException", 429), True),
        (by_ses("ThrottlingException", 400), True),
        (SMTPDataError(451, b"later"), True),
        (by_ses("MessageRejected", 400), False),
        (by_ses("AccountSuspendedException", 400), False),
        (SMTPDataError(554, b"no"), False),
        (SMTPRecipientsRefused({}), False),
        (ValueError("a header"), False),
    ],
    ids=repr,
)
def test_only_trouble_of_the_service_makes_others_wait(
    down: None, monkeypatch: pytest.MonkeyPatch, error: Exception, is_outage: bool
) -> None:
    raise_it(monkeypatch, error)
    for _ in range(outbox.DOWN_FAILURES):
        assert not outbox.deliver(EmailMultiAlternatives("s", "t", None, ["a@lab.example"]))
    assert OwedMail.objects.count() == outbox.DOWN_FAILURES
    assert outbox.is_down() == is_outage
    OwedMail.objects.update(failed_at=None)
    outbox.send_owed()
    assert outbox.is_down() == is_outage


def test_a_malformed_mail_is_dropped_and_logged(
    down: None, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    raise_it(monkeypatch, by_ses("BadRequestException", 400))
    message = EmailMultiAlternatives("s", "t", None, ["a@lab.example"])
    assert outbox.deliver(message)
    assert not OwedMail.objects.exists()
    outbox.owe(message)
    outbox.send_owed()
    assert not OwedMail.objects.exists()
    assert caplog.text.count("is dropped") == 2


def test_a_mail_that_is_being_sent_is_not_sent_by_another(down: None) -> None:
    outbox.deliver(EmailMultiAlternatives("s", "t", None, ["a@lab.example"]))
    mine = OwedMail.objects.get()
    assert outbox._claim(mine)
    assert not outbox._claim(mine)


def test_a_code_that_is_of_no_use_any_more_is_not_sent(settings: Any, person: User, down: None) -> None:
    Client().post("/accounts/login/code/", {"email": person.email})
    owed = OwedMail.objects.get()
    assert owed.expires_at - owed.created_at < timedelta(seconds=settings.ACCOUNT_LOGIN_BY_CODE_TIMEOUT + 1)
    make_due()
    OwedMail.objects.update(expires_at=timezone.now())
    settings.EMAIL_BACKEND = UP
    assert outbox.send_owed() == 0
    assert not OwedMail.objects.exists()


def test_both_forms_of_a_mail_are_kept(settings: Any, down: None) -> None:
    message = EmailMultiAlternatives("subject", "text", "GAS <a@gas.example>", ["a@lab.example", "b@lab.example"])
    message.attach_alternative("<p>html</p>", "text/html")
    assert not outbox.deliver(message)
    settings.EMAIL_BACKEND = UP
    make_due()
    assert outbox.send_owed() == 2
    sent = mail.outbox[0]
    assert (sent.subject, sent.body, sent.from_email) == ("subject", "text", "GAS <a@gas.example>")
    assert sent.alternatives[0][0] == "<p>html</p>"  # type: ignore[attr-defined]
    assert sorted(to for one in mail.outbox for to in one.to) == ["a@lab.example", "b@lab.example"]
