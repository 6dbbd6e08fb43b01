"""Checkout and Portal sessions: their objects, and what paying in one brings about."""

from typing import Any

from devstack.stripe.billing import Billing
from devstack.stripe.cards import AUTHENTICATES, FAILS_LATER, SUCCEEDS, Card, Refused
from devstack.stripe.errors import StripeError
from devstack.stripe.store import Object, new_id, now

#: How long a session can be paid in.
OPEN_SECONDS = 24 * 3600


def checkout_session(wanted: Object, price: Object, quantity: int, base: str) -> Object:
    """`wanted` are the fields that the caller chose, by their names in the session."""
    object_id, at = new_id("checkout.session"), now()
    amount = price["unit_amount"] * quantity
    return {
        "id": object_id,
        "object": "checkout.session",
        "adaptive_pricing": {"enabled": False},
        "after_expiration": None,
        "allow_promotion_codes": None,
        "amount_subtotal": amount,
        "amount_total": amount,
        "automatic_tax": {"enabled": False, "liability": None, "provider": None, "status": None},
        "billing_address_collection": None,
        "branding_settings": None,
        "cancel_url": None,
        "client_reference_id": None,
        "client_secret": None,
        "collected_information": None,
        "consent": None,
        "consent_collection": None,
        "created": at,
        "currency": price["currency"],
        "currency_conversion": None,
        "custom_fields": [],
        "custom_text": dict.fromkeys(("after_submit", "shipping_address", "submit", "terms_of_service_acceptance")),
        "customer": None,
        "customer_account": None,
        "customer_creation": None if wanted.get("customer") else "always",
        "customer_details": None,
        "customer_email": None,
        "discounts": [],
        "expires_at": at + OPEN_SECONDS,
        "integration_identifier": None,
        "invoice": None,
        "invoice_creation": None,
        "livemode": False,
        "locale": None,
        "metadata": {},
        "mode": "subscription",
        "origin_context": None,
        "payment_intent": None,
        "payment_link": None,
        "payment_method_collection": "always",
        "payment_method_configuration_details": None,
        "payment_method_options": None,
        "payment_method_types": ["card"],
        "payment_status": "unpaid",
        "permissions": None,
        "phone_number_collection": {"enabled": False},
        "recovered_from": None,
        "saved_payment_method_options": None,
        "setup_intent": None,
        "shipping_address_collection": None,
        "shipping_cost": None,
        "shipping_options": [],
        "status": "open",
        "submit_type": None,
        "subscription": None,
        "success_url": None,
        "total_details": {"amount_discount": 0, "amount_shipping": 0, "amount_tax": 0},
        "ui_mode": "hosted_page",
        "url": f"{base}/c/pay/{object_id}",
        "wallet_options": None,
        **wanted,
    }


def line_item(price: Object, quantity: int, description: str) -> Object:
    amount = price["unit_amount"] * quantity
    return {
        "id": new_id("item"),
        "object": "item",
        "adjustable_quantity": None,
        "amount_discount": 0,
        "amount_subtotal": amount,
        "amount_tax": 0,
        "amount_total": amount,
        "currency": price["currency"],
        "description": description,
        "discounts": [],
        "metadata": {},
        "price": price,
        "quantity": quantity,
        "taxes": [],
    }


def portal_session(customer: str, *, return_url: str | None, locale: str | None, base: str) -> Object:
    object_id = new_id("billing_portal.session")
    return {
        "id": object_id,
        "object": "billing_portal.session",
        "configuration": "bpc_devstack",
        "created": now(),
        "customer": customer,
        "customer_account": None,
        "flow": None,
        "livemode": False,
        "locale": locale,
        "on_behalf_of": None,
        "return_url": return_url,
        "url": f"{base}/p/session/{object_id}",
    }


def expire(billing: Billing, session: Object) -> None:
    session |= {"status": "expired", "url": None}
    billing.emit("checkout.session.expired", session)


def pay(billing: Billing, session: Object, card: Card, *, name: str, email: str, authenticated: bool = False) -> bool:
    """Pay in an open session. False if the person has to authenticate first.

    Raises:
        Refused: the card is declined; nothing has changed.
    """
    hidden = billing.store.hidden(session["id"]).details
    if card.outcome == AUTHENTICATES and not authenticated:
        hidden["unfinished"] = (card, name, email)
        return False
    trial_days = hidden["trial_days"]
    accepted = {SUCCEEDS, AUTHENTICATES} | ({FAILS_LATER} if trial_days else set())
    if card.outcome not in accepted:
        raise Refused("number", "Your card was declined." if card.outcome == FAILS_LATER else card.outcome)
    hidden.pop("unfinished", None)
    _complete(billing, session, card, name=name, email=email, trial_days=trial_days)
    return True


def _complete(billing: Billing, session: Object, card: Card, *, name: str, email: str, trial_days: int) -> None:
    details: dict[str, Any] = billing.store.hidden(session["id"]).details
    if session["customer"]:
        customer = billing.customer(session["customer"], param="customer")
    else:
        customer = billing.new_customer(session["customer_email"] or email, name=name)
    method = billing.attach(card, name=name, customer=customer)
    (line,) = details["line_items"]
    subscription = billing.subscribe(
        customer, method, line["price"], line["quantity"], trial_days=trial_days, details=details["subscription"]
    )
    session |= {
        "status": "complete",
        "payment_status": "no_payment_required" if trial_days else "paid",
        "customer": customer["id"],
        "customer_details": {
            "address": None,
            "business_name": None,
            "email": customer["email"],
            "individual_name": None,
            "name": name,
            "phone": None,
            "tax_exempt": "none",
            "tax_ids": [],
        },
        "invoice": subscription["latest_invoice"],
        "subscription": subscription["id"],
        "url": None,
    }
    billing.emit("checkout.session.completed", session)


def finish_authentication(billing: Billing, session: Object, *, succeeded: bool) -> None:
    """What the person answered on the 3-D Secure page.

    Raises:
        StripeError: no payment in this session waits for an answer.
    """
    unfinished = billing.store.hidden(session["id"]).details.pop("unfinished", None)
    if unfinished is None:
        raise StripeError(400, "No payment waits for authentication.")
    if succeeded:
        card, name, email = unfinished
        pay(billing, session, card, name=name, email=email, authenticated=True)
