"""GET /v1/…: one object by its id, and lists by page."""

from collections.abc import Callable, Iterable
from typing import Any

from devstack.stripe import ACCOUNT
from devstack.stripe.errors import missing
from devstack.stripe.expand import line_items
from devstack.stripe.forms import Params, Reader
from devstack.stripe.objects import listed
from devstack.stripe.service import Service
from devstack.stripe.store import Object

Handler = Callable[..., Object]
_PAGING = ("limit", "starting_after", "ending_before", "expand")
_OVER = frozenset({"canceled", "incomplete_expired"})


def account(service: Service, params: Params, object_id: str = ACCOUNT) -> Object:
    Reader(params, ("expand",))
    return service.store.get("account", object_id)


def retrieve(kind: str) -> Handler:
    """A handler for one object of this kind. A deleted customer is shown as {id, object, deleted}."""

    def handler(service: Service, params: Params, object_id: str) -> Object:
        Reader(params, ("expand",))
        return service.store.get(kind, object_id)

    return handler


def page(found: Iterable[Object], read: Reader, url: str) -> Object:
    """The part of a list, newest first, that limit, starting_after and ending_before ask for."""
    every = list(found)
    limit = read.integer("limit", least=1, most=100, default=10) or 10
    after, before = read.text("starting_after"), read.text("ending_before")
    for cursor, param in ((after, "starting_after"), (before, "ending_before")):
        if cursor and all(one["id"] != cursor for one in every):
            raise missing("object", cursor, param=param)
    if after:
        every = every[next(index for index, one in enumerate(every) if one["id"] == after) + 1 :]
    if before:
        every = every[: next(index for index, one in enumerate(every) if one["id"] == before)]
        return listed(url, every[-limit:], has_more=len(every) > limit)
    return listed(url, every[:limit], has_more=len(every) > limit)


def _list(kind: str, url: str, filters: tuple[str, ...], chosen: Callable[[Object, Reader], bool]) -> Handler:
    def handler(service: Service, params: Params) -> Object:
        read = Reader(params, (*_PAGING, *filters))
        customer = read.text("customer") if "customer" in filters else None
        if customer:
            service.store.get("customer", customer, param="customer")
        found = (one for one in service.store.all(kind) if not one.get("deleted") and chosen(one, read))
        return page(found, read, url)

    return handler


def _same(one: Object, read: Reader, *names: str) -> bool:
    return all((wanted := read.text(name)) is None or one[name] == wanted for name in names)


def _created(one: Object, read: Reader) -> bool:
    return one["created"] in read.span("created")


def _is_active(one: Object, read: Reader) -> bool:
    wanted = read.boolean("active")
    return wanted is None or one["active"] == wanted


def _subscription(one: Object, read: Reader) -> bool:
    status, price = read.text("status"), read.text("price")
    if status is None and one["status"] == "canceled":
        return False
    if status == "ended" and one["status"] not in _OVER:
        return False
    if status not in {None, "all", "ended", one["status"]}:
        return False
    if price and all(item["price"]["id"] != price for item in one["items"]["data"]):
        return False
    return _same(one, read, "customer") and _created(one, read)


def _invoice(one: Object, read: Reader) -> bool:
    wanted = read.text("subscription")
    if wanted and one["parent"]["subscription_details"]["subscription"] != wanted:
        return False
    return _same(one, read, "customer", "status") and _created(one, read)


def _session(one: Object, read: Reader) -> bool:
    return _same(one, read, "customer", "subscription", "status") and _created(one, read)


def _price(one: Object, read: Reader) -> bool:
    keys = read.texts("lookup_keys")
    return (
        _same(one, read, "product", "type", "currency")
        and _is_active(one, read)
        and (not keys or one["lookup_key"] in keys)
    )


def _event(one: Object, read: Reader) -> bool:
    types = [*read.texts("types"), *filter(None, [read.text("type")])]
    delivered, wanted = one["pending_webhooks"] == 0, read.boolean("delivery_success")
    return (not types or one["type"] in types) and wanted in {None, delivered} and _created(one, read)


def _customer(one: Object, read: Reader) -> bool:
    return _same(one, read, "email") and _created(one, read)


def _card(one: Object, read: Reader) -> bool:
    return _same(one, read, "customer", "type")


_OF_A_CUSTOMER = ("customer", "subscription", "status", "created")
LISTS: dict[str, Handler] = {
    path: _list(kind, f"/v1/{path}", filters, chosen)
    for path, kind, filters, chosen in (
        ("customers", "customer", ("email", "created"), _customer),
        ("subscriptions", "subscription", ("customer", "price", "status", "created"), _subscription),
        ("invoices", "invoice", _OF_A_CUSTOMER, _invoice),
        ("products", "product", ("active",), _is_active),
        ("prices", "price", ("active", "product", "type", "currency", "lookup_keys"), _price),
        ("payment_methods", "payment_method", ("customer", "type"), _card),
        ("checkout/sessions", "checkout.session", _OF_A_CUSTOMER, _session),
        ("events", "event", ("type", "types", "created", "delivery_success"), _event),
        ("webhook_endpoints", "webhook_endpoint", (), lambda _one, _read: True),
    )
}


def customer_cards(service: Service, params: Params, customer_id: str) -> Object:
    read = Reader(params, (*_PAGING, "type"))
    service.billing.customer(customer_id)
    cards = service.billing.cards(customer_id)
    return page(
        (one for one in cards if _same(one, read, "type")), read, f"/v1/customers/{customer_id}/payment_methods"
    )


def subscription_items(service: Service, params: Params) -> Object:
    read = Reader(params, (*_PAGING, "subscription"))
    subscription = service.store.get("subscription", read.needed("subscription"), param="subscription")
    return page(subscription["items"]["data"], read, "/v1/subscription_items")


def invoice_lines(service: Service, params: Params, invoice_id: str) -> Object:
    read = Reader(params, _PAGING)
    invoice = service.store.get("invoice", invoice_id)
    return page(invoice["lines"]["data"], read, f"/v1/invoices/{invoice_id}/lines")


def session_items(service: Service, params: Params, session_id: str) -> Object:
    read = Reader(params, _PAGING)
    service.store.get("checkout.session", session_id)
    return page(line_items(service.store, session_id), read, f"/v1/checkout/sessions/{session_id}/line_items")


def product_features(service: Service, params: Params, product_id: str) -> Object:
    """None: entitlements are not used."""
    read = Reader(params, _PAGING)
    service.store.get("product", product_id)
    nothing: list[dict[str, Any]] = []
    return page(nothing, read, f"/v1/products/{product_id}/features")
