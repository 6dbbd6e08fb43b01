"""Promise: staff are alerted about each kind of problem at once, once in a period, with a count."""

import logging
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from django.core import mail
from django.db import Error, connection, connections
from django.test import Client
from django.utils import timezone

from gas.mail.models import OwedMail, Trouble
from gas.staff import alerts
from gas.staff.alerts import alert, kind_of, mail_held

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _staff(settings: Any) -> None:
    settings.ADMINS = [("Staff", "staff@gas.example")]
    alerts._told_without_database.clear()


def end_period() -> None:
    Trouble.objects.update(mailed_at=timezone.now() - timedelta(days=1))


def test_one_mail_for_a_kind_and_the_rest_in_the_next() -> None:
    for number in range(50):
        alert(f"notice {number} is given up after {number} tries", "Send it from the admin.")
    assert len(mail.outbox) == 1
    end_period()
    alert("notice 50 is given up after 20 tries", "Send it from the admin.")
    assert len(mail.outbox) == 2
    assert mail.outbox[1].subject.endswith("notice 50 is given up after 20 tries (and 49 more)")
    assert "49 more times" in str(mail.outbox[1].body)
    assert "Further ones within 1 hour are counted" in str(mail.outbox[1].body)


def test_what_was_held_is_told_although_it_does_not_happen_again() -> None:
    for number in range(4):
        alert(f"notice {number} is given up", "Send it.")
    assert mail_held() == 0
    end_period()
    assert mail_held() == 1
    assert "notice 3 is given up (and 2 more)" in mail.outbox[-1].subject
    assert mail_held() == 0
    end_period()
    assert mail_held() == 0
    assert not Trouble.objects.exists()


def test_kinds_do_not_hide_each_other() -> None:
    alert("the vault is unreachable", "Look.")
    alert("notice 1 is given up", "Send it.")
    assert len(mail.outbox) == 2


@pytest.mark.parametrize(
    "subject",
    [
        "notice 17 is given up after 3 tries",
        "job 0b1c4a39-7c1e-4a7e-8f7c-0a8f3c1b2d4e has no copy",
        "“a file.vcf” cannot be read",
        "the mail to ada@lab.example was refused",
    ],
)
def test_ids_make_no_kinds(subject: str) -> None:
    assert not any(word in kind_of(subject) for word in ("17", "0b1c", "file", "ada"))


@pytest.mark.django_db(transaction=True)
def test_processes_count_together() -> None:
    def tell(number: int) -> None:
        alert(f"notice {number} is given up", "Send it.")
        connections.close_all()

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(tell, range(24)))
    assert len(mail.outbox) == 1
    assert Trouble.objects.get().held == 23


def test_without_the_database_each_process_counts_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> int:
        raise Error("no connection")

    monkeypatch.setattr(alerts, "_count", fail)
    for number in range(5):
        alert(f"notice {number} is given up", "Send it.")
    assert len(mail.outbox) == 1


def test_an_alert_waits_for_the_mail_service(settings: Any) -> None:
    settings.EMAIL_BACKEND = "tests.gas.mail.test_outbox.DownBackend"
    alert("notice 1 is given up", "Send it.")
    assert OwedMail.objects.get().to == "staff@gas.example"


def test_errors_of_pages_are_grouped_and_tell_nothing_of_the_request(
    settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert settings.LOGGING["loggers"]["django"]["handlers"] == []
    monkeypatch.setattr("gas.urls.limits", lambda: 1 / 0)
    client = Client(raise_request_exception=False)
    for number in range(30):
        assert client.get("/", {"secret": number}, headers={"cookie": "gas_session=s3cr3t"}).status_code == 500
    assert len(mail.outbox) == 1
    assert "ZeroDivisionError on landing" in mail.outbox[0].subject
    assert "s3cr3t" not in str(mail.outbox[0].message())


def test_djangos_own_mails_are_off() -> None:
    handlers = logging.getLogger("django").handlers
    assert not [handler for handler in handlers if "AdminEmail" in type(handler).__name__]


def test_an_alert_leaves_a_broken_transaction() -> None:
    assert connection.in_atomic_block
    connection.needs_rollback = True
    try:
        alert("notice 1 is given up", "Send it.")
    finally:
        connection.needs_rollback = False
    assert len(mail.outbox) == 1
