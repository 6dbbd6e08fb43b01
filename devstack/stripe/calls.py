"""The calls of /v1/ that the service makes. Each takes the account, its parameters and the id in its path."""

from collections.abc import Callable, Mapping
from typing import Any

from devstack.stripe import ACCOUNT, objects
from devstack.stripe import parameters as given
from devstack.stripe.billing import Billing
from devstack.stripe.errors import StripeError, missing
from devstack.stripe.store import Object, new_id


def account(billing: Billing, _params: given.Params) -> Object:
    return billing.store.get("account", ACCOUNT)


def price(billing: Billing, _params: given.Params, price_id: str) -> Object:
    return billing.store.get("price", price_id)


# --- Customers


def create_customer(billing: Billing, params: given.NewCustomer) -> Object:
    return billing.store.add(objects.customer(params.email, params.metadata))


def customer(billing: Billing, _params: given.Params, customer_id: str) -> Object:
    """Return a customer; a deleted one as {id, object, deleted}."""
    return billing.store.get("customer", customer_id)


def update_customer(billing: Billing, params: given.CustomerChange, customer_id: str) -> Object:
    found = billing.customer(customer_id)
    found["email"] = params.email
    return found


def delete_customer(billing: Billing, _params: given.Params, customer_id: str) -> Object:
    return billing.delete_customer(billing.customer(customer_id))


# --- Subscriptions


def subscriptions(billing: Billing, params: given.SubscriptionPage) -> Object:
    """List the subscriptions that have not ended, or with status=all every one; of one customer or of all."""
    found = _of_customer(billing, "subscription", params.customer)
    if params.status is None:
        found = [one for one in found if one["status"] != "canceled"]
    return _page(found, params, "/v1/subscriptions")


# --- Checkout and the portal


def create_session(billing: Billing, params: given.NewSession) -> Object:
    billing.store.get("price", params.line_items[0].price, param="line_items[0][price]")
    billing.customer(params.customer, param="customer")
    chosen = params.model_dump(include={"customer", "client_reference_id", "metadata", "success_url", "cancel_url"})
    return billing.open_session(chosen, params.subscription_data.metadata)


def sessions(billing: Billing, params: given.SessionPage) -> Object:
    return _page(_of_customer(billing, "checkout.session", params.customer), params, "/v1/checkout/sessions")


def session(billing: Billing, _params: given.Params, session_id: str) -> Object:
    return billing.store.get("checkout.session", session_id)


def expire_session(billing: Billing, _params: given.Params, session_id: str) -> Object:
    found = billing.store.get("checkout.session", session_id)
    if found["status"] != "open":
        raise StripeError(400, f"Only open Checkout Sessions can be expired; this one is {found['status']}.")
    found |= {"status": "expired", "url": None}
    return found


def create_portal_session(billing: Billing, params: given.NewPortalSession) -> Object:
    billing.customer(params.customer, param="customer")
    return billing.store.add(objects.portal_session(params.customer, params.return_url, billing.base))


# --- Webhook endpoints


def endpoints(billing: Billing, params: given.Page) -> Object:
    return _page(billing.store.all("webhook_endpoint"), params, "/v1/webhook_endpoints")


def create_endpoint(billing: Billing, params: given.NewEndpoint) -> Object:
    """Create an endpoint. Only this answer has its secret."""
    endpoint = objects.webhook_endpoint(params.url, params.enabled_events, params.metadata)
    billing.store.add(endpoint)
    secret = billing.webhooks.secrets[endpoint["id"]] = new_id("webhook_endpoint").replace("we_", "whsec_")
    return {**endpoint, "secret": secret}


def update_endpoint(billing: Billing, params: given.EndpointChange, endpoint_id: str) -> Object:
    endpoint = billing.store.get("webhook_endpoint", endpoint_id)
    endpoint |= params.model_dump(include={"url", "enabled_events"}, exclude_none=True)
    if params.disabled is not None:
        endpoint["status"] = "disabled" if params.disabled else "enabled"
    return endpoint


def delete_endpoint(billing: Billing, _params: given.Params, endpoint_id: str) -> Object:
    endpoint = billing.store.get("webhook_endpoint", endpoint_id)
    billing.store.remove(endpoint)
    return objects.deleted(endpoint)


# --- Lists


def _of_customer(billing: Billing, kind: str, customer_id: str | None) -> list[Object]:
    if customer_id:
        billing.store.get("customer", customer_id, param="customer")
    return [one for one in billing.store.all(kind) if customer_id in {None, one["customer"]}]


def _page(found: list[Object], params: given.Page, url: str) -> Object:
    """Return the part of a list, newest first, that `limit` and `starting_after` ask for."""
    if params.starting_after:
        ids = [one["id"] for one in found]
        if params.starting_after not in ids:
            raise missing("object", params.starting_after, param="starting_after")
        found = found[ids.index(params.starting_after) + 1 :]
    return objects.listed(url, found[: params.limit], has_more=len(found) > params.limit)


#: {(method, path): (the parameters, the call)}
CALLS: Mapping[tuple[str, str], tuple[type[given.Params], Callable[..., Any]]] = {
    ("GET", "account"): (given.Params, account),
    ("GET", "prices/<id>"): (given.Params, price),
    ("POST", "customers"): (given.NewCustomer, create_customer),
    ("GET", "customers/<id>"): (given.Params, customer),
    ("POST", "customers/<id>"): (given.CustomerChange, update_customer),
    ("DELETE", "customers/<id>"): (given.Params, delete_customer),
    ("GET", "subscriptions"): (given.SubscriptionPage, subscriptions),
    ("POST", "checkout/sessions"): (given.NewSession, create_session),
    ("GET", "checkout/sessions"): (given.SessionPage, sessions),
    ("GET", "checkout/sessions/<id>"): (given.Params, session),
    ("POST", "checkout/sessions/<id>/expire"): (given.Params, expire_session),
    ("POST", "billing_portal/sessions"): (given.NewPortalSession, create_portal_session),
    ("GET", "webhook_endpoints"): (given.Page, endpoints),
    ("POST", "webhook_endpoints"): (given.NewEndpoint, create_endpoint),
    ("POST", "webhook_endpoints/<id>"): (given.EndpointChange, update_endpoint),
    ("DELETE", "webhook_endpoints/<id>"): (given.Params, delete_endpoint),
}
