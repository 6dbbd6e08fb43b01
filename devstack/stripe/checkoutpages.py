"""/c/pay/<session>: pay by card, or say on the 3-D Secure page whether the bank agreed."""

from flask import Blueprint, redirect, render_template, request
from werkzeug.wrappers import Response

from devstack.stripe import checkout
from devstack.stripe.cardform import typed, typed_card
from devstack.stripe.cards import CARDS, NOT_AUTHENTICATED, Refused
from devstack.stripe.errors import StripeError
from devstack.stripe.expand import line_items
from devstack.stripe.service import Service
from devstack.stripe.store import Object


class CheckoutPages:
    def __init__(self, service: Service) -> None:
        self.store, self.billing = service.store, service.billing

    def register(self, pages: Blueprint) -> None:
        path = "/c/pay/<session_id>"
        pages.add_url_rule(path, view_func=self.show)
        pages.add_url_rule(path, view_func=self.pay, methods=["POST"])
        pages.add_url_rule(f"{path}/authenticate", view_func=self.authenticate)
        pages.add_url_rule(f"{path}/authenticate", view_func=self.authenticated, methods=["POST"])

    def show(self, session_id: str) -> str:
        failed = request.args.get("authentication") == "failed"
        with self.store.lock:
            return self._form(self._open(session_id), general=NOT_AUTHENTICATED if failed else "")

    def pay(self, session_id: str) -> Response | tuple[str, int]:
        with self.store.lock:
            session = self._open(session_id)
            try:
                card, name = typed_card()
                done = checkout.pay(self.billing, session, card, name=name, email=typed()["email"].strip())
            except Refused as problem:
                return self._form(session, problem), 402
            return _paid(session) if done else redirect(f"/c/pay/{session_id}/authenticate", 303)

    def authenticate(self, session_id: str) -> Response | str:
        with self.store.lock:
            session = self._open(session_id)
            if "unfinished" not in self.store.hidden(session_id).details:
                return redirect(f"/c/pay/{session_id}", 303)
            return render_template("authenticate.html", session=session)

    def authenticated(self, session_id: str) -> Response:
        succeeded = request.form.get("result") == "complete"
        with self.store.lock:
            session = self._open(session_id)
            checkout.finish_authentication(self.billing, session, succeeded=succeeded)
            return _paid(session) if succeeded else redirect(f"/c/pay/{session_id}?authentication=failed", 303)

    def _open(self, session_id: str) -> Object:
        """Return an open session.

        Raises:
            StripeError: there is no such session; it was paid; it has expired.
        """
        session = self.store.get("checkout.session", session_id)
        if session["status"] == "complete":
            raise StripeError(410, "This payment is complete. You can close this page.")
        if session["status"] == "expired":
            raise StripeError(410, "This checkout has expired. Go back to the site and start again.")
        return session

    def _form(self, session: Object, problem: Refused | None = None, general: str = "") -> str:
        customer = self.store.find("customer", session["customer"])
        return render_template(
            "checkout.html",
            session=session,
            lines=line_items(self.store, session["id"]),
            trial_days=self.store.hidden(session["id"]).details["trial_days"],
            email=customer.get("email") if customer else session["customer_email"],
            typed=typed(),
            problem=problem,
            general=general,
            test_cards=CARDS,
        )


def _paid(session: Object) -> Response:
    return redirect(str(session["success_url"]).replace("{CHECKOUT_SESSION_ID}", session["id"]), 303)
