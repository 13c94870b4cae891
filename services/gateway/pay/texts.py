"""Messages of the pay page, the shop page and the pages of plans and orders, in Italian and
English. Texts only.
"""

from typing import Final

from incasso.payments.v1 import payments_pb2
from libs.errors import Refusal
from services.gateway.pay.rules import (
    cod_texts_en,
    cod_texts_it,
    instalment_texts_en,
    instalment_texts_it,
    plan_texts_en,
    plan_texts_it,
    survey_texts_en,
    survey_texts_it,
    texts_en,
    texts_it,
)

WORDS: Final[dict[str, dict[str, str]]] = {
    "en": {
        **texts_en.WORDS,
        **instalment_texts_en.WORDS,
        **plan_texts_en.WORDS,
        **cod_texts_en.WORDS,
        **survey_texts_en.WORDS,
    },
    "it": {
        **texts_it.WORDS,
        **instalment_texts_it.WORDS,
        **plan_texts_it.WORDS,
        **cod_texts_it.WORDS,
        **survey_texts_it.WORDS,
    },
}
# A refusal's reason, or a code of the gateway's own → the key of its text.
REFUSALS: Final[dict[str, str]] = {
    "payment_link_paying": "notice_paying",
    "payment_link_paid": "notice_paid",
    "payment_link_closed": "notice_closed",
    "customer_erased": "notice_closed",
    "money_arrived_late": "notice_arrived",
    "quote_not_accepted": "notice_quote_first",
    "quote_changed": "notice_quote_changed",
    "quote_missing": "notice_changed",
    "method_not_offered": "notice_method",
    "instalments_not_offered": "notice_method",
    "terms_not_found": "notice_changed",
    "quote_expired": "notice_changed",
    "customer_not_found": "notice_changed",
    "instrument_not_found": "notice_card_gone",
    "instrument_not_usable": "notice_card_gone",
    "no_psp_account": "notice_no_cards",
    "psp_account_not_found": "notice_changed",
    "payment_link_not_paid": "notice_changed",
    "amount_changed": "notice_amount_changed",
    "offer_broken": "notice_form_old",
    "price_changed": "notice_price_changed",
    "order_already_paid": "notice_order_paid",
    "order_being_paid": "notice_order_paying",
    "too_many_declines": "notice_too_many_cards",
    "idempotency_key_reused": "notice_form_used",
    "idempotency_key_missing": "notice_form_used",
    "idempotency_key_in_use": "notice_paying",
    "reissued_lately": "notice_reissued_lately",
    "product_not_found": "notice_product_gone",
    "quota_exceeded": "notice_shop_full",
    "too_many_purchases": "notice_too_many",
    "invalid_argument": "notice_invalid",
    "email": "notice_email",
    "contact": "notice_contact",
    "name": "notice_name",
    "too_many_plans": "notice_too_many_plans",
    "plan_consent": "notice_plan_consent",
    "documents_not_delivered": "notice_plan_documents",
    "text_changed": "notice_quote_changed",
    "plan_closed": "notice_plan_closed",
    "plan_in_review": "notice_plan_in_review",
    "plan_busy": "notice_paying",
    "plan_paid": "notice_paid",
    "not_withdrawn": "notice_invalid",
    "plan_not_of_partner": "notice_changed",
    "plan_of_partner": "notice_plan_of_partner",
    "plan_not_active": "notice_plan_not_active",
    "plan_card_replaced": "notice_plan_card_replaced",
    "plan_card_confirmed": "notice_plan_card_confirmed",
    "plan_card_not_confirmed": "notice_plan_card_not_confirmed",
    "instrument_refused": "notice_plan_card_refused",
    "too_many_instruments": "notice_plan_too_many_cards",
    "psp_unavailable": "notice_unknown",
    "instalment_not_found": "notice_plan_part_closed",
    "instalment_closed": "notice_plan_part_closed",
    "nothing_to_pay": "notice_plan_nothing_to_pay",
    "withdrawal_too_late": "notice_plan_too_late",
    "creditor_details_missing": "notice_plan_not_ready",
    "code": "notice_cod_code",
    "cod_code_wrong": "notice_cod_code_wrong",
    "cod_code_sent": "notice_cod_code_sent",
    "too_many_codes": "notice_cod_too_many_codes",
    "recipient_unreachable": "notice_cod_unreachable",
    "cod_order_closed": "notice_changed",
    "cod_nothing_to_pay_online": "notice_changed",
    "cod_deposit_not_due": "notice_changed",
    "cod_unknown": "notice_cod_unknown",
    "holder": "notice_cod_refund_holder",
    "iban": "notice_cod_refund_iban",
    "cod_refund_closed": "notice_changed",
    "survey_thanks": "notice_survey_thanks",
    "survey_missing": "notice_survey_missing",
    "surveys_off": "notice_changed",
    "unknown": "notice_unknown",
    "failed": "notice_failed",
}
# Informative rather than blocking.
CALM: Final = frozenset(
    [
        "payment_link_paying",
        "payment_link_paid",
        "order_already_paid",
        "order_being_paid",
        "money_arrived_late",
        "idempotency_key_in_use",
        "plan_busy",
        "plan_in_review",
        "plan_paid",
        "plan_card_replaced",
        "plan_card_confirmed",
        "cod_code_sent",
        "survey_thanks",
    ]
)
# Fields whose own message says more than the form's.
_FIELDS: Final = {
    "email": "email",
    "payer_email": "email",
    "name": "name",
    "sent_to": "contact",
    "code": "code",
    "holder": "holder",
    "iban": "iban",
}
_UNDER_WAY: Final = frozenset({"processing", "requires_action", "pending"})

CODES = payments_pb2.DeclineCode
DECLINES: Final[dict[int, str]] = {
    CODES.DECLINE_CODE_UNSPECIFIED: "declined_otherwise",
    CODES.DECLINE_CODE_DO_NOT_HONOR: "declined_by_bank",
    CODES.DECLINE_CODE_INSUFFICIENT_FUNDS: "declined_funds",
    CODES.DECLINE_CODE_CARD_BLOCKED: "declined_other_card",
    CODES.DECLINE_CODE_CARD_EXPIRED: "declined_expired",
    CODES.DECLINE_CODE_CARD_INVALID: "declined_details",
    CODES.DECLINE_CODE_AUTHENTICATION_FAILED: "declined_confirmation",
    CODES.DECLINE_CODE_AUTHENTICATION_REQUIRED: "declined_confirmation",
    CODES.DECLINE_CODE_FRAUD_SUSPECTED: "declined_by_bank",  # do not tip off a thief
    CODES.DECLINE_CODE_PSP_UNAVAILABLE: "declined_unreachable",
    CODES.DECLINE_CODE_REQUEST_REFUSED: "declined_otherwise",
}


def notice(code: str, language: str) -> str:
    """The text of a code; nothing for codes without one."""
    return WORDS[language][REFUSALS[code]] if code in REFUSALS else ""


def code_of(refusal: Refusal) -> str:
    """The code for a refusal; `failed` if it has no text."""
    for violation in refusal.violations:
        if violation.field in _FIELDS:
            return _FIELDS[violation.field]
    code = refusal.reason
    if code == "order_already_paid" and refusal.facts.get("payment_state") in _UNDER_WAY:
        code = "order_being_paid"
    return code if code in REFUSALS else "failed"


def declined(code: int, language: str) -> str:
    return WORDS[language][DECLINES.get(code, "declined_otherwise")]
