"""The card as a person types it into a page, and what can be wrong with it."""

from flask import request

from devstack.stripe.cards import Card, Refused, read_card

_FIELDS = ("number", "expiry", "cvc", "name", "email")


def typed() -> dict[str, str]:
    """What the form was sent with, to be shown again."""
    return {field: request.form.get(field, "") for field in _FIELDS}


def typed_card() -> tuple[Card, str]:
    """The card and the name on it.

    Raises:
        Refused: something is missing or wrong.
    """
    fields = typed()
    card = read_card(fields["number"], fields["expiry"], fields["cvc"])
    name = fields["name"].strip()
    if not name:
        raise Refused("name", "Enter the name on the card.")
    return card, name[:200]
