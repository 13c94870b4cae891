"""Maps Stripe's objects to outcomes. Pure: plain JSON in, values out.

KeyError, TypeError and ValueError mean that the object is not as Stripe documents it.
"""

from collections.abc import Mapping
from typing import Any, Final, TypeAlias

from services.payments.connectors.base import InstrumentReady, SetupOutcome
from services.payments.connectors.declines import declined
from services.payments.connectors.stripe import declines
from services.payments.connectors.stripe.amounts import from_stripe
from services.payments.rules.outcomes import (
    ActionRequired,
    Approved,
    DeclineCode,
    Declined,
    NotFound,
    Outcome,
    Pending,
    Unknown,
)
from services.payments.rules.states import AttemptKind

Json: TypeAlias = Mapping[str, Any]
# Key of our attempt's id in the metadata of PaymentIntents and Refunds.
ATTEMPT: Final = "attempt_id"


def attempt_of(stored: Json) -> str:
    """Empty for objects created by somebody else, for example in Stripe's dashboard."""
    return str((stored.get("metadata") or {}).get(ATTEMPT, ""))


def authorisation(intent: Json) -> Outcome:
    """The state of a PaymentIntent, as the outcome of the attempt that created it."""
    reference, currency = str(intent["id"]), str(intent["currency"])
    match intent["status"]:
        case "succeeded":
            amount = from_stripe(int(intent["amount_received"]), currency)
            return Approved(reference, amount, captured=True)
        case "requires_capture":
            return Approved(reference, from_stripe(int(intent["amount_capturable"]), currency))
        case "processing":
            return Pending(reference)
        case "requires_action":
            return _action(reference, intent)
        case "requires_payment_method":
            return declines.from_error(
                intent.get("last_payment_error") or {}, psp_reference=reference
            )
        case "canceled":
            return declined(
                DeclineCode.REQUEST_REFUSED, psp_code="canceled", psp_reference=reference
            )
        case other:
            return Unknown(f"the PaymentIntent is {other}")


def _action(reference: str, intent: Json) -> Outcome:
    url = redirect_url(intent)
    return ActionRequired(reference, url) if url else _without_page(intent)


def _without_page(intent: Json) -> Declined:
    """Steps without a URL (vouchers, micro-deposits) cannot be taken on our pages."""
    return declined(
        DeclineCode.AUTHENTICATION_REQUIRED,
        psp_code=str((intent.get("next_action") or {}).get("type", "")),
        psp_reference=str(intent["id"]),
    )


def redirect_url(intent: Json) -> str:
    action = intent.get("next_action") or {}
    return str((action.get("redirect_to_url") or {}).get("url") or "")


def capture(intent: Json) -> Outcome | NotFound:
    """NotFound: the money is only authorised so far."""
    reference, currency = str(intent["id"]), str(intent["currency"])
    match intent["status"]:
        case "succeeded":
            return Approved(reference, from_stripe(int(intent["amount_received"]), currency))
        case "processing":
            return Pending(reference)
        case "requires_capture":
            return NotFound()
        case other:
            return _refused(reference, other)


def cancellation(intent: Json, amount_minor: int) -> Outcome | NotFound:
    """`amount_minor`: the amount released on success. NotFound: not cancelled so far."""
    reference = str(intent["id"])
    match intent["status"]:
        case "canceled":
            return Approved(reference, amount_minor)
        case "succeeded" | "processing" as other:
            return _refused(reference, other)
        case _:
            return NotFound()


def _refused(reference: str, status: str) -> Outcome:
    return declined(DeclineCode.REQUEST_REFUSED, psp_code=status, psp_reference=reference)


def refund(stored: Json) -> Outcome:
    reference = str(stored["id"])
    match stored["status"]:
        case "succeeded":
            amount = from_stripe(int(stored["amount"]), str(stored["currency"]))
            return Approved(reference, amount)
        case "pending" | "requires_action":
            return Pending(reference)
        case "failed" | "canceled" as other:
            return declined(
                DeclineCode.REQUEST_REFUSED,
                psp_code=str(stored.get("failure_reason") or other),
                psp_reference=reference,
            )
        case other:
            return Unknown(f"the Refund is {other}")


def settled(answer: Outcome | NotFound) -> Outcome:
    """For the answer to a write: an operation that is not done yet has an unknown outcome."""
    return Unknown("Stripe answered without doing it") if isinstance(answer, NotFound) else answer


def intent_state(kind: AttemptKind, intent: Json, amount_minor: int) -> Outcome | NotFound:
    """What a PaymentIntent says about an attempt other than a refund."""
    if kind is AttemptKind.CAPTURE:
        return capture(intent)
    if kind is AttemptKind.CANCEL:
        return cancellation(intent, amount_minor)
    return authorisation(intent)


def open_setup(setup: Json) -> str:
    """The id of a SetupIntent that is not finished; "" if it is."""
    return str(setup["id"]) if setup["status"] in ("requires_action", "processing") else ""


def instrument(setup: Json, psp_customer: str) -> SetupOutcome:
    """A SetupIntent with its expanded payment method."""
    status = setup["status"]
    if status in ("requires_payment_method", "canceled"):
        return declines.from_error(setup.get("last_setup_error") or {"code": status})
    url = redirect_url(setup) if status == "requires_action" else ""
    if status == "requires_action" and not url:
        return _without_page(setup)
    if status not in ("succeeded", "requires_action"):
        return Unknown(f"the SetupIntent is {status}")
    method = setup["payment_method"]
    kind = str(method["type"])
    details = method.get(kind) or {}
    return InstrumentReady(
        token=str(method["id"]),
        psp_customer=psp_customer,
        brand=str(details.get("brand") or kind).lower(),
        last4=str(details.get("last4") or ""),
        exp_month=int(details.get("exp_month") or 0),
        exp_year=int(details.get("exp_year") or 0),
        country=str(details.get("country") or ""),
        fingerprint=str(details.get("fingerprint") or ""),
        next_action_url=url,
    )
