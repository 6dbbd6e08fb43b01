"""The account, what it sells, and who buys: objects in the API's shape, with null for what is not served."""

from typing import Any

from devstack.stripe import ACCOUNT, API_VERSION, PRICE, PRODUCT
from devstack.stripe.cards import Card
from devstack.stripe.store import Object, new_id, now

_NAME = "Genomics Annotation Service"


def listed(url: str, data: list[Object], *, has_more: bool = False) -> Object:
    return {"object": "list", "data": data, "has_more": has_more, "url": url}


def account() -> Object:
    return {
        "id": ACCOUNT,
        "object": "account",
        "business_profile": {
            "annual_revenue": None,
            "estimated_worker_count": None,
            "mcc": "8734",
            "minority_owned_business_designation": None,
            "name": _NAME,
            "product_description": None,
            "support_address": None,
            "support_email": None,
            "support_phone": None,
            "support_url": None,
            "url": None,
        },
        "business_type": "company",
        "charges_enabled": True,
        "country": "US",
        "created": now(),
        "default_currency": "usd",
        "details_submitted": True,
        "email": "billing@gas.example",
        "metadata": {},
        "payouts_enabled": True,
        "settings": {
            "branding": {"icon": None, "logo": None, "primary_color": None, "secondary_color": None},
            "card_payments": {
                "decline_on": None,
                "statement_descriptor_prefix": None,
                "statement_descriptor_prefix_kana": None,
                "statement_descriptor_prefix_kanji": None,
            },
            "dashboard": {"display_name": _NAME, "timezone": "Etc/UTC"},
            "payments": {
                "statement_descriptor": "GAS",
                "statement_descriptor_kana": None,
                "statement_descriptor_kanji": None,
                "statement_descriptor_prefix_kana": None,
                "statement_descriptor_prefix_kanji": None,
            },
        },
        "type": "standard",
    }


def product() -> Object:
    at = now()
    return {
        "id": PRODUCT,
        "object": "product",
        "active": True,
        "created": at,
        "default_price": PRICE,
        "description": "Files of up to 5 GB, several at once, and results that are never archived.",
        "images": [],
        "livemode": False,
        "marketing_features": [],
        "metadata": {},
        "name": "GAS Premium",
        "package_dimensions": None,
        "shippable": None,
        "statement_descriptor": None,
        "tax_code": None,
        "type": "service",
        "unit_label": None,
        "updated": at,
        "url": None,
    }


def price() -> Object:
    return {
        "id": PRICE,
        "object": "price",
        "active": True,
        "billing_scheme": "per_unit",
        "created": now(),
        "currency": "usd",
        "custom_unit_amount": None,
        "livemode": False,
        "lookup_key": None,
        "metadata": {},
        "nickname": None,
        "product": PRODUCT,
        "recurring": {
            "interval": "month",
            "interval_count": 1,
            "meter": None,
            "trial_period_days": None,
            "usage_type": "licensed",
        },
        "tax_behavior": "unspecified",
        "tiers_mode": None,
        "transform_quantity": None,
        "type": "recurring",
        "unit_amount": 2900,
        "unit_amount_decimal": "2900",
    }


def plan(of: Object) -> Object:
    """What a price was called before there were prices; still a part of a subscription's item."""
    return {
        "id": of["id"],
        "object": "plan",
        "active": of["active"],
        "amount": of["unit_amount"],
        "amount_decimal": of["unit_amount_decimal"],
        "billing_scheme": of["billing_scheme"],
        "created": of["created"],
        "currency": of["currency"],
        "interval": of["recurring"]["interval"],
        "interval_count": of["recurring"]["interval_count"],
        "livemode": False,
        "metadata": of["metadata"],
        "meter": None,
        "nickname": of["nickname"],
        "product": of["product"],
        "tiers_mode": None,
        "transform_usage": None,
        "trial_period_days": None,
        "usage_type": of["recurring"]["usage_type"],
    }


def customer(email: str | None, *, name: str | None = None, metadata: dict[str, str] | None = None) -> Object:
    object_id = new_id("customer")
    return {
        "id": object_id,
        "object": "customer",
        "address": None,
        "balance": 0,
        "business_name": None,
        "created": now(),
        "currency": None,
        "customer_account": None,
        "default_source": None,
        "delinquent": False,
        "description": None,
        "discount": None,
        "email": email,
        "individual_name": None,
        "invoice_prefix": object_id[-8:].upper(),
        "invoice_settings": {
            "custom_fields": None,
            "default_payment_method": None,
            "footer": None,
            "rendering_options": None,
        },
        "livemode": False,
        "metadata": metadata or {},
        "name": name,
        "next_invoice_sequence": 1,
        "phone": None,
        "preferred_locales": [],
        "shipping": None,
        "tax_exempt": "none",
        "test_clock": None,
    }


def payment_method(card: Card, *, name: str, email: str | None, customer_id: str) -> Object:
    """A card that belongs to a customer. The last four digits are all that is kept of its number."""
    address = dict.fromkeys(("city", "country", "line1", "line2", "postal_code", "state"))
    return {
        "id": new_id("payment_method"),
        "object": "payment_method",
        "allow_redisplay": "limited",
        "billing_details": {"address": address, "email": email, "name": name, "phone": None, "tax_id": None},
        "card": {
            "brand": card.brand,
            "checks": {"address_line1_check": None, "address_postal_code_check": None, "cvc_check": "pass"},
            "country": "US",
            "display_brand": card.brand,
            "exp_month": card.month,
            "exp_year": card.year,
            "fingerprint": card.brand + card.last4,
            "funding": "credit",
            "generated_from": None,
            "last4": card.last4,
            "networks": {"available": [card.brand], "preferred": None},
            "regulated_status": "unregulated",
            "three_d_secure_usage": {"supported": True},
            "wallet": None,
        },
        "created": now(),
        "customer": customer_id,
        "customer_account": None,
        "livemode": False,
        "metadata": {},
        "type": "card",
    }


def webhook_endpoint(url: str, events: list[str], *, description: str | None, metadata: dict[str, str]) -> Object:
    """Without its secret, which only the answer to its creation has."""
    return {
        "id": new_id("webhook_endpoint"),
        "object": "webhook_endpoint",
        "api_version": API_VERSION,
        "application": None,
        "created": now(),
        "description": description,
        "enabled_events": events,
        "livemode": False,
        "metadata": metadata,
        "status": "enabled",
        "url": url,
    }


def event(kind: str, obj: Object, previous: Object | None, request: tuple[str | None, str | None]) -> Object:
    data: dict[str, Any] = {"object": obj}
    if previous is not None:
        data["previous_attributes"] = previous
    return {
        "id": new_id("event"),
        "object": "event",
        "api_version": API_VERSION,
        "created": now(),
        "data": data,
        "livemode": False,
        "pending_webhooks": 0,
        "request": {"id": request[0], "idempotency_key": request[1]},
        "type": kind,
    }


def deleted(obj: Object) -> Object:
    return {"id": obj["id"], "object": obj["object"], "deleted": True}
