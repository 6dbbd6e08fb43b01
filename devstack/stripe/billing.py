"""What happens to subscriptions: begun by Checkout, renewed, failing, cancelled; each step with Stripe's events.

Callers hold the store's lock.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from copy import deepcopy
from typing import Any

from devstack.stripe import invoicing, objects
from devstack.stripe.cards import FAILS_LATER, Card
from devstack.stripe.errors import StripeError, missing
from devstack.stripe.store import Object, Store, now

#: Failed payments of one invoice after which the subscription ends.
ATTEMPTS = 4
_OVER = frozenset({"canceled", "incomplete_expired"})


class Billing:
    """`base` is the address of this server, which hosted pages are told by."""

    def __init__(self, store: Store, base: str = "") -> None:
        self.store, self.base = store, base

    # --- Events

    def emit(self, kind: str, obj: Object, previous: Object | None = None) -> None:
        event = objects.event(kind, deepcopy(obj), previous, self.store.request)
        self.store.on_event(self.store.add(event))

    @contextmanager
    def changing(self, obj: Object, kind: str) -> Iterator[None]:
        """Emit an event with what the block has changed, if it has changed anything."""
        before = deepcopy(obj)
        yield
        previous = {name: before.get(name) for name in obj if obj[name] != before.get(name)}
        if previous:
            self.emit(kind, obj, previous)

    # --- Customers and their cards

    def new_customer(self, email: str | None, **fields: Any) -> Object:
        customer = self.store.add(objects.customer(email, **fields))
        self.emit("customer.created", customer)
        return customer

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
        for subscription in self.subscriptions(customer["id"]):
            self.cancel(subscription)
        for method in self.cards(customer["id"]):
            with self.changing(method, "payment_method.detached"):
                method["customer"] = None
        self.emit("customer.deleted", customer)
        return self.store.add(objects.deleted(customer))

    def attach(self, card: Card, *, name: str, customer: Object) -> Object:
        method = objects.payment_method(card, name=name, email=customer["email"], customer_id=customer["id"])
        self.store.hidden(method["id"]).outcome = card.outcome
        self.store.add(method)
        self.emit("payment_method.attached", method)
        return method

    def change_card(self, subscription: Object, card: Card, *, name: str) -> None:
        """A new card for the subscription; payments that were made to fail go by the card again."""
        customer = self.customer(subscription["customer"])
        method = self.attach(card, name=name, customer=customer)
        self.store.hidden(subscription["id"]).failing = False
        with self.changing(customer, "customer.updated"):
            customer["invoice_settings"] = {**customer["invoice_settings"], "default_payment_method": method["id"]}
        with self.changing(subscription, "customer.subscription.updated"):
            subscription["default_payment_method"] = method["id"]

    def cards(self, customer_id: str) -> list[Object]:
        return [one for one in self.store.all("payment_method") if one["customer"] == customer_id]

    def subscriptions(self, customer_id: str) -> list[Object]:
        """Those that are not over, newest first."""
        found = (one for one in self.store.all("subscription") if one["customer"] == customer_id)
        return [one for one in found if one["status"] not in _OVER]

    # --- A subscription's life

    def subscribe(
        self, customer: Object, method: Object, price: Object, quantity: int, *, trial_days: int, details: Object
    ) -> Object:
        """`details` are the subscription's metadata and description."""
        start = now()
        # A day is a thirtieth of the period, so that a short period has short trials.
        length = self.store.period_seconds * trial_days // 30 if trial_days else self.store.period_seconds
        subscription = invoicing.subscription(
            customer=customer["id"],
            payment_method=method["id"],
            price=price,
            quantity=quantity,
            start=start,
            end=start + length,
            trial=bool(trial_days),
        )
        subscription |= details
        (item,) = subscription["items"]["data"]
        self.store.add(item)
        self.store.add(subscription)
        if customer["currency"] is None:
            with self.changing(customer, "customer.updated"):
                customer["currency"] = price["currency"]
        invoice = self._draft(subscription, "subscription_create")
        subscription["latest_invoice"] = invoice["id"]
        self.emit("customer.subscription.created", subscription)
        self._bill(invoice, paid=True)
        return subscription

    def end_period(self, subscription: Object, at: int, *, fail: bool = False) -> None:
        """Renew it from `at` on, or end it if it was cancelled for the end of its period.

        fail: its payment fails now, and until its card is changed.

        Raises:
            StripeError: it is over.
        """
        if subscription["status"] in _OVER:
            raise StripeError(400, f"The subscription {subscription['id']} has ended.")
        if subscription["cancel_at_period_end"]:
            self.cancel(subscription, asked=False)
            return
        hidden = self.store.hidden(subscription["id"])
        hidden.failing = hidden.failing or fail
        (item,) = subscription["items"]["data"]
        before = deepcopy(subscription)
        item["current_period_start"], item["current_period_end"] = at, at + self.store.period_seconds
        subscription["status"] = "active"
        invoice = self._draft(subscription, "subscription_cycle")
        subscription["latest_invoice"] = invoice["id"]
        paid = self._can_pay(subscription)
        subscription["status"] = "active" if paid else "past_due"
        changed = ("items", "status", "latest_invoice")
        previous = {name: before[name] for name in changed if before[name] != subscription[name]}
        self.emit("customer.subscription.updated", subscription, previous)
        self._bill(invoice, paid=paid)

    def retry_payment(self, invoice: Object) -> bool:
        """Try an open invoice again. The subscription is active if it succeeds, over after the last failure."""
        details = invoice["parent"]["subscription_details"]
        subscription = self.store.get("subscription", details["subscription"])
        paid = self._can_pay(subscription)
        self._try(invoice, paid=paid)
        if paid and subscription["status"] == "past_due":
            with self.changing(subscription, "customer.subscription.updated"):
                subscription["status"] = "active"
        elif not paid and invoice["attempt_count"] >= ATTEMPTS and subscription["status"] not in _OVER:
            self.cancel(subscription, asked=False, reason="payment_failed")
        return paid

    def cancel(self, subscription: Object, *, asked: bool = True, reason: str = "cancellation_requested") -> None:
        """At once."""
        at = now()
        subscription |= {"status": "canceled", "ended_at": at}
        if asked or subscription["canceled_at"] is None:
            subscription["canceled_at"] = at
        subscription["cancellation_details"] = {**subscription["cancellation_details"], "reason": reason}
        for invoice in self.open_invoices(subscription["id"]):
            invoice |= {"next_payment_attempt": None, "auto_advance": False}
        self.emit("customer.subscription.deleted", subscription)

    def cancel_at_period_end(self, subscription: Object, wanted: bool) -> None:
        with self.changing(subscription, "customer.subscription.updated"):
            self.set_cancel(subscription, wanted)

    @staticmethod
    def set_cancel(subscription: Object, wanted: bool) -> None:
        """Cancel at the end of the period, or no longer; without an event."""
        if subscription["cancel_at_period_end"] == wanted:
            return
        (item,) = subscription["items"]["data"]
        details = {**subscription["cancellation_details"], "reason": "cancellation_requested" if wanted else None}
        subscription |= {
            "cancel_at_period_end": wanted,
            "cancel_at": item["current_period_end"] if wanted else None,
            "canceled_at": now() if wanted else None,
            "cancellation_details": details,
        }

    # --- Invoices

    def open_invoices(self, subscription_id: str) -> list[Object]:
        found = (one for one in self.store.all("invoice") if one["status"] == "open")
        return [one for one in found if one["parent"]["subscription_details"]["subscription"] == subscription_id]

    def _draft(self, subscription: Object, reason: str) -> Object:
        customer = self.store.get("customer", subscription["customer"])
        (item,) = subscription["items"]["data"]
        product = self.store.get("product", item["price"]["product"])
        invoice = invoicing.invoice(subscription, customer, reason=reason, base=self.base, product_name=product["name"])
        return self.store.add(invoice)

    def _bill(self, invoice: Object, *, paid: bool) -> None:
        self.emit("invoice.created", invoice)
        at = now()
        invoice |= {"status": "open", "effective_at": at, "ending_balance": 0, "auto_advance": not paid}
        invoice["status_transitions"]["finalized_at"] = at
        self.emit("invoice.finalized", invoice)
        self._try(invoice, paid=paid)

    def _try(self, invoice: Object, *, paid: bool) -> None:
        at, amount = now(), invoice["amount_due"]
        if amount:
            invoice |= {"attempted": True, "attempt_count": invoice["attempt_count"] + 1}
        if paid:
            invoice |= {"status": "paid", "amount_paid": amount, "amount_remaining": 0, "auto_advance": False}
            invoice |= {"next_payment_attempt": None, "attempted": True}
            invoice["status_transitions"]["paid_at"] = at
            self.emit("invoice.paid", invoice)
            self.emit("invoice.payment_succeeded", invoice)
            return
        last = invoice["attempt_count"] >= ATTEMPTS
        invoice["next_payment_attempt"] = None if last else at + max(1, self.store.period_seconds // 10)
        self.emit("invoice.payment_failed", invoice)

    def _can_pay(self, subscription: Object) -> bool:
        method = self.store.find("payment_method", subscription["default_payment_method"])
        if method is None or method["customer"] is None or self.store.hidden(subscription["id"]).failing:
            return False
        return self.store.hidden(method["id"]).outcome != FAILS_LATER
