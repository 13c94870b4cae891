"""Maps the SDK's exceptions to outcomes: a certain no, or possibly done?"""

from collections.abc import Mapping
from typing import Any, Final

import aiohttp
import stripe

from services.payments.connectors.declines import declined
from services.payments.connectors.stripe import declines
from services.payments.connectors.transport import NOT_SENT
from services.payments.rules.outcomes import DeclineCode, Declined, Unknown

# What a call through the SDK may raise: it does not wrap errors that occur while reading an answer.
TROUBLE: Final = (stripe.StripeError, aiohttp.ClientError, TimeoutError, OSError)
MISSING: Final = "resource_missing"
INSTRUMENT_PARAMETERS: Final = frozenset(
    {"payment_method", "customer", "source", "mandate", "card"}
)


def outcome(error: Exception) -> Declined | Unknown:
    """For a write. Stripe checks API keys and rate limits before it does any work."""
    match error:
        case stripe.APIConnectionError() if isinstance(error.__cause__, NOT_SENT):
            return declined(DeclineCode.PSP_UNAVAILABLE)
        case stripe.RateLimitError():
            return declined(DeclineCode.PSP_UNAVAILABLE, psp_code="rate_limit")
        case stripe.AuthenticationError() | stripe.PermissionError():
            return declined(DeclineCode.PSP_UNAVAILABLE, psp_code="credentials_refused")
        case stripe.CardError():
            found = details(error)
            intent = found.get("payment_intent") or {}
            return declines.from_error(
                {"code": error.code, **found}, psp_reference=str(intent.get("id", ""))
            )
        case stripe.InvalidRequestError():
            return _refused(error)
        case _:
            return Unknown(why(error))


def _refused(error: stripe.InvalidRequestError) -> Declined:
    code, parameter = str(error.code or ""), str(error.param or "")
    gone = code == MISSING and parameter in INSTRUMENT_PARAMETERS
    return declined(
        DeclineCode.CARD_INVALID if gone else DeclineCode.REQUEST_REFUSED,
        psp_code=":".join(part for part in (code, parameter) if part),
    )


def details(error: stripe.StripeError) -> Mapping[str, Any]:
    """The `error` object of the answer."""
    body = error.json_body
    found = body.get("error") if isinstance(body, dict) else None
    return found if isinstance(found, dict) else {}


def why(error: Exception) -> str:
    """For people who investigate, without Stripe's texts, which may contain personal data."""
    cause = error.__cause__ if isinstance(error, stripe.APIConnectionError) else None
    status = getattr(error, "http_status", None)
    name = type(cause or error).__name__
    return f"Stripe: {name} {status}" if status else f"Stripe: {name}"


def is_cancelled_already(error: Exception) -> bool:
    """Whether a cancellation was refused because there is nothing left to cancel."""
    if not isinstance(error, stripe.InvalidRequestError):
        return False
    return (details(error).get("payment_intent") or {}).get("status") == "canceled"
