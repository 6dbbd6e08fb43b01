"""/p/session/<session>: the plan, its renewal, the card and the invoices of one customer."""

from flask import Blueprint, redirect, render_template, request
from werkzeug.wrappers import Response

from devstack.stripe.cardform import typed, typed_card
from devstack.stripe.cards import AUTHENTICATES, FAILS_LATER, SUCCEEDS, Refused
from devstack.stripe.errors import StripeError
from devstack.stripe.service import Service
from devstack.stripe.store import Object

#: What can be kept for later payments; any other card is declined at once.
_KEPT = frozenset({SUCCEEDS, AUTHENTICATES, FAILS_LATER})


class PortalPages:
    def __init__(self, service: Service) -> None:
        self.store, self.billing = service.store, service.billing

    def register(self, pages: Blueprint) -> None:
        path = "/p/session/<session_id>"
        pages.add_url_rule(path, view_func=self.home)
        pages.add_url_rule(f"{path}/cancel", view_func=self.ask_cancel)
        pages.add_url_rule(f"{path}/<any(cancel, renew):what>", view_func=self.set_cancel, methods=["POST"])
        pages.add_url_rule(f"{path}/card", view_func=self.change_card, methods=["POST"])
        pages.add_url_rule(f"{path}/invoices/<invoice_id>/pay", view_func=self.pay_invoice, methods=["POST"])

    def home(self, session_id: str) -> str:
        with self.store.lock:
            return self._page(*self._find(session_id))

    def ask_cancel(self, session_id: str) -> str:
        with self.store.lock:
            session, customer = self._find(session_id)
            (item,) = self._current(customer)["items"]["data"]
            return render_template("cancel.html", session=session, item=item)

    def set_cancel(self, session_id: str, what: str) -> Response:
        with self.store.lock:
            _, customer = self._find(session_id)
            self.billing.cancel_at_period_end(self._current(customer), what == "cancel")
        return redirect(f"/p/session/{session_id}?done={what}", 303)

    def change_card(self, session_id: str) -> Response | tuple[str, int]:
        with self.store.lock:
            session, customer = self._find(session_id)
            try:
                card, name = typed_card()
            except Refused as problem:
                return self._page(session, customer, problem), 402
            if card.outcome not in _KEPT:
                return self._page(session, customer, Refused("number", card.outcome)), 402
            self.billing.change_card(self._current(customer), card, name=name)
        return redirect(f"/p/session/{session_id}?done=card", 303)

    def pay_invoice(self, session_id: str, invoice_id: str) -> Response:
        with self.store.lock:
            _, customer = self._find(session_id)
            invoice = self.store.get("invoice", invoice_id)
            if invoice["customer"] != customer["id"] or invoice["next_payment_attempt"] is None:
                raise StripeError(410, "This invoice cannot be paid.")
            paid = self.billing.retry_payment(invoice)
        return redirect(f"/p/session/{session_id}?done={'paid' if paid else 'unpaid'}", 303)

    def _find(self, session_id: str) -> tuple[Object, Object]:
        """The session and its customer.

        Raises:
            StripeError: either is gone.
        """
        session = self.store.get("billing_portal.session", session_id)
        return session, self.billing.customer(session["customer"])

    def _current(self, customer: Object) -> Object:
        """Return the subscription of a customer.

        Raises:
            StripeError: there is no subscription to change.
        """
        found = self.billing.subscriptions(customer["id"])
        if not found:
            raise StripeError(410, "There is no current plan.")
        return found[0]

    def _page(self, session: Object, customer: Object, problem: Refused | None = None) -> str:
        found = self.billing.subscriptions(customer["id"])
        shown: Object = {"subscription": None}
        if found:
            (item,) = found[0]["items"]["data"]
            method = self.store.find("payment_method", found[0]["default_payment_method"])
            product = self.store.get("product", item["price"]["product"])
            shown = {"subscription": found[0], "item": item, "product": product, "card": method and method["card"]}
        return render_template(
            "portal.html",
            session=session,
            customer=customer,
            invoices=[one for one in self.store.all("invoice") if one["customer"] == customer["id"]],
            message=request.args.get("done", ""),
            typed=typed(),
            problem=problem,
            **shown,
        )
