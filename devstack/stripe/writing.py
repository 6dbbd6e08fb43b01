"""POST and DELETE /v1/…: what the service changes at Stripe."""

from datetime import UTC, datetime, timedelta
from typing import Any

from devstack.stripe import API_VERSION, checkout, objects
from devstack.stripe.errors import invalid, missing, required
from devstack.stripe.forms import Params, Reader
from devstack.stripe.service import Service
from devstack.stripe.store import Object, new_id

_CUSTOMER = ("email", "name", "phone", "description", "metadata", "invoice_settings", "expand")
_SESSION = (
    "mode", "line_items", "customer", "customer_email", "client_reference_id", "metadata", "subscription_data",
    "success_url", "cancel_url", "expires_at", "locale", "ui_mode", "payment_method_types", "allow_promotion_codes",
    "billing_address_collection", "customer_update", "payment_method_collection", "submit_type", "expand",
)  # fmt: skip
_SUBSCRIPTION = (
    "cancel_at_period_end", "cancel_at", "metadata", "description", "default_payment_method", "cancellation_details",
    "expand",
)  # fmt: skip
_ENDPOINT = ("url", "enabled_events", "description", "metadata", "expand")
_FEEDBACK = (
    "customer_service", "low_quality", "missing_features", "other", "switched_service", "too_complex", "too_expensive",
    "unused",
)  # fmt: skip
#: How soon and how late a session may expire.
_SOONEST, _LATEST = timedelta(minutes=30), timedelta(hours=24)


# --- Customers


def create_customer(service: Service, params: Params) -> Object:
    read = Reader(params, _CUSTOMER)
    wanted = _customer_fields(service, read)
    customer = objects.customer(read.text("email", most=512), metadata=read.metadata())
    service.store.add(customer | wanted)
    created = service.store.get("customer", customer["id"])
    service.billing.emit("customer.created", created)
    return created


def update_customer(service: Service, params: Params, customer_id: str) -> Object:
    read = Reader(params, _CUSTOMER)
    customer = service.billing.customer(customer_id)
    wanted = _customer_fields(service, read, customer)
    if "email" in read:
        wanted["email"] = read.text("email", most=512)
    with service.billing.changing(customer, "customer.updated"):
        customer |= {**wanted, "metadata": read.metadata(customer["metadata"])}
    return customer


def _customer_fields(service: Service, read: Reader, customer: Object | None = None) -> dict[str, Any]:
    wanted: dict[str, Any] = {name: read.text(name) for name in ("name", "phone", "description") if name in read}
    if "invoice_settings" in read and customer is not None:
        method = read.group("invoice_settings", ("default_payment_method",)).text("default_payment_method")
        if method:
            _own_card(service, method, customer["id"], "invoice_settings[default_payment_method]")
        wanted["invoice_settings"] = {**customer["invoice_settings"], "default_payment_method": method}
    return wanted


def delete_customer(service: Service, params: Params, customer_id: str) -> Object:
    Reader(params, ("expand",))
    return service.billing.delete_customer(service.billing.customer(customer_id))


def _own_card(service: Service, method_id: str, customer_id: str, param: str) -> Object:
    method = service.store.get("payment_method", method_id, param=param)
    if method["customer"] != customer_id:
        raise invalid(f"The payment method {method_id} does not belong to the customer {customer_id}.", param)
    return method


# --- Checkout and Portal


def create_session(service: Service, params: Params) -> Object:
    read = Reader(params, _SESSION)
    if read.needed("mode") != "subscription":
        raise invalid("The devstack's Checkout serves mode=subscription only.", "mode")
    price, quantity = _line(service, read)
    customer = read.text("customer")
    if customer and read.text("customer_email"):
        raise invalid("You may only specify one of these parameters: customer, customer_email.")
    if customer:
        service.billing.customer(customer, param="customer")
    methods = read.texts("payment_method_types")
    if set(methods) - {"card"}:
        raise invalid("The devstack's Checkout takes cards only.", "payment_method_types")
    read.choice("ui_mode", ("hosted_page",))
    read.group("customer_update", ("address", "name", "shipping"))
    data = read.group("subscription_data", ("metadata", "description", "trial_period_days"))
    if not read.url("success_url"):
        raise required("success_url")
    wanted = {
        "allow_promotion_codes": read.boolean("allow_promotion_codes"),
        "billing_address_collection": read.choice("billing_address_collection", ("auto", "required")),
        "cancel_url": read.url("cancel_url"),
        "client_reference_id": read.text("client_reference_id", most=200),
        "customer": customer,
        "customer_email": read.text("customer_email", most=800),
        "expires_at": _expiry(read),
        "locale": read.text("locale"),
        "metadata": read.metadata(),
        "payment_method_collection": read.choice("payment_method_collection", ("always",), "always"),
        "submit_type": read.choice("submit_type", ("auto", "subscribe")),
        "success_url": read.url("success_url"),
    }
    session = checkout.checkout_session(wanted, price, quantity, service.billing.base)
    product = service.store.get("product", price["product"])
    service.store.hidden(session["id"]).details |= {
        "line_items": [checkout.line_item(price, quantity, product["name"])],
        "subscription": {"metadata": data.metadata(), "description": data.text("description", most=500)},
        "trial_days": data.integer("trial_period_days", least=1, most=730, default=0),
    }
    if service.store.hidden(session["id"]).details["trial_days"]:
        session |= {"amount_subtotal": 0, "amount_total": 0}
    return service.store.add(session)


def _line(service: Service, read: Reader) -> tuple[Object, int]:
    lines = list(read.groups("line_items", ("price", "quantity")))
    if not lines:
        raise required("line_items")
    if len(lines) > 1:
        raise invalid("The devstack's Checkout sells one price at a time.", "line_items[1]")
    param = lines[0].name("price")
    price = service.store.get("price", lines[0].needed("price"), param=param)
    if not price["active"] or not price["recurring"]:
        raise invalid(f"The price {price['id']} is not an active recurring price.", param)
    if "quantity" not in lines[0]:
        raise required(lines[0].name("quantity"))
    return price, lines[0].integer("quantity", least=1, most=999_999) or 1


def _expiry(read: Reader) -> int:
    at = datetime.now(UTC)
    latest = int((at + _LATEST).timestamp())
    wanted = read.integer("expires_at", default=latest) or latest
    if not (at + _SOONEST).timestamp() - 60 <= wanted <= latest:
        raise invalid("The `expires_at` timestamp must be 30 minutes to 24 hours after the creation.", "expires_at")
    return wanted


def expire_session(service: Service, params: Params, session_id: str) -> Object:
    Reader(params, ("expand",))
    session = service.store.get("checkout.session", session_id)
    if session["status"] != "open":
        raise invalid(f"Only open Checkout Sessions can be expired; this one is {session['status']}.")
    checkout.expire(service.billing, session)
    return session


def create_portal_session(service: Service, params: Params) -> Object:
    read = Reader(params, ("customer", "return_url", "locale", "expand"))
    customer = service.billing.customer(read.needed("customer"), param="customer")
    return service.store.add(
        checkout.portal_session(
            customer["id"], return_url=read.url("return_url"), locale=read.text("locale"), base=service.billing.base
        )
    )


# --- Subscriptions


def update_subscription(service: Service, params: Params, subscription_id: str) -> Object:
    read = Reader(params, _SUBSCRIPTION)
    subscription = service.store.get("subscription", subscription_id)
    if subscription["status"] == "canceled" and set(params) - {"metadata", "cancellation_details", "expand"}:
        raise invalid("A canceled subscription can only update its cancellation_details and metadata.")
    if read.text("cancel_at"):
        raise invalid("The devstack's Stripe cancels at the period's end only: set cancel_at_period_end.", "cancel_at")
    wanted: dict[str, Any] = {"cancellation_details": _feedback(read, subscription)}
    wanted["metadata"] = read.metadata(subscription["metadata"])
    if "description" in read:
        wanted["description"] = read.text("description", most=500)
    if method := read.text("default_payment_method"):
        wanted["default_payment_method"] = method
        _own_card(service, method, subscription["customer"], "default_payment_method")
    at_end = read.boolean("cancel_at_period_end")
    if "cancel_at" in read:  # emptied
        at_end = False
    with service.billing.changing(subscription, "customer.subscription.updated"):
        subscription |= wanted
        if at_end is not None:
            service.billing.set_cancel(subscription, at_end)
    return subscription


def cancel_subscription(service: Service, params: Params, subscription_id: str) -> Object:
    read = Reader(params, ("invoice_now", "prorate", "cancellation_details", "expand"))
    if read.boolean("invoice_now") or read.boolean("prorate"):
        raise invalid("The devstack's Stripe does not prorate.")
    subscription = service.store.get("subscription", subscription_id)
    if subscription["status"] == "canceled":
        raise missing("subscription", subscription_id)
    subscription["cancellation_details"] = _feedback(read, subscription)
    service.billing.cancel(subscription)
    return subscription


def _feedback(read: Reader, subscription: Object) -> Object:
    details: Object = dict(subscription["cancellation_details"])
    given = read.group("cancellation_details", ("comment", "feedback"))
    if "comment" in given:
        details["comment"] = given.text("comment")
    if "feedback" in given:
        details["feedback"] = given.choice("feedback", _FEEDBACK)
    return details


# --- Webhook endpoints


def create_endpoint(service: Service, params: Params) -> Object:
    """The answer, and no other, has the secret."""
    read = Reader(params, (*_ENDPOINT, "api_version"))
    if read.text("api_version") not in {None, API_VERSION}:
        raise invalid(f"The devstack's Stripe renders events in version {API_VERSION} only.", "api_version")
    url, events = read.url("url"), read.texts("enabled_events")
    if not url:
        raise required("url")
    if not events:
        raise required("enabled_events")
    endpoint = objects.webhook_endpoint(url, events, description=read.text("description"), metadata=read.metadata())
    secret = service.store.hidden(endpoint["id"]).secret = "whsec_" + new_id("event").removeprefix("evt_")
    service.store.add(endpoint)
    return {**endpoint, "secret": secret}


def update_endpoint(service: Service, params: Params, endpoint_id: str) -> Object:
    read = Reader(params, (*_ENDPOINT, "disabled"))
    endpoint = service.store.get("webhook_endpoint", endpoint_id)
    wanted: dict[str, Any] = {"metadata": read.metadata(endpoint["metadata"])}
    if url := read.url("url"):
        wanted["url"] = url
    if events := read.texts("enabled_events"):
        wanted["enabled_events"] = events
    if "description" in read:
        wanted["description"] = read.text("description")
    if (disabled := read.boolean("disabled")) is not None:
        wanted["status"] = "disabled" if disabled else "enabled"
    endpoint |= wanted
    return endpoint


def delete_endpoint(service: Service, params: Params, endpoint_id: str) -> Object:
    Reader(params, ("expand",))
    endpoint = service.store.get("webhook_endpoint", endpoint_id)
    service.store.remove(endpoint)
    return objects.deleted(endpoint)
