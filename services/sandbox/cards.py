"""Magic tokens and the test card numbers that the card field accepts. Pure.

No other number is ever accepted, so that no real card can be entered into the sandbox.
"""

from dataclasses import dataclass

from services.sandbox import errors
from services.sandbox.faults import Kind


@dataclass(frozen=True, slots=True)
class Card:
    """`magic` names the behaviour, whatever token the caller has for the card."""

    magic: str
    brand: str = "visa"
    last4: str = "4242"
    country: str = "IT"
    exp_month: int = 12
    exp_year: int = 2034


MAGIC_CARDS = {
    card.magic: card
    for card in (
        Card("tok_visa"),
        Card("tok_mastercard", brand="mastercard", last4="4444"),
        Card("tok_3ds", last4="3155"),
        Card("tok_3ds_setup", last4="3220"),
        Card("tok_declined", last4="0002"),
        Card("tok_insufficient_funds", last4="9995"),
        Card("tok_stolen", last4="9979"),
        Card("tok_soft_decline", last4="3184"),
        Card("tok_pending", last4="0077"),
        Card("tok_declined_at_a", brand="mastercard", last4="0114"),
        Card("tok_lost_answer", last4="0341"),
        Card("tok_slow", brand="mastercard", last4="6863"),
        Card("tok_error", last4="0127"),
        Card("tok_error_charged", last4="0069"),
        # The PSP's own methods: it asks the shopper on a page of its own.
        Card("method_klarna", brand="klarna", last4="", exp_month=0, exp_year=0),
        Card("method_paypal", brand="paypal", last4="", exp_month=0, exp_year=0),
    )
}

# Faults of the first call of a key only: a repeat learns the true result.
TOKEN_FAULTS = {
    "tok_lost_answer": Kind.DROP_AFTER,
    "tok_slow": Kind.TIMEOUT_AFTER,
    "tok_error": Kind.ERROR_BEFORE,
    "tok_error_charged": Kind.ERROR_AFTER,
}

# Saving this card requires a challenge; afterwards it pays without one.
CHALLENGED_AT_SETUP = frozenset({"tok_3ds_setup"})

# Tokens of the browser field; saved cards start with "sbx_".
SINGLE_USE_PREFIX = "sbt_"

TEST_NUMBERS = {
    "4242424242424242": "tok_visa",
    "5555555555554444": "tok_mastercard",
    "4000002500003155": "tok_3ds",
    "4000002760003184": "tok_soft_decline",
    "4000000000003220": "tok_3ds_setup",
    "4000000000000002": "tok_declined",
    "4000000000009995": "tok_insufficient_funds",
    "4000000000009979": "tok_stolen",
    "4000000000000077": "tok_pending",
    "4000000000000341": "tok_lost_answer",
    "5200000000006863": "tok_slow",
    "4000000000000127": "tok_error",
    "4000000000000069": "tok_error_charged",
    "5200000000000114": "tok_declined_at_a",
}


def passes_luhn(number: str) -> bool:
    total = 0
    for position, digit in enumerate(reversed(number)):
        value = int(digit) * (1 + position % 2)
        total += value - 9 if value > 9 else value  # noqa: PLR2004  # the digit sum of 10 to 18
    return total % 10 == 0


def card_for_number(number: str, *, exp_month: int, exp_year: int) -> Card:
    """The test card of an entered number; the number itself is stored nowhere."""
    digits = number.replace(" ", "").replace("-", "")
    if not digits.isascii() or not digits.isdigit() or not passes_luhn(digits):
        raise errors.InvalidRequestError("this is not a card number", field="number")
    magic = TEST_NUMBERS.get(digits)
    if magic is None:
        raise errors.NotATestCardError("only test card numbers work here", field="number")
    card = MAGIC_CARDS[magic]
    return Card(magic, card.brand, card.last4, card.country, exp_month, exp_year)
