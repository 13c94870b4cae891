"""Maps Stripe's decline codes to ours. Pure.

Source: docs.stripe.com/declines/codes. An unlisted code is an unexplained decline.
"""

from collections.abc import Mapping
from typing import Any, Final

from services.payments.connectors.declines import declined
from services.payments.rules.outcomes import DeclineCode, Declined

CODES: Final[Mapping[str, DeclineCode]] = {
    **dict.fromkeys(
        ["insufficient_funds", "card_velocity_exceeded", "withdrawal_count_limit_exceeded"],
        DeclineCode.INSUFFICIENT_FUNDS,
    ),
    **dict.fromkeys(
        [
            "lost_card",
            "stolen_card",
            "pickup_card",
            "restricted_card",
            "security_violation",
            "revocation_of_all_authorizations",
            "revocation_of_authorization",
            "stop_payment_order",
            "debit_not_authorized",
            "bank_account_restricted",
            "account_closed",
        ],
        DeclineCode.CARD_BLOCKED,
    ),
    **dict.fromkeys(["expired_card"], DeclineCode.CARD_EXPIRED),
    **dict.fromkeys(
        [
            "card_not_supported",
            "currency_not_supported",
            "incorrect_address",
            "incorrect_cvc",
            "incorrect_number",
            "incorrect_zip",
            "invalid_account",
            "invalid_cvc",
            "invalid_expiry_month",
            "invalid_expiry_year",
            "invalid_number",
            "new_account_information_available",
            "payment_method_not_available",
            "testmode_decline",
        ],
        DeclineCode.CARD_INVALID,
    ),
    **dict.fromkeys(
        [
            "payment_intent_authentication_failure",
            "setup_intent_authentication_failure",
            "authentication_not_handled",
            "payment_method_customer_decline",
        ],
        DeclineCode.AUTHENTICATION_FAILED,
    ),
    **dict.fromkeys(
        [
            "authentication_required",
            "approve_with_id",
            "offline_pin_required",
            "online_or_offline_pin_required",
            "mobile_device_authentication_required",
        ],
        DeclineCode.AUTHENTICATION_REQUIRED,
    ),
    **dict.fromkeys(
        ["fraudulent", "merchant_blacklist", "highest_risk_level"], DeclineCode.FRAUD_SUSPECTED
    ),
}


def from_error(error: Mapping[str, Any], *, psp_reference: str = "") -> Declined:
    """`error`: the `error` of an answer, `last_payment_error` or `last_setup_error`.

    `decline_code` is more specific than `code`; the networks' "do not try again" comes first.
    """
    words = [str(error.get(name) or "") for name in ("decline_code", "code")]
    code = next((CODES[word] for word in words if word in CODES), DeclineCode.DO_NOT_HONOR)
    if code is DeclineCode.DO_NOT_HONOR and error.get("advice_code") == "do_not_try_again":
        code = DeclineCode.CARD_BLOCKED
    psp_code = next((word for word in words if word), "")
    return declined(code, psp_code=psp_code, psp_reference=psp_reference)
