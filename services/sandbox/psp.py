"""The rules of the simulated PSP: a card's answers, and the changes that a charge allows. Pure.

Captures are final: a partial capture releases the rest of the authorisation.
"""

import dataclasses
from dataclasses import dataclass
from enum import StrEnum

from services.sandbox import errors
from services.sandbox.cards import Card


class State(StrEnum):
    AUTHORISED = "authorised"
    CAPTURED = "captured"
    REQUIRES_ACTION = "requires_action"
    PENDING = "pending"
    DECLINED = "declined"
    CANCELLED = "cancelled"


class Exemption(StrEnum):
    LOW_VALUE = "low_value"
    TRA = "tra"
    MIT = "mit"  # merchant-initiated: no shopper is present to pass a challenge


@dataclass(frozen=True, slots=True)
class Sca:
    exemption: Exemption | None = None
    challenge_forced: bool = False


@dataclass(frozen=True, slots=True)
class ChargeOrder:
    amount_minor: int
    currency: str
    token: str
    auto_capture: bool
    reference: str | None = None
    description: str | None = None
    return_url: str | None = None
    mandate: str | None = None
    sca: Sca = Sca()


@dataclass(frozen=True, slots=True)
class Verdict:
    state: State
    decline_code: str | None = None


@dataclass(frozen=True, slots=True)
class Charge:
    """One row of the books; the field order is the table's column order."""

    id: str
    account: str
    key: str
    reference: str | None
    description: str | None
    token: str
    brand: str
    last4: str
    country: str
    amount_minor: int
    currency: str
    auto_capture: int
    state: str
    captured_minor: int
    refunded_minor: int
    disputed_minor: int
    decline_code: str | None
    return_url: str | None
    challenge: str | None
    due_at: float | None
    created_at: float


AUTHENTICATION_REQUIRED = "authentication_required"
AUTHENTICATION_FAILED = "authentication_failed"
DO_NOT_HONOR = "do_not_honor"

# The issuer's answer to a magic token, whatever else is requested.
DECLINES = {
    "tok_declined": DO_NOT_HONOR,
    "tok_insufficient_funds": "insufficient_funds",
    "tok_stolen": "stolen_card",
}
ALWAYS_CHALLENGED = frozenset({"tok_3ds", "tok_soft_decline", "method_klarna", "method_paypal"})


def decide(order: ChargeOrder, card: Card, *, account: str) -> Verdict:
    if code := DECLINES.get(card.magic):
        return Verdict(State.DECLINED, code)
    if card.magic == "tok_declined_at_a" and is_account_a(account):
        return Verdict(State.DECLINED, DO_NOT_HONOR)
    if _soft_declined(order, card):
        return Verdict(State.DECLINED, AUTHENTICATION_REQUIRED)
    off_session = order.sca.exemption is Exemption.MIT
    if not off_session and (order.sca.challenge_forced or card.magic in ALWAYS_CHALLENGED):
        return Verdict(State.REQUIRES_ACTION)
    if card.magic == "tok_pending":
        return Verdict(State.PENDING)
    return Verdict(State.CAPTURED if order.auto_capture else State.AUTHORISED)


def is_account_a(account: str) -> bool:
    """Account sandbox-a; tests that need several worlds call theirs sandbox-a-something."""
    return account == "sandbox-a" or account.startswith("sandbox-a-")


def _soft_declined(order: ChargeOrder, card: Card) -> bool:
    """The issuer refuses the exemption; a repeat with a forced challenge may succeed."""
    if order.sca.challenge_forced and order.sca.exemption is not Exemption.MIT:
        return False
    if card.magic == "tok_soft_decline":
        return order.sca.exemption is not None
    no_mandate = order.sca.exemption is Exemption.MIT and order.mandate is None
    return card.magic == "tok_3ds" and no_mandate


def opened(
    order: ChargeOrder, card: Card, verdict: Verdict, *, charge_id: str, account: str, key: str,
    challenge: str | None, due_at: float | None, now: float,
) -> Charge:  # fmt: skip  # one argument per line says nothing here
    captured = order.amount_minor if verdict.state is State.CAPTURED else 0
    return Charge(
        id=charge_id,
        account=account,
        key=key,
        reference=order.reference,
        description=order.description,
        token=order.token,
        brand=card.brand,
        last4=card.last4,
        country=card.country,
        amount_minor=order.amount_minor,
        currency=order.currency,
        auto_capture=int(order.auto_capture),
        state=verdict.state.value,
        captured_minor=captured,
        refunded_minor=0,
        disputed_minor=0,
        decline_code=verdict.decline_code,
        return_url=order.return_url,
        challenge=challenge,
        due_at=due_at,
        created_at=now,
    )


def capture(charge: Charge, amount_minor: int) -> Charge:
    if charge.state != State.AUTHORISED:
        raise errors.NotCapturableError(f"a charge in state {charge.state} cannot be captured")
    if amount_minor > charge.amount_minor:
        raise errors.AmountTooLargeError(f"only {charge.amount_minor} was authorised")
    return dataclasses.replace(charge, state=State.CAPTURED.value, captured_minor=amount_minor)


def cancel(charge: Charge) -> Charge:
    if charge.state not in (State.AUTHORISED, State.REQUIRES_ACTION, State.PENDING):
        raise errors.NotCancellableError(f"a charge in state {charge.state} cannot be cancelled")
    return dataclasses.replace(charge, state=State.CANCELLED.value, due_at=None)


def refundable_minor(charge: Charge) -> int:
    return charge.captured_minor - charge.refunded_minor - charge.disputed_minor


def refund(charge: Charge, amount_minor: int, *, dispute_open: bool) -> Charge:
    if charge.state != State.CAPTURED:
        raise errors.NotRefundableError(f"a charge in state {charge.state} cannot be refunded")
    if dispute_open:
        raise errors.ChargeDisputedError("a charge with an open dispute cannot be refunded")
    if amount_minor > refundable_minor(charge):
        raise errors.AmountTooLargeError(f"only {refundable_minor(charge)} can be refunded")
    return dataclasses.replace(charge, refunded_minor=charge.refunded_minor + amount_minor)


def finish(charge: Charge, *, approved: bool, decline_code: str) -> Charge:
    """The end of a challenge or of a pending charge."""
    if charge.state not in (State.REQUIRES_ACTION, State.PENDING):
        raise errors.NotPendingError(f"a charge in state {charge.state} waits for nothing")
    if not approved:
        state, captured, code = State.DECLINED, 0, decline_code
    elif charge.auto_capture:
        state, captured, code = State.CAPTURED, charge.amount_minor, None
    else:
        state, captured, code = State.AUTHORISED, 0, None
    return dataclasses.replace(
        charge, state=state.value, captured_minor=captured, decline_code=code, due_at=None
    )


def dispute(charge: Charge, amount_minor: int) -> Charge:
    if charge.state != State.CAPTURED or charge.disputed_minor:
        raise errors.NotDisputableError("only a captured charge without dispute can be disputed")
    if amount_minor > refundable_minor(charge):
        raise errors.AmountTooLargeError(f"only {refundable_minor(charge)} can be disputed")
    return dataclasses.replace(charge, disputed_minor=amount_minor)


def fee_minor(gross_minor: int) -> int:
    """1.4 % + 25 minor units, half up."""
    return (gross_minor * 14 + 500) // 1000 + 25
