"""Stripe's published test cards. No other number is taken, so that nobody's real card ends up here."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime

SUCCEEDS, AUTHENTICATES, FAILS_LATER = "Succeeds.", "Asks for 3-D Secure.", "Can be saved, but no payment succeeds."
DECLINED = "Your card was declined."
NOT_AUTHENTICATED = (
    "We are unable to authenticate your payment method. Please choose a different payment method and try again."
)
#: {number: (brand, what comes of a payment)}; any other outcome is the message with which it is declined.
CARDS = {
    "4242424242424242": ("visa", SUCCEEDS),
    "5555555555554444": ("mastercard", SUCCEEDS),
    "4000002500003155": ("visa", AUTHENTICATES),
    "4000000000000341": ("visa", FAILS_LATER),
    "4000000000000002": ("visa", DECLINED),
    "4000000000009995": ("visa", "Your card has insufficient funds."),
    "4000000000000069": ("visa", "Your card has expired."),
    "4000000000000127": ("visa", "Your card's security code is incorrect."),
}


@dataclass(frozen=True)
class Card:
    brand: str
    last4: str
    month: int
    year: int
    outcome: str


class Refused(Exception):
    """`field` is number, expiry, cvc or name; the message is for the person."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field


def read_card(number: str, expiry: str, cvc: str) -> Card:
    """The card as typed: "4242 4242 4242 4242", "12 / 34", "123".

    Raises:
        Refused: it is no test card, or a part of it is wrong.
    """
    digits = re.sub(r"[\s-]", "", number)
    if not re.fullmatch(r"\d{12,19}", digits) or not _passes_luhn(digits):
        raise Refused("number", "Your card number is invalid.")
    if digits not in CARDS:
        raise Refused("number", "Your card was declined. This is test mode, but that is not a test card.")
    date = re.fullmatch(r"\s*(\d{1,2})\s*/?\s*(?:20)?(\d{2})\s*", expiry)
    if date is None or not 1 <= int(date[1]) <= 12:
        raise Refused("expiry", "Your card's expiration date is incomplete.")
    month, year = int(date[1]), 2000 + int(date[2])
    today = datetime.now(UTC)
    if (year, month) < (today.year, today.month):
        raise Refused("expiry", "Your card's expiration date is in the past.")
    if not re.fullmatch(r"\s*\d{3,4}\s*", cvc):
        raise Refused("cvc", "Your card's security code is incomplete.")
    brand, outcome = CARDS[digits]
    return Card(brand, digits[-4:], month, year, outcome)


def _passes_luhn(digits: str) -> bool:
    doubled = (sum(divmod(2 * int(digit), 10)) for digit in digits[-2::-2])
    return (sum(doubled) + sum(int(digit) for digit in digits[-1::-2])) % 10 == 0
