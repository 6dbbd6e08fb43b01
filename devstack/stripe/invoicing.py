"""Subscriptions and their invoices, in the API's shape."""

from typing import Any

from devstack.stripe import ACCOUNT
from devstack.stripe.objects import listed, plan
from devstack.stripe.store import Object, new_id, now

_NO_TAX = {"disabled_reason": None, "enabled": False, "liability": None}
_SELF = {"account": None, "type": "self"}


def subscription_item(subscription_id: str, price: Object, quantity: int, start: int, end: int) -> Object:
    return {
        "id": new_id("subscription_item"),
        "object": "subscription_item",
        "billed_until": None,
        "billing_thresholds": None,
        "created": start,
        "current_period_end": end,
        "current_period_start": start,
        "discounts": [],
        "metadata": {},
        "plan": plan(price),
        "price": price,
        "quantity": quantity,
        "subscription": subscription_id,
        "tax_rates": [],
    }


def subscription(
    *, customer: str, payment_method: str, price: Object, quantity: int, start: int, end: int, trial: bool
) -> Object:
    """One item; trialing until `end`, or active until then. The period is the item's, not the subscription's."""
    object_id = new_id("subscription")
    item = subscription_item(object_id, price, quantity, start, end)
    return {
        "id": object_id,
        "object": "subscription",
        "application": None,
        "application_fee_percent": None,
        "automatic_tax": dict(_NO_TAX),
        "billing_cycle_anchor": end if trial else start,
        "billing_cycle_anchor_config": None,
        "billing_mode": {"flexible": {"proration_discounts": "included"}, "type": "flexible", "updated_at": None},
        "billing_schedules": [],
        "billing_thresholds": None,
        "cancel_at": None,
        "cancel_at_period_end": False,
        "canceled_at": None,
        "cancellation_details": {"comment": None, "feedback": None, "feedback_option": None, "reason": None},
        "collection_method": "charge_automatically",
        "created": start,
        "currency": price["currency"],
        "customer": customer,
        "customer_account": None,
        "days_until_due": None,
        "default_payment_method": payment_method,
        "default_source": None,
        "default_tax_rates": [],
        "description": None,
        "discounts": [],
        "ended_at": None,
        "invoice_settings": {
            "account_tax_ids": None,
            "custom_fields": None,
            "description": None,
            "footer": None,
            "issuer": dict(_SELF),
        },
        "items": listed(f"/v1/subscription_items?subscription={object_id}", [item]),
        "latest_invoice": None,
        "livemode": False,
        "managed_payments": None,
        "metadata": {},
        "next_pending_invoice_item_invoice": None,
        "on_behalf_of": None,
        "pause_collection": None,
        "payment_settings": {
            "payment_method_options": None,
            "payment_method_types": None,
            "save_default_payment_method": "off",
        },
        "pending_invoice_item_interval": None,
        "pending_setup_intent": None,
        "pending_update": None,
        "schedule": None,
        "start_date": start,
        "status": "trialing" if trial else "active",
        "test_clock": None,
        "transfer_data": None,
        "trial_end": end if trial else None,
        "trial_settings": {"end_behavior": {"missing_payment_method": "create_invoice"}},
        "trial_start": start if trial else None,
    }


def invoice(of: Object, customer: Object, *, reason: str, base: str, product_name: str) -> Object:
    """A draft for the subscription's current period; nothing is asked for a trial."""
    object_id, at = new_id("invoice"), now()
    (item,) = of["items"]["data"]
    start = item["current_period_start"]
    trial = of["status"] == "trialing"
    amount = 0 if trial else item["price"]["unit_amount"] * item["quantity"]
    number = customer["next_invoice_sequence"]
    customer["next_invoice_sequence"] = number + 1
    text = f"Trial period for {product_name}" if trial else f"{item['quantity']} × {product_name}"
    return {
        "id": object_id,
        "object": "invoice",
        "account_country": "US",
        "account_name": "Genomics Annotation Service",
        "account_tax_ids": None,
        "amount_due": amount,
        "amount_overpaid": 0,
        "amount_paid": 0,
        "amount_paid_off_stripe": 0,
        "amount_remaining": amount,
        "amount_shipping": 0,
        "application": None,
        "attempt_count": 0,
        "attempted": False,
        "auto_advance": False,
        "automatic_tax": {**_NO_TAX, "provider": None, "status": None},
        "automatically_finalizes_at": None,
        "billing_reason": reason,
        "collection_method": "charge_automatically",
        "created": at,
        "currency": of["currency"],
        "custom_fields": None,
        "customer": customer["id"],
        "customer_account": None,
        "customer_address": None,
        "customer_email": customer["email"],
        "customer_name": customer["name"],
        "customer_phone": None,
        "customer_shipping": None,
        "customer_tax_exempt": "none",
        "customer_tax_ids": [],
        "default_payment_method": None,
        "default_source": None,
        "default_tax_rates": [],
        "description": None,
        "discounts": [],
        "due_date": None,
        "effective_at": None,
        "ending_balance": None,
        "footer": None,
        "from_invoice": None,
        "hosted_invoice_url": f"{base}/i/{ACCOUNT}/{object_id}",
        "invoice_pdf": None,
        "issuer": dict(_SELF),
        "last_finalization_error": None,
        "latest_revision": None,
        "lines": listed(f"/v1/invoices/{object_id}/lines", [_line(object_id, of, item, amount, text)]),
        "livemode": False,
        "metadata": {},
        "next_payment_attempt": None,
        "number": f"{customer['invoice_prefix']}-{number:04}",
        "on_behalf_of": None,
        "parent": {
            "quote_details": None,
            "subscription_details": {"metadata": dict(of["metadata"]), "subscription": of["id"]},
            "type": "subscription_details",
        },
        "payment_settings": {"default_mandate": None, "payment_method_options": None, "payment_method_types": None},
        "period_end": start,
        "period_start": start,
        "post_payment_credit_notes_amount": 0,
        "pre_payment_credit_notes_amount": 0,
        "receipt_number": None,
        "rendering": None,
        "shipping_cost": None,
        "shipping_details": None,
        "starting_balance": 0,
        "statement_descriptor": None,
        "status": "draft",
        "status_transitions": dict.fromkeys(("finalized_at", "marked_uncollectible_at", "paid_at", "voided_at")),
        "subtotal": amount,
        "subtotal_excluding_tax": amount,
        "test_clock": None,
        "total": amount,
        "total_discount_amounts": [],
        "total_excluding_tax": amount,
        "total_pretax_credit_amounts": [],
        "total_taxes": [],
        "webhooks_delivered_at": at,
    }


def _line(invoice_id: str, of: Object, item: Object, amount: int, text: str) -> Object:
    details: dict[str, Any] = {
        "invoice_item": None,
        "proration": False,
        "proration_details": None,
        "subscription": of["id"],
        "subscription_item": item["id"],
    }
    return {
        "id": new_id("line_item"),
        "object": "line_item",
        "amount": amount,
        "currency": of["currency"],
        "description": text,
        "discount_amounts": [],
        "discountable": True,
        "discounts": [],
        "invoice": invoice_id,
        "livemode": False,
        "metadata": dict(of["metadata"]),
        "parent": {
            "invoice_item_details": None,
            "subscription_item_details": details,
            "type": "subscription_item_details",
        },
        "period": {"end": item["current_period_end"], "start": item["current_period_start"]},
        "pretax_credit_amounts": [],
        "pricing": {
            "price_details": {"price": item["price"]["id"], "product": item["price"]["product"]},
            "type": "price_details",
            "unit_amount_decimal": str(0 if amount == 0 else item["price"]["unit_amount"]),
        },
        "quantity": item["quantity"],
        "quantity_decimal": str(item["quantity"]),
        "subscription": of["id"],
        "subtotal": amount,
        "taxes": [],
    }
