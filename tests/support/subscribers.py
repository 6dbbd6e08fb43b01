"""A person who pays on the devstack's Stripe, and what the site says of their plan."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from bs4 import BeautifulSoup
from django.test import Client

from gas.subscriptions.models import Billing
from gas.users.models import User
from tests.support.stripe_process import SUCCEEDS, StripeProcess
from tests.support.waiting import wait_until


@dataclass
class Subscriber:
    """A person who pays, on Stripe's pages, as their browser would."""

    user: User
    client: Client
    stripe: StripeProcess

    @property
    def billing(self) -> Billing:
        return Billing.objects.get(user=self.user)

    @property
    def subscription(self) -> str:
        """The newest one's id, as Stripe has it."""
        found = self.stripe.api("GET", "subscriptions", customer=self.billing.customer_id, status="all")["data"]
        return str(found[0]["id"])

    def checkout(self) -> str:
        """The address of the page to pay on."""
        answer = self.client.post("/plan/checkout/")
        assert answer.status_code == 303, answer.headers
        return answer["Location"]

    def subscribe(self, *, webhooks: str = "send", card: str = SUCCEEDS) -> None:
        """Pay; with webhooks that are sent, wait until they have done their work."""
        self.stripe.webhooks(webhooks)
        assert self.stripe.pay(self.checkout(), card).status_code == 303
        if webhooks == "send":
            until(self.user, "premium", "active")
            self.settled()

    def cancel(self) -> None:
        """For the end of the period, in the portal."""
        answer = self.client.post("/plan/portal/")
        assert answer.status_code == 303, answer.headers
        self.stripe.in_portal(answer["Location"], "cancel")

    def renew(self) -> None:
        """Take the cancellation back, in the portal."""
        self.stripe.in_portal(self.client.post("/plan/portal/")["Location"], "renew")

    def end_now(self) -> None:
        self.stripe.cancel_now(self.subscription)

    def events(self) -> list[str]:
        """Ids of events of the newest subscription, in their order."""
        return [one["id"] for one in self.stripe.events_of(self.subscription)]

    def wait(self, condition: Callable[[Any], bool]) -> None:
        wait_until(lambda: condition(self.billing))

    def settled(self) -> None:
        """Every webhook was delivered and read."""
        wait_until(lambda: not self.stripe.pending(), what=f"pending: {self.stripe.pending()}")
        wait_until(lambda: self.billing.done == self.billing.wanted)


def standing(user: User) -> Any:
    """(plan, status) as the database has them now."""
    billing = Billing.objects.filter(user=user).first()
    return User.objects.get(pk=user.pk).plan, billing.status if billing else ""


def until(user: User, plan: str, status: str) -> None:
    wait_until(lambda: standing(user) == (plan, status), what=f"{plan}, {status}; it is {standing(user)}")


def words(client: Client, address: str = "/plan/") -> str:
    page = BeautifulSoup(client.get(address).content, "html.parser").find("main")
    assert page
    return " ".join(page.get_text(" ").split())
