"""What happens to Checkout sessions, subscriptions and customers; every change of a subscription sends its event.

Callers hold the store's lock.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import dataclass

from devstack.stripe import PRICE, objects
from devstack.stripe.cards import AUTHENTICATES, PAYS, Card, Refused
from devstack.stripe.errors import StripeError, missing
from devstack.stripe.store import Object, Store, new_id, now
from devstack.stripe.webhooks import FIRST_PAUSE_SECONDS, Webhooks

PERIOD_SECONDS = 30 * 24 * 3600


@dataclass
class Payments:
    """What the API does not show of a subscription.

    Attributes:
        card: the one that pays.
        failing: whether payments fail until the card is changed.
    """

    card: Card
    failing: bool = False


class Billing:
    """One account that sells one price.

    Args:
        first_pause: seconds before a webhook's second attempt.
    """

    def __init__(self, *, first_pause: float = FIRST_PAUSE_SECONDS) -> None:
        self.store = Store()
        self.webhooks = Webhooks(self.store, first_pause=first_pause)
        #: The address of this server, for the links to its pages.
        self.base = ""
        self._payments: dict[str, Payments] = {}
        self._subscription_metadata: dict[str, dict[str, str]] = {}
        self._unauthenticated: dict[str, tuple[Card, str]] = {}
        for seeded in (objects.account(), objects.price()):
            self.store.add(seeded)

    def _emit(self, kind: str, obj: Object, previous: Object | None = None) -> None:
        self.webhooks.accept(self.store.add(objects.event(kind, obj, previous)))

    @contextmanager
    def _updating(self, subscription: Object) -> Iterator[None]:
        """Emit an event if the block changes the subscription."""
        before = deepcopy(subscription)
        yield
        previous = {name: before[name] for name in subscription if subscription[name] != before[name]}
        if previous:
            self._emit("customer.subscription.updated", subscription, previous)

    # --- Customers

    def customer(self, customer_id: str, *, param: str = "id") -> Object:
        """Return a customer.

        Raises:
            StripeError: there is none, or it was deleted.
        """
        found = self.store.get("customer", customer_id, param=param)
        if found.get("deleted"):
            raise missing("customer", customer_id, param=param)
        return found

    def delete_customer(self, customer: Object) -> Object:
        """End the customer's subscriptions at once, and keep nothing but the id."""
        for subscription in self.subscriptions(customer["id"]):
            self.cancel(subscription)
        return self.store.add(objects.deleted(customer))

    def subscriptions(self, customer_id: str) -> list[Object]:
        """Return the subscriptions of a customer that have not ended, newest first."""
        found = (one for one in self.store.all("subscription") if one["customer"] == customer_id)
        return [one for one in found if one["status"] != "canceled"]

    # --- Checkout

    def open_session(self, chosen: Object, subscription_metadata: dict[str, str]) -> Object:
        session = self.store.add(objects.checkout_session(chosen, self.base))
        self._subscription_metadata[session["id"]] = subscription_metadata
        return session

    def pay(self, session: Object, card: Card, name: str, *, authenticated: bool = False) -> bool:
        """Pay in an open session. Return False if the person has to authenticate first.

        Raises:
            Refused: the card is declined; nothing has changed.
        """
        if card.outcome == AUTHENTICATES and not authenticated:
            self._unauthenticated[session["id"]] = (card, name)
            return False
        if card.outcome not in PAYS:
            raise Refused("number", card.outcome)
        customer = self.customer(session["customer"], param="customer")
        price = self.store.get("price", PRICE)
        metadata = self._subscription_metadata[session["id"]]
        subscription = objects.subscription(customer["id"], price, metadata, end=now() + PERIOD_SECONDS)
        self._payments[subscription["id"]] = Payments(card)
        self._emit("customer.subscription.created", self.store.add(subscription))
        session |= {
            "status": "complete",
            "payment_status": "paid",
            "customer_details": objects.customer_details(name, customer["email"]),
            "invoice": subscription["latest_invoice"],
            "subscription": subscription["id"],
            "url": None,
        }
        self._emit("checkout.session.completed", session)
        return True

    def finish_authentication(self, session: Object, *, succeeded: bool) -> None:
        """Pay, or do not, as the person answered on the 3-D Secure page.

        Raises:
            StripeError: no payment in this session waits for an answer.
        """
        waiting = self._unauthenticated.pop(session["id"], None)
        if waiting is None:
            raise StripeError(400, "No payment waits for authentication.")
        if succeeded:
            self.pay(session, *waiting, authenticated=True)

    # --- A subscription's life

    def end_period(self, subscription: Object, *, fail: bool = False) -> None:
        """Renew the subscription now, or end it if it was cancelled for the end of its period.

        Args:
            subscription: one that has not ended.
            fail: whether its payments fail from now on, until its card is changed.

        Raises:
            StripeError: it has ended.
        """
        if subscription["status"] == "canceled":
            raise StripeError(400, f"The subscription {subscription['id']} has ended.")
        if subscription["cancel_at_period_end"]:
            self.cancel(subscription)
            return
        payments = self._payments[subscription["id"]]
        payments.failing = payments.failing or fail
        with self._updating(subscription):
            at = now()
            subscription["items"]["data"][0] |= {"current_period_start": at, "current_period_end": at + PERIOD_SECONDS}
            subscription["latest_invoice"] = new_id("invoice")
            subscription["status"] = "past_due" if payments.failing else "active"

    def cancel(self, subscription: Object) -> None:
        """End the subscription at once."""
        at = now()
        subscription |= {"status": "canceled", "ended_at": at, "canceled_at": subscription["canceled_at"] or at}
        subscription["cancellation_details"]["reason"] = "cancellation_requested"
        self._emit("customer.subscription.deleted", subscription)

    def cancel_at_period_end(self, subscription: Object, wanted: bool) -> None:
        """Cancel for the end of the period, or take that back."""
        (item,) = subscription["items"]["data"]
        with self._updating(subscription):
            subscription |= {
                "cancel_at_period_end": wanted,
                "cancel_at": item["current_period_end"] if wanted else None,
                "canceled_at": now() if wanted else None,
            }
            subscription["cancellation_details"]["reason"] = "cancellation_requested" if wanted else None

    # --- Payments

    def card(self, subscription: Object) -> Card:
        return self._payments[subscription["id"]].card

    def change_card(self, subscription: Object, card: Card) -> None:
        """Let another card pay from now on.

        Raises:
            Refused: the card is declined.
        """
        if card.outcome not in PAYS:
            raise Refused("number", card.outcome)
        self._payments[subscription["id"]] = Payments(card)
        with self._updating(subscription):
            subscription["default_payment_method"] = new_id("payment_method")

    def pay_open_invoice(self, subscription: Object) -> bool:
        """Try again the payment that failed. Return whether it succeeds; then the subscription is active.

        Raises:
            StripeError: no payment has failed.
        """
        if subscription["status"] != "past_due":
            raise StripeError(410, "No invoice is open.")
        if self._payments[subscription["id"]].failing:
            return False
        with self._updating(subscription):
            subscription["status"] = "active"
        return True
