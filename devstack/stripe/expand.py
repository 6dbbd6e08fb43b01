"""What a request asks to be expanded: ids become objects, and fields appear that are shown only on request."""

from collections.abc import Sequence
from copy import deepcopy
from typing import Any

from devstack.stripe.errors import StripeError
from devstack.stripe.objects import listed
from devstack.stripe.store import Object, Store

_DEEPEST = 4
#: {field that holds an id: the kind of object that it names}
_REFERENCES = {
    "customer": "customer",
    "default_payment_method": "payment_method",
    "default_price": "price",
    "invoice": "invoice",
    "latest_invoice": "invoice",
    "price": "price",
    "product": "product",
    "subscription": "subscription",
}


def expanded(store: Store, obj: Object, paths: Sequence[str]) -> Object:
    """A copy with these paths expanded, as customer or data.latest_invoice.customer.

    Raises:
        StripeError: a path goes too deep, or names what cannot be expanded.
    """
    result = deepcopy(obj)
    for path in paths:
        parts = path.split(".")
        if len(parts) > _DEEPEST + (parts[0] == "data"):
            raise StripeError(400, f"You cannot expand more than {_DEEPEST} levels of a property ({path}).")
        _expand(store, result, parts, path)
    return result


def _expand(store: Store, obj: Object, parts: Sequence[str], path: str) -> None:
    part, rest = parts[0], parts[1:]
    if part not in obj:
        shown = _on_request(store, obj, part)
        if shown is _NOTHING:
            raise StripeError(400, f"This property cannot be expanded ({path}).", param="expand")
        obj[part] = shown
    value = obj[part]
    if isinstance(value, str):
        if part not in _REFERENCES:
            raise StripeError(400, f"This property cannot be expanded ({path}).", param="expand")
        value = obj[part] = deepcopy(store.get(_REFERENCES[part], value))
    for one in value if isinstance(value, list) else [value]:
        if rest and isinstance(one, dict):
            _expand(store, one, rest, path)
        elif rest and one is not None:
            raise StripeError(400, f"This property cannot be expanded ({path}).", param="expand")


_NOTHING = object()


def _on_request(store: Store, obj: Object, part: str) -> Any:
    """The value of a field that is left out unless it is asked for; _NOTHING if there is no such field."""
    value: Any = _NOTHING
    match obj.get("object"), part:
        case "customer", "sources" | "tax_ids":
            value = listed(f"/v1/customers/{obj['id']}/{part}", [])
        case "customer", "subscriptions":
            found = [one for one in store.all("subscription") if one["customer"] == obj["id"]]
            alive = [deepcopy(one) for one in found if one["status"] != "canceled"]
            value = listed(f"/v1/customers/{obj['id']}/subscriptions", alive)
        case ("customer", "cash_balance" | "tax") | ("price" | "plan", "tiers"):
            value = None
        case "price", "currency_options":
            fields = ("custom_unit_amount", "tax_behavior", "unit_amount", "unit_amount_decimal")
            value = {obj["currency"]: {name: obj[name] for name in fields}}
        case "checkout.session", "line_items":
            value = listed(f"/v1/checkout/sessions/{obj['id']}/line_items", line_items(store, obj["id"]))
        case "invoice", "payments":
            value = listed(f"/v1/invoice_payments?invoice={obj['id']}", [])
        case None, "breakdown" if "amount_discount" in obj:
            value = {"discounts": [], "taxes": []}
    return value


def line_items(store: Store, session_id: str) -> list[Object]:
    """Of a Checkout session, which does not show them by itself."""
    found: list[Object] = deepcopy(store.hidden(session_id).details.get("line_items", []))
    return found
