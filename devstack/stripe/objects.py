"""The objects of the API as they are when they are made. Fields that are always the same are constant_fields.json."""

import json
from copy import deepcopy
from pathlib import Path
from typing import Any

from devstack.stripe import ACCOUNT, API_VERSION, PRICE, PRODUCT
from devstack.stripe.store import Object, new_id, now

_CONSTANT = json.loads(Path(__file__).with_name("constant_fields.json").read_text())


def _object(kind: str, object_id: str, **fields: Any) -> Object:
    return {"id": object_id, "object": kind, "created": now(), **deepcopy(_CONSTANT[kind]), **fields}


def account() -> Object:
    return _object("account", ACCOUNT)


def price() -> Object:
    return _object("price", PRICE, product=PRODUCT)


def customer(email: str | None, metadata: dict[str, str]) -> Object:
    return _object("customer", new_id("customer"), email=email, metadata=metadata)


def checkout_session(chosen: Object, base: str) -> Object:
    """Return an open session with the fields that the caller chose; `base` is the address of this server."""
    object_id = new_id("checkout.session")
    url, ends = f"{base}/c/pay/{object_id}", now() + 24 * 3600
    return _object("checkout.session", object_id, url=url, expires_at=ends, **chosen)


def customer_details(name: str, email: str | None) -> Object:
    """Return what a paid session says of the person who paid."""
    unused = dict.fromkeys(("address", "business_name", "individual_name", "phone"))
    return {**unused, "email": email, "name": name, "tax_exempt": "none", "tax_ids": []}


def portal_session(customer_id: str, return_url: str | None, base: str) -> Object:
    object_id = new_id("billing_portal.session")
    url = f"{base}/p/session/{object_id}"
    return _object("billing_portal.session", object_id, customer=customer_id, return_url=return_url, url=url)


def subscription(customer_id: str, of: Object, metadata: dict[str, str], end: int) -> Object:
    """Return an active subscription to a price, whose first period begins now. The period belongs to its one item."""
    object_id, start = new_id("subscription"), now()
    item = _object(
        "subscription_item",
        new_id("subscription_item"),
        current_period_end=end,
        current_period_start=start,
        plan=_object("plan", of["id"], product=of["product"]),  # the older form of a price
        price=of,
        subscription=object_id,
    )
    return _object(
        "subscription",
        object_id,
        billing_cycle_anchor=start,
        customer=customer_id,
        default_payment_method=new_id("payment_method"),
        latest_invoice=new_id("invoice"),
        items=listed(f"/v1/subscription_items?subscription={object_id}", [item]),
        metadata=metadata,
        start_date=start,
    )


def webhook_endpoint(url: str, events: list[str], metadata: dict[str, str]) -> Object:
    """Return an endpoint without its secret."""
    fields = {"api_version": API_VERSION, "enabled_events": events, "metadata": metadata, "url": url}
    return _object("webhook_endpoint", new_id("webhook_endpoint"), **fields)


def event(kind: str, obj: Object, previous: Object | None) -> Object:
    """Return an event about an object; `previous` has the earlier values of the fields that changed."""
    data = {"object": deepcopy(obj)} if previous is None else {"object": deepcopy(obj), "previous_attributes": previous}
    return _object("event", new_id("event"), api_version=API_VERSION, data=data, type=kind)


def deleted(obj: Object) -> Object:
    return {"id": obj["id"], "object": obj["object"], "deleted": True}


def listed(url: str, data: list[Object], *, has_more: bool = False) -> Object:
    return {"object": "list", "data": data, "has_more": has_more, "url": url}
