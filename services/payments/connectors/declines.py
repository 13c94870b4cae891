"""Explains declines to people, in the same words for every PSP. PSPs' own texts may contain
personal data.
"""

from collections.abc import Mapping
from typing import Final

from services.payments.rules.outcomes import DeclineCode, Declined

MESSAGES: Final[Mapping[DeclineCode, str]] = {
    DeclineCode.DO_NOT_HONOR: "The bank declined the payment without saying why.",
    DeclineCode.INSUFFICIENT_FUNDS: "There is not enough money or limit for this payment.",
    DeclineCode.CARD_BLOCKED: "The card may not be used any more.",
    DeclineCode.CARD_EXPIRED: "The card has expired.",
    DeclineCode.CARD_INVALID: "The card or payment method is not valid for this payment.",
    DeclineCode.AUTHENTICATION_FAILED: "The shopper did not pass the bank's check.",
    DeclineCode.AUTHENTICATION_REQUIRED: "The bank wants the shopper to confirm the payment.",
    DeclineCode.FRAUD_SUSPECTED: "The payment was declined as suspected fraud.",
    DeclineCode.PSP_UNAVAILABLE: "The payment provider could not be reached; nothing was charged.",
    DeclineCode.REQUEST_REFUSED: "The payment provider refused the request.",
}


def declined(code: DeclineCode, *, psp_code: str = "", psp_reference: str = "") -> Declined:
    """`psp_code`: the PSP's own code, for people who investigate."""
    return Declined(code, MESSAGES[code], psp_code=psp_code, psp_reference=psp_reference)
