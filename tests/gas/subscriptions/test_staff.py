"""Staff see why somebody has which plan, give premium by hand, and everything that they do is written down."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from bs4 import BeautifulSoup
from django.contrib import admin
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission
from django.db import connection
from django.test import Client
from django.utils import timezone
from djstripe.models import APIKey, Event, Subscription, WebhookEndpoint

from gas.jobs.models import Job
from gas.subscriptions.grants import grant_premium, revoke_grants
from gas.subscriptions.models import Billing, Grant, PlanChange
from gas.users.models import User
from tests.support.people import make_person
from tests.support.subscribers import Subscriber, standing

pytestmark = [pytest.mark.django_db]
PEOPLE = "/admin/users/user/"
TURNS = 10
THEN = (timezone.now() + timedelta(days=90)).date()


@pytest.fixture
def client(staff: User, browser_of: Callable[[User], Client]) -> Client:
    return browser_of(staff)


def act(client: Client, action: str, *people: User, address: str = PEOPLE, **fields: Any) -> str:
    body = {"action": action, "_selected_action": [str(one.pk) for one in people], **fields}
    return client.post(address, body, follow=True).content.decode()


@pytest.mark.usefixtures("queued")
def test_premium_is_granted_with_an_end_and_a_reason(client: Client, staff: User, person: User, stranger: User) -> None:
    asked = act(client, "grant", person, stranger)
    for part in (person.email, stranger.email, "Until the end of", "Reason"):
        assert part in asked
    assert not Grant.objects.exists()
    done = act(client, "grant", person, stranger, until=THEN.isoformat(), reason="the summer school")
    assert "2 people granted premium" in done
    for one in (person, stranger):
        assert standing(one) == ("premium", "")
        grant = Grant.objects.get(user=one)
        assert (grant.actor, grant.reason) == (staff, "the summer school")
        assert grant.until == datetime(THEN.year, THEN.month, THEN.day, 23, 59, 59, tzinfo=UTC)
        change = PlanChange.objects.get(user=one)
        assert (change.actor, change.reason) == (staff, "granted: the summer school")
    page = client.get(f"{PEOPLE}{person.pk}/change/").content.decode()
    assert "the summer school" in page


@pytest.mark.usefixtures("queued")
@pytest.mark.parametrize(
    "fields",
    [
        {"until": "", "reason": "x"},
        {"until": "2020-01-01", "reason": "x"},
        {"until": "soon", "reason": "x"},
        {"until": THEN.isoformat(), "reason": ""},
        {"until": THEN.isoformat(), "reason": "x" * 201},
    ],
)
def test_without_an_end_to_come_or_a_reason_nothing_is_granted(
    client: Client, person: User, fields: dict[str, str]
) -> None:
    assert "errorlist" in act(client, "grant", person, **fields)
    assert not Grant.objects.exists()
    assert standing(person) == ("free", "")


@pytest.mark.usefixtures("queued")
def test_a_list_that_is_filtered_by_plan_grants_to_all_who_were_chosen(
    client: Client, person: User, stranger: User
) -> None:
    fields = {"until": THEN.isoformat(), "reason": "all of you"}
    act(client, "grant", person, stranger, address=f"{PEOPLE}?plan__exact=free", **fields)
    assert Grant.objects.count() == 2
    said = act(client, "revoke", person, stranger, address=f"{PEOPLE}?plan__exact=premium")
    assert "2 of 2 people had a grant" in said
    assert {standing(one) for one in (person, stranger)} == {("free", "")}


@pytest.mark.usefixtures("queued")
def test_what_is_revoked_is_written_down_and_what_is_paid_for_stays(
    client: Client, staff: User, person: User, stranger: User
) -> None:
    Billing.objects.create(user=stranger, customer_id="cus_1", status="active")
    act(client, "grant", person, stranger, until=THEN.isoformat(), reason="x")
    assert "2 of 2" in act(client, "revoke", person, stranger)
    assert "0 of 2" in act(client, "revoke", person, stranger)
    assert standing(person) == ("free", "")
    assert standing(stranger) == ("premium", "active")
    for grant in Grant.objects.all():
        assert grant.revoked_by == staff
        assert grant.ended_at is not None
    assert PlanChange.objects.filter(user=person).last().reason == "the grant was revoked"  # type: ignore[union-attr]


@pytest.mark.usefixtures("queued")
def test_everything_that_staff_do_is_in_the_audit_log(client: Client, staff: User, person: User) -> None:
    act(client, "grant", person, until=THEN.isoformat(), reason="the summer school")
    act(client, "revoke", person)
    job = Job.objects.create(owner=person, name="a.vcf", reference="rCRS")
    act(client, "cancel_jobs", job, address="/admin/jobs/job/")  # type: ignore[arg-type]
    Billing.objects.create(user=person, customer_id="cus_1")
    act(client, "read_again", person.billing, address="/admin/subscriptions/billing/")  # type: ignore[arg-type]
    client.post("/admin/jobs/uploadswitch/1/change/", {"open": "", "message": "later"})
    found = [(entry.object_repr, entry.get_change_message()) for entry in LogEntry.objects.order_by("pk")]
    assert found[:2] == [
        (person.email, f"Granted premium until {THEN:%d %B %Y}: the summer school"),
        (person.email, "Revoked the grant of premium"),
    ]
    assert found[2][1] == "Cancel the selected jobs"
    assert found[3][1] == "Read the selected customers from Stripe again"
    assert "Changed" in found[4][1]
    assert set(LogEntry.objects.values_list("user", flat=True)) == {staff.pk}
    page = client.get("/admin/admin/logentry/").content.decode()
    assert "the summer school" in page
    assert person.email in page


def test_the_log_cannot_be_changed(client: Client, staff: User, person: User) -> None:
    entry = LogEntry.objects.log_actions(
        user_id=staff.pk, queryset=[person], action_flag=2, change_message="x", single_object=True
    )
    assert client.post(f"/admin/admin/logentry/{entry.pk}/change/", {"change_message": "y"}).status_code == 403
    assert client.post(f"/admin/admin/logentry/{entry.pk}/delete/", {"post": "yes"}).status_code == 403
    assert client.get("/admin/admin/logentry/add/").status_code == 403


@pytest.mark.usefixtures("queued")
def test_who_may_only_look_grants_nothing(person: User, browser_of: Callable[[User], Client]) -> None:
    looker = make_person("looker@gas.example")
    User.objects.filter(pk=looker.pk).update(is_staff=True)
    looker.user_permissions.add(*Permission.objects.filter(codename__startswith="view_"))
    client = browser_of(looker)
    act(client, "grant", person, until=THEN.isoformat(), reason="x")
    Billing.objects.create(user=person, customer_id="cus_1")
    act(client, "read_again", person.billing, address="/admin/subscriptions/billing/")  # type: ignore[arg-type]
    assert not Grant.objects.exists()
    assert Billing.objects.get().wanted == 0
    assert (
        client.post(f"/admin/subscriptions/billing/{person.billing.pk}/change/", {"status": "active"}).status_code
        == 403
    )


@pytest.mark.usefixtures("queued")
def test_granting_is_a_right_of_its_own(person: User, browser_of: Callable[[User], Client]) -> None:
    """Who may change accounts does not therefore grant, nor does who grants change accounts, or revoke."""
    fields = {"until": THEN.isoformat(), "reason": "x"}

    def who_may(*codenames: str) -> Client:
        helper = make_person(f"{codenames[-1]}@gas.example")
        User.objects.filter(pk=helper.pk).update(is_staff=True)
        helper.user_permissions.add(*Permission.objects.filter(codename__in=codenames))
        return browser_of(helper)

    changer = who_may("view_user", "change_user")
    granter, revoker = who_may("view_user", "add_grant"), who_may("view_user", "change_grant")
    for client in (changer, revoker):
        act(client, "grant", person, **fields)
        assert not Grant.objects.exists()
    assert "1 person granted premium" in act(granter, "grant", person, **fields)
    for client in (changer, granter):
        act(client, "revoke", person)
        assert Grant.objects.live().exists()
        assert standing(person) == ("premium", "")
    assert granter.post(f"{PEOPLE}{person.pk}/change/", {"email": "x@y.example"}).status_code == 403
    assert "1 of 1" in act(revoker, "revoke", person)
    assert standing(person) == ("free", "")


@pytest.mark.usefixtures("queued")
@pytest.mark.parametrize("action", ["grant", "revoke"])
def test_nothing_is_done_that_is_not_written_down(
    client: Client, staff: User, person: User, stranger: User, action: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if action == "revoke":
        for one in (person, stranger):
            grant_premium(one, until=None, reason="x", actor=staff)
    before = [list(model.objects.order_by("pk").values()) for model in (Grant, PlanChange)]

    def fail(*_: Any) -> None:
        raise RuntimeError("the log is full")

    monkeypatch.setattr("gas.subscriptions.admin.log_action", fail)
    with pytest.raises(RuntimeError):
        act(client, action, person, stranger, until=THEN.isoformat(), reason="x")
    assert [list(model.objects.order_by("pk").values()) for model in (Grant, PlanChange)] == before


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("aws", "queued")
def test_two_of_the_staff_who_grant_each_other_premium_do_not_wait_for_ever(staff: User, person: User) -> None:
    """Each writes a row that names the other. Where rows are locked, as in PostgreSQL, both get on with it."""
    barrier = threading.Barrier(2)

    def give(actor: User, to: User) -> None:
        try:
            for turn in range(TURNS):
                barrier.wait(30)
                grant_premium(to, until=None, reason=f"{turn}", actor=actor)
                revoke_grants(to, actor=actor)
        except Exception:
            barrier.abort()
            raise
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as pool:
        given = [pool.submit(give, staff, person), pool.submit(give, person, staff)]
    assert [repr(each.exception()) for each in given if each.exception()] == []
    assert Grant.objects.exclude(ended_at=None).count() == 2 * TURNS
    assert {standing(one) for one in (staff, person)} == {("free", "")}


@pytest.mark.django_db(transaction=True)
def test_an_address_that_staff_correct_reaches_stripe(subscriber: Subscriber, client: Client) -> None:
    subscriber.checkout()
    address = f"{PEOPLE}{subscriber.user.pk}/change/"
    form = BeautifulSoup(client.get(address).content, "html.parser").select_one("form#user_form")
    assert form is not None
    filled = [one for one in form.select("input[name]") if one.get("type") != "checkbox" or one.has_attr("checked")]
    fields = {str(one["name"]): str(one.get("value", "")) for one in filled if one.get("type") != "submit"}
    answer = client.post(address, {**fields, "email": "ada@right.example"})
    assert answer.status_code == 302, answer.context["errors"]
    found = subscriber.stripe.api("GET", f"customers/{subscriber.billing.customer_id}")
    assert found["email"] == "ada@right.example"


@pytest.mark.django_db(transaction=True)
def test_a_persons_page_has_subscription_usage_and_webhooks(
    subscriber: Subscriber, client: Client, staff: User
) -> None:
    subscriber.subscribe()
    subscriber.cancel()
    subscriber.wait(lambda billing: billing.ends_at is not None)
    found = client.get(PEOPLE, {"q": "ada@lab"}).content.decode()
    assert subscriber.user.email in found
    page = BeautifulSoup(client.get(f"{PEOPLE}{subscriber.user.pk}/change/").content, "html.parser")
    said = " ".join(page.get_text(" ").split())
    for part in ("Premium", "active", subscriber.billing.customer_id, "customer.subscription.created", "Jobs"):
        assert str(part) in said
    event = page.find("a", string=lambda text: bool(text and "customer.subscription.created" in text))
    assert event is not None
    assert client.get(str(event["href"])).status_code == 200


@pytest.mark.django_db(transaction=True)
def test_nothing_of_dj_stripes_own_pages_is_left_and_no_secret_is_shown(subscriber: Subscriber, client: Client) -> None:
    subscriber.subscribe()
    secrets = [WebhookEndpoint.objects.get().secret, APIKey.objects.get().secret]
    mirrored = [model for model in admin.site._registry if model._meta.app_label == "djstripe"]
    assert {model.__name__ for model in mirrored} == {"Event", "WebhookEventTrigger", "Subscription", "WebhookEndpoint"}
    for model in mirrored:
        name = model._meta.model_name
        pages = [f"/admin/djstripe/{name}/", f"/admin/djstripe/{name}/{model.objects.first().pk}/change/"]  # type: ignore[attr-defined,union-attr]
        for page in pages:
            answer = client.get(page)
            assert answer.status_code == 200
            assert not any(secret in answer.content.decode() for secret in secrets)
        assert client.get(f"/admin/djstripe/{name}/add/").status_code == 403
        assert client.post(pages[1], {"x": "y"}).status_code == 403
    assert Event.objects.exists()
    assert Subscription.objects.exists()
