"""The parameters of each request, in the SDK's own types: mypy rejects those unknown to Stripe.

Pure. Raises ValueError for amounts that Stripe cannot express. The types are for mypy only: they
would make up a fifth of what a payments process imports.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from services.payments.connectors.base import Authorisation, InstrumentSetup, Operation
from services.payments.connectors.stripe.amounts import to_stripe
from services.payments.connectors.stripe.mapping import ATTEMPT
from services.payments.rules.domain import Shopper
from services.payments.rules.states import Exemption

if TYPE_CHECKING:
    import stripe.params as official

# Prefix of the ids of Stripe's own mandates; our references do not have it.
MANDATE_PREFIX: Final = "mandate_"
TOKEN_PREFIX: Final = "tok_"  # noqa: S105 - how legacy card tokens begin
PAGE: Final = 100


def payment_intent(
    charge: Authorisation, *, payment_method: str | None
) -> official.PaymentIntentCreateParams:
    """Creates and confirms in one request. `payment_method`: the charge's token, or created from
    it; None for Stripe's own method, which is created from the charge's shopper data.

    The payment method and the merchant's dashboard decide the allowed types: this API version has
    no `payment_method_types`. Without a return URL, redirects are not allowed. Stripe decides about
    exemptions; only a merchant-initiated charge is marked.
    """
    parameters: official.PaymentIntentCreateParams = {
        "amount": to_stripe(charge.amount_minor, charge.currency),
        "currency": charge.currency.lower(),
        "capture_method": "automatic" if charge.capture else "manual",
        "confirm": True,
        "automatic_payment_methods": {
            "enabled": True,
            "allow_redirects": "always" if charge.return_url else "never",
        },
        "metadata": {
            ATTEMPT: charge.key,
            "payment_id": charge.payment_id,
            "order_reference": charge.order_reference,
        },
    }
    if payment_method is None:
        parameters["payment_method_data"] = {
            "type": charge.method,
            "billing_details": _billing(charge.shopper),
        }
    else:
        parameters["payment_method"] = payment_method
    if charge.psp_customer:
        parameters["customer"] = charge.psp_customer
    if charge.return_url:
        parameters["return_url"] = charge.return_url
    if charge.description:
        parameters["description"] = charge.description
    if charge.exemption is Exemption.MIT:
        parameters["off_session"] = True
    if charge.mandate_reference.startswith(MANDATE_PREFIX):
        parameters["mandate"] = charge.mandate_reference
    if charge.force_challenge:
        parameters["payment_method_options"] = {"card": {"request_three_d_secure": "any"}}
    return parameters


def _billing(
    shopper: Shopper,
) -> official.PaymentIntentCreateParamsPaymentMethodDataBillingDetails:
    details: official.PaymentIntentCreateParamsPaymentMethodDataBillingDetails = {}
    if shopper.email:
        details["email"] = shopper.email
    if shopper.country:
        details["address"] = {"country": shopper.country}
    return details


def capture(operation: Operation) -> official.PaymentIntentCaptureParams:
    """Anything not captured is released."""
    return {"amount_to_capture": to_stripe(operation.amount_minor, operation.currency)}


def refund(operation: Operation) -> official.RefundCreateParams:
    return {
        "payment_intent": operation.psp_reference,
        "amount": to_stripe(operation.amount_minor, operation.currency),
        "metadata": {ATTEMPT: operation.key},
    }


def customer(setup: InstrumentSetup) -> official.CustomerCreateParams:
    parameters: official.CustomerCreateParams = {"metadata": {"customer_id": setup.customer_id}}
    if setup.email:
        parameters["email"] = setup.email
    return parameters


def method_of_token(token: str) -> official.PaymentMethodCreateParams:
    """A payment method from a legacy card token (`tok_…`)."""
    return {"type": "card", "card": {"token": token}}


def setup_intent(
    setup: InstrumentSetup, *, psp_customer: str, payment_method: str
) -> official.SetupIntentCreateParams:
    """Attaches the payment method to the customer and asks for the challenge now, not later."""
    parameters: official.SetupIntentCreateParams = {
        "customer": psp_customer,
        "payment_method": payment_method,
        "usage": "off_session",
        "confirm": True,
        "automatic_payment_methods": {
            "enabled": True,
            "allow_redirects": "always" if setup.return_url else "never",
        },
        "metadata": {"customer_id": setup.customer_id},
        "expand": ["payment_method"],
    }
    if setup.return_url:
        parameters["return_url"] = setup.return_url
    return parameters


def shown_setup_intent() -> official.SetupIntentRetrieveParams:
    """Retrieves it in the form in which `setup_intent` returns it."""
    return {"expand": ["payment_method"]}


def intents_made(*, since: int, until: int, psp_customer: str) -> official.PaymentIntentListParams:
    parameters: official.PaymentIntentListParams = {
        "created": {"gte": since, "lte": until},
        "limit": PAGE,
    }
    if psp_customer:
        parameters["customer"] = psp_customer
    return parameters


def refunds_of(payment_intent: str) -> official.RefundListParams:
    return {"payment_intent": payment_intent, "limit": PAGE}


def refunds_made(*, since: int, until: int) -> official.RefundListParams:
    return {"created": {"gte": since, "lte": until}, "limit": PAGE}


def payouts(*, since: int) -> official.PayoutListParams:
    """Paid payouts, newest first (Stripe's order)."""
    return {"status": "paid", "created": {"gte": since}, "limit": PAGE}


def payout_after(payout: str) -> official.PayoutListParams:
    """The next newer payout."""
    return {"status": "paid", "ending_before": payout, "limit": 1}


def lines_of(payout: str, *, after: str) -> official.BalanceTransactionListParams:
    asked: official.BalanceTransactionListParams = {
        "payout": payout, "limit": PAGE, "expand": ["data.source"],
    }  # fmt: skip  # no clearer with one key per line
    if after:
        asked["starting_after"] = after
    return asked
