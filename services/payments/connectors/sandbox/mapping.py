"""Maps the sandbox's JSON to outcomes and notices. Pure."""

from collections.abc import Mapping
from datetime import date
from typing import Any, Final, TypeAlias, assert_never

from services.payments.connectors.base import (
    Authorisation,
    DisputeNotice,
    InstrumentReady,
    InstrumentSetup,
    Notice,
    OperationNotice,
    OtherNotice,
    SettlementLine,
    Settlements,
    SetupOutcome,
    moment,
)
from services.payments.connectors.declines import declined
from services.payments.rules.outcomes import (
    ActionRequired,
    Approved,
    DeclineCode,
    NotFound,
    Outcome,
    Pending,
    Unknown,
)
from services.payments.rules.states import AttemptKind, DisputeState, Exemption

Json: TypeAlias = Mapping[str, Any]

OK, UNAUTHORISED, NOT_FOUND, CONFLICT, REFUSED = 200, 401, 404, 409, 422
SERVER_ERRORS: Final = 500

KINDS: Final = {
    "charge": AttemptKind.AUTHORISE,
    "capture": AttemptKind.CAPTURE,
    "cancel": AttemptKind.CANCEL,
    "refund": AttemptKind.REFUND,
}
PATHS: Final = {
    AttemptKind.CAPTURE: "captures",
    AttemptKind.CANCEL: "cancellations",
    AttemptKind.REFUND: "refunds",
}
DECLINE_CODES: Final = {
    "do_not_honor": DeclineCode.DO_NOT_HONOR,
    "insufficient_funds": DeclineCode.INSUFFICIENT_FUNDS,
    "stolen_card": DeclineCode.CARD_BLOCKED,
    "expired_card": DeclineCode.CARD_EXPIRED,
    "authentication_required": DeclineCode.AUTHENTICATION_REQUIRED,
    "authentication_failed": DeclineCode.AUTHENTICATION_FAILED,
}
REFUSAL_CODES: Final = {
    "unknown_token": DeclineCode.CARD_INVALID,
    "instrument_not_ready": DeclineCode.CARD_INVALID,
}


def charge_request(charge: Authorisation) -> dict[str, Any]:
    """Empty optional fields are left out."""
    exemption = None if charge.exemption is Exemption.NONE else charge.exemption.value
    optional = {
        "return_url": charge.return_url,
        "reference": charge.order_reference,
        "description": charge.description,
        "mandate": charge.mandate_reference,
    }
    return {
        "amount_minor": charge.amount_minor,
        "currency": charge.currency,
        "token": f"method_{charge.method}" if charge.method else charge.token,
        "capture": charge.capture,
        "sca": {"exemption": exemption, "challenge": "force" if charge.force_challenge else "auto"},
        **{name: value for name, value in optional.items() if value},
    }


def instrument_request(setup: InstrumentSetup) -> dict[str, Any]:
    body = {"token": setup.token, "customer_reference": setup.customer_id}
    return body | ({"return_url": setup.return_url} if setup.return_url else {})


def refusal(status: int, body: Json) -> Outcome | None:
    """The meaning of an answer other than 200; None for 200."""
    code = str(body.get("code", ""))
    if status == OK:
        return None
    if status == UNAUTHORISED:
        # Not processed; another PSP account may do it.
        return declined(DeclineCode.PSP_UNAVAILABLE, psp_code=code)
    if status == CONFLICT or status >= SERVER_ERRORS:
        return Unknown(f"the sandbox answered {status} {code}".rstrip())
    refused = REFUSAL_CODES.get(code, DeclineCode.REQUEST_REFUSED)
    return declined(refused, psp_code=code)


def charge_outcome(charge: Json) -> Outcome:
    """The current state of a charge, as the outcome of its authorisation."""
    reference = str(charge["id"])
    match charge["state"]:
        case "captured":
            return Approved(reference, int(charge["captured_minor"]), captured=True)
        case "authorised":
            return Approved(reference, int(charge["amount_minor"]))
        case "requires_action":
            return ActionRequired(reference, str(charge["redirect_url"]))
        case "pending":
            return Pending(reference)
        case "declined":
            psp_code = str(charge.get("decline_code", ""))
            code = DECLINE_CODES.get(psp_code, DeclineCode.DO_NOT_HONOR)
            return declined(code, psp_code=psp_code, psp_reference=reference)
        case "cancelled":
            return declined(
                DeclineCode.REQUEST_REFUSED, psp_code="cancelled", psp_reference=reference
            )
        case other:
            return Unknown(f"the sandbox says state {other}")


def operation_outcome(operation: Json, charge: Json) -> Outcome:
    """A capture, cancellation or refund; a cancellation's amount is everything that was held."""
    match operation["state"]:
        case "succeeded":
            return Approved(str(operation["id"]), _amount(operation, charge))
        case "failed":  # a refund that had succeeded
            return declined(
                DeclineCode.REQUEST_REFUSED, psp_code="failed", psp_reference=str(operation["id"])
            )
        case "refused":
            return declined(DeclineCode.REQUEST_REFUSED, psp_code=str(operation.get("code", "")))
        case other:
            return Unknown(f"the sandbox says state {other}")


def _amount(operation: Json, charge: Json) -> int:
    amount = operation.get("amount_minor")
    return int(charge["amount_minor"] if amount is None else amount)


def authorisation_answer(status: int, body: Json) -> Outcome:
    return refusal(status, body) or charge_outcome(body)


def operation_answer(status: int, body: Json) -> Outcome:
    return refusal(status, body) or operation_outcome(body["operation"], body)


def look_up_answer(status: int, body: Json) -> Outcome | NotFound:
    """Anything but a plain answer leaves the outcome open."""
    if status == NOT_FOUND and body.get("code") == "unknown_key":
        return NotFound()
    if status != OK:
        return Unknown(f"the look-up was answered {status} {body.get('code', '')}".rstrip())
    if body["kind"] == "charge":
        return charge_outcome(body["charge"])
    return operation_outcome(body["operation"], body["charge"])


def instrument_answer(status: int, body: Json) -> SetupOutcome:
    refused = refusal(status, body)
    if refused is not None:
        assert not isinstance(refused, Approved | ActionRequired | Pending)  # see refusal
        return refused
    return InstrumentReady(
        token=str(body["token"]),
        psp_customer="",
        brand=str(body["brand"]),
        last4=str(body["last4"]),
        exp_month=int(body["exp_month"]),
        exp_year=int(body["exp_year"]),
        country=str(body["country"]),
        fingerprint=str(body["fingerprint"]),
        next_action_url=str(body.get("redirect_url", "")),
    )


def instrument_by_now(status: int, body: Json) -> SetupOutcome:
    """The current state of an instrument after its setup was requested."""
    refused = refusal(status, body)
    if refused is not None:
        return Unknown("the answer has no saved instrument")
    if body["state"] == "refused":
        return declined(DeclineCode.AUTHENTICATION_FAILED)
    return instrument_answer(status, body["instrument"])


def notice(event: Json) -> Notice:
    """Raises KeyError, TypeError or ValueError if it is not an event of the sandbox."""
    event_id, kind = str(event["id"]), str(event["type"])
    data = event["data"]
    if kind.startswith("charge.dispute."):
        return _dispute(event_id, data)
    if not kind.startswith("charge."):
        return OtherNotice(event_id, kind)
    charge, operation = data["charge"], data["operation"]
    attempt_kind = KINDS[operation["kind"]]
    match attempt_kind:
        case AttemptKind.AUTHORISE:
            outcome = charge_outcome(charge)
        case AttemptKind.CAPTURE | AttemptKind.CANCEL | AttemptKind.REFUND:
            outcome = operation_outcome(operation, charge)
        case _ as never:
            assert_never(never)
    return OperationNotice(
        psp_event_id=event_id,
        key=str(operation.get("key") or ""),  # empty for actions in the console
        kind=attempt_kind,
        psp_reference=str(charge["id"]),
        outcome=outcome,
        operation_reference=str(operation["id"]),
        charge_key=str(charge["key"]),
        amount_minor=_amount(operation, charge),
    )


def _dispute(event_id: str, data: Json) -> DisputeNotice:
    dispute = data["dispute"]
    return DisputeNotice(
        psp_event_id=event_id,
        dispute_reference=str(dispute["id"]),
        psp_reference=str(dispute["charge_id"]),
        amount_minor=int(dispute["amount_minor"]),
        state=DisputeState(dispute["state"]),
        reason="",
        told_at=moment(float(dispute["updated"])),
        charge_key=str(data["charge"]["key"]),
    )


def settlements(page: Json) -> Settlements:
    lines = [_line(line) for line in page["data"]]
    return Settlements(lines, str(page["next_cursor"]), bool(page["has_more"]))


def _line(line: Json) -> SettlementLine:
    """An operation's reference is our key, or else the charge, as in the sandbox's report."""
    return SettlementLine(
        line_reference=str(line["transaction_id"]),
        kind=str(line["kind"]),
        psp_reference=str(line["charge_id"]),
        operation_reference=str(line["key"] or line["charge_id"]),
        order_reference=str(line["reference"]),
        gross_minor=int(line["gross_minor"]),
        fee_minor=int(line["fee_minor"]),
        net_minor=int(line["net_minor"]),
        currency=str(line["currency"]),
        happened_on=moment(float(line["created_at"])).date(),
        available_on=date.fromisoformat(line["available_on"]),
        payout_reference=str(line["payout_id"]),
        payout_on=date.fromisoformat(line["available_on"]),
    )
