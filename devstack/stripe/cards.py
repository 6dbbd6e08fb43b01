"""Stripe's published test cards. Every other number is refused, so that nobody's real card ends up here."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

SUCCEEDS, AUTHENTICATES = "Succeeds.", "Asks for 3-D Secure."
#: The outcomes of cards that can pay.
PAYS = frozenset({SUCCEEDS, AUTHENTICATES})
NOT_AUTHENTICATED = (
    "We are unable to authenticate your payment method. Please choose a different payment method and try again."
)
#: {number: (brand, outcome of a payment)}; an outcome that is not in PAYS is the message of the refusal.
CARDS = {
    "4242424242424242": ("visa", SUCCEEDS),
    "5555555555554444": ("mastercard", SUCCEEDS),
    "4000002500003155": ("visa", AUTHENTICATES),
    "4000000000000002": ("visa", "Your card was declined."),
    "4000000000009995": ("visa", "Your card has insufficient funds."),
}


@dataclass(frozen=True)
class Card:
    """A card without its number.

    Attributes:
        brand: visa or mastercard.
        last4: the last four digits of its number.
        expiry: month and year, as 12/2034.
        outcome: of a payment; see CARDS.
    """

    brand: str
    last4: str
    expiry: str
    outcome: str


class Refused(Exception):
    """A card that is not accepted.

    Args:
        field: number, expiry, cvc or name.
        message: for the person.
    """

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field


def read_card(form: Mapping[str, str]) -> tuple[Card, str]:
    """Return the card of a form, and the name on it.

    Args:
        form: number ("4242 4242 4242 4242"), expiry ("12 / 34"), cvc ("123") and name.

    Raises:
        Refused: it is not a test card, or a part of it is missing or wrong.
    """
    digits = re.sub(r"[\s-]", "", form.get("number", ""))
    if digits not in CARDS:
        raise Refused("number", "Your card was declined. This is test mode, and that is not a test card.")
    expiry = re.fullmatch(r"\s*(0?[1-9]|1[0-2])\s*/\s*(?:20)?(\d{2})\s*", form.get("expiry", ""))
    if expiry is None:
        raise Refused("expiry", "Your card's expiration date is incomplete.")
    if not re.fullmatch(r"\s*\d{3}\s*", form.get("cvc", "")):
        raise Refused("cvc", "Your card's security code is incomplete.")
    name = form.get("name", "").strip()
    if not name:
        raise Refused("name", "Enter the name on the card.")
    brand, outcome = CARDS[digits]
    return Card(brand, digits[-4:], f"{expiry[1]:0>2}/20{expiry[2]}", outcome), name[:200]
