"""manage.py setup_stripe: one endpoint whose secret is known, however often it runs and whatever was there."""

from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from djstripe.models import APIKey, WebhookEndpoint
from pytest_django import Settings

from gas.subscriptions.endpoint import FORWARDED
from gas.subscriptions.receivers import EVENTS
from tests.support.stripe_process import StripeProcess

pytestmark = pytest.mark.django_db


@pytest.fixture
def site(billing_on: StripeProcess, settings: Settings) -> StripeProcess:
    """Nobody is at its address."""
    settings.SITE_URL = "http://127.0.0.1:9"
    for endpoint in billing_on.state()["endpoints"]:
        billing_on.api("DELETE", f"webhook_endpoints/{endpoint['id']}")
    return billing_on


def run(**options: str) -> str:
    out = StringIO()
    call_command("setup_stripe", stdout=out, **options)
    return out.getvalue()


def there(stripe: StripeProcess) -> list[tuple[str, str]]:
    return [(one["id"], one["url"]) for one in stripe.state()["endpoints"]]


def test_the_endpoint_is_registered_once(site: StripeProcess) -> None:
    said = run()
    assert "acct_devstack" in said
    assert "29.00 USD a month" in said
    ((name, url),) = there(site)
    row = WebhookEndpoint.objects.get()
    assert (row.id, row.url) == (name, url)
    assert row.secret.startswith("whsec_")
    assert url == f"http://127.0.0.1:9/stripe/webhook/{row.djstripe_uuid}/"
    assert sorted(site.state()["endpoints"][0]["enabled_events"]) == sorted(EVENTS)
    assert "Found" in run()
    assert there(site) == [(name, url)]
    assert WebhookEndpoint.objects.get().secret == row.secret
    assert APIKey.objects.count() == 1


def test_one_whose_secret_is_lost_is_replaced(site: StripeProcess) -> None:
    run()
    before = there(site)
    WebhookEndpoint.objects.all().delete()
    assert "Registered" in run()
    assert len(there(site)) == 1
    assert there(site) != before
    assert WebhookEndpoint.objects.get().id == there(site)[0][0]


def test_one_of_another_version_is_replaced_and_its_events_are_brought_up_to_date(
    site: StripeProcess, monkeypatch: pytest.MonkeyPatch, settings: Settings
) -> None:
    run()
    monkeypatch.setattr("gas.subscriptions.endpoint.EVENTS", EVENTS[:2])
    before = there(site)
    run()
    assert there(site) == before
    assert sorted(site.state()["endpoints"][0]["enabled_events"]) == sorted(EVENTS[:2])


def test_others_endpoints_are_left_alone(site: StripeProcess) -> None:
    fields = {"url": "https://other.example/stripe/webhook/1/", "enabled_events[0]": "customer.created"}
    other = site.api("POST", "webhook_endpoints", **fields)
    run()
    run()
    assert other["id"] in dict(there(site))
    assert len(there(site)) == 2


def test_a_secret_for_forwarded_webhooks_is_kept(site: StripeProcess) -> None:
    said = run(secret="whsec_first")
    assert f"/stripe/webhook/{FORWARDED}/" in said
    run(secret="whsec_second")
    assert WebhookEndpoint.objects.get().secret == "whsec_second"
    assert there(site) == []


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"STRIPE_PRICE_ID": "price_that_is_not_there"}, "price_that_is_not_there"),
        ({"STRIPE_PRICE_ID": ""}, "STRIPE_PRICE_ID"),
        ({"STRIPE_API_BASE": "http://127.0.0.1:9"}, "does not answer"),
    ],
)
def test_what_is_wrong_is_said(site: StripeProcess, settings: Settings, change: dict[str, str], says: str) -> None:
    for name, value in change.items():
        setattr(settings, name, value)
    with pytest.raises(CommandError, match=says):
        run()


def test_a_wrong_kind_of_secret_is_refused(site: StripeProcess) -> None:
    with pytest.raises(CommandError, match="whsec_"):
        run(secret="sk_test_x")


def test_the_version_is_the_librarys() -> None:
    """What is written here in one version is tested against the library of that version."""
    from django.conf import settings
    from stripe._api_version import _ApiVersion

    assert settings.STRIPE_API_VERSION == _ApiVersion.CURRENT
