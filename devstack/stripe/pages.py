"""The hosted pages: Checkout (/c/pay/) with its 3-D Secure page, and the customer portal (/p/session/)."""

from functools import wraps
from typing import Any

from flask import Blueprint, redirect, render_template, request
from werkzeug.wrappers import Response

from devstack.stripe.billing import Billing
from devstack.stripe.cards import CARDS, NOT_AUTHENTICATED, Refused, read_card
from devstack.stripe.errors import StripeError
from devstack.stripe.store import Object

_PLAN = "GAS Premium"


def build_pages(billing: Billing) -> Blueprint:
    pages = Blueprint("pages", __name__)
    checkout, portal = _Checkout(billing), _Portal(billing)
    pay, session = "/c/pay/<session_id>", "/p/session/<session_id>"
    for method, path, view in (
        ("GET", pay, checkout.show),
        ("POST", pay, checkout.pay),
        ("GET", f"{pay}/authenticate", checkout.ask),
        ("POST", f"{pay}/authenticate", checkout.authenticate),
        ("GET", session, portal.show),
        ("GET", f"{session}/cancel", portal.ask_cancel),
        ("POST", f"{session}/<any(cancel, renew):what>", portal.cancel),
        ("POST", f"{session}/card", portal.change_card),
        ("POST", f"{session}/pay", portal.pay),
    ):
        pages.add_url_rule(path, f"{method} {path}", _locked(billing, view), methods=[method])

    @pages.errorhandler(StripeError)
    def refused(error: StripeError) -> tuple[str, int]:
        return render_template("message.html", title="This cannot be done", message=error.message), error.status

    return pages


def _locked(billing: Billing, view: Any) -> Any:
    @wraps(view)
    def locked(**ids: str) -> Any:
        with billing.store.lock:
            return view(**ids)

    return locked


class _Checkout:
    def __init__(self, billing: Billing) -> None:
        self.billing = billing

    def show(self, session_id: str) -> str:
        failed = request.args.get("authentication") == "failed"
        return self._form(self._open(session_id), general=NOT_AUTHENTICATED if failed else "")

    def pay(self, session_id: str) -> Response | tuple[str, int]:
        session = self._open(session_id)
        try:
            paid = self.billing.pay(session, *read_card(request.form))
        except Refused as problem:
            return self._form(session, problem), 402
        return _back_to_site(session) if paid else redirect(f"/c/pay/{session_id}/authenticate", 303)

    def ask(self, session_id: str) -> str:
        return render_template("authenticate.html", session=self._open(session_id))

    def authenticate(self, session_id: str) -> Response:
        session, succeeded = self._open(session_id), request.form.get("result") == "complete"
        self.billing.finish_authentication(session, succeeded=succeeded)
        return _back_to_site(session) if succeeded else redirect(f"/c/pay/{session_id}?authentication=failed", 303)

    def _open(self, session_id: str) -> Object:
        """Return an open session.

        Raises:
            StripeError: there is no such session, or it is paid or has expired.
        """
        session = self.billing.store.get("checkout.session", session_id)
        if session["status"] == "complete":
            raise StripeError(410, "This payment is complete. You can close this page.")
        if session["status"] == "expired":
            raise StripeError(410, "This checkout has expired. Go back to the site and start again.")
        return session

    def _form(self, session: Object, problem: Refused | None = None, general: str = "") -> str:
        customer = self.billing.customer(session["customer"])
        shown = {"session": session, "plan": _PLAN, "email": customer["email"], "test_cards": CARDS}
        return render_template("checkout.html", **shown, typed=request.form, problem=problem, general=general)


def _back_to_site(session: Object) -> Response:
    return redirect(str(session["success_url"]).replace("{CHECKOUT_SESSION_ID}", session["id"]), 303)


class _Portal:
    def __init__(self, billing: Billing) -> None:
        self.billing = billing

    def show(self, session_id: str) -> str:
        return self._page(*self._find(session_id))

    def ask_cancel(self, session_id: str) -> str:
        session, subscription = self._find(session_id)
        return render_template("cancel.html", session=session, item=_current(subscription)["items"]["data"][0])

    def cancel(self, session_id: str, what: str) -> Response:
        session, subscription = self._find(session_id)
        self.billing.cancel_at_period_end(_current(subscription), what == "cancel")
        return _done(session, what)

    def change_card(self, session_id: str) -> Response | tuple[str, int]:
        session, subscription = self._find(session_id)
        try:
            card, _ = read_card(request.form)
            self.billing.change_card(_current(subscription), card)
        except Refused as problem:
            return self._page(session, subscription, problem), 402
        return _done(session, "card")

    def pay(self, session_id: str) -> Response:
        session, subscription = self._find(session_id)
        return _done(session, "paid" if self.billing.pay_open_invoice(_current(subscription)) else "unpaid")

    def _find(self, session_id: str) -> tuple[Object, Object | None]:
        """Return a portal session, and its customer's newest subscription that has not ended, if there is one.

        Raises:
            StripeError: there is no such session, or its customer was deleted.
        """
        session = self.billing.store.get("billing_portal.session", session_id)
        found = self.billing.subscriptions(self.billing.customer(session["customer"])["id"])
        return session, found[0] if found else None

    def _page(self, session: Object, subscription: Object | None, problem: Refused | None = None) -> str:
        shown: Object = {"session": session, "plan": _PLAN, "subscription": subscription}
        if subscription:
            shown |= {"item": subscription["items"]["data"][0], "card": self.billing.card(subscription)}
        return render_template(
            "portal.html", **shown, done=request.args.get("done", ""), typed=request.form, problem=problem
        )


def _current(subscription: Object | None) -> Object:
    if subscription is None:
        raise StripeError(410, "There is no current plan.")
    return subscription


def _done(session: Object, what: str) -> Response:
    return redirect(f"/p/session/{session['id']}?done={what}", 303)
