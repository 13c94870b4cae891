"""Charge a saved instrument by one click: intent, commit, ask payments, record.

The charge's id is the key under which payments is asked, so a repeat of any step is the same charge.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from libs import context, idempotency, ids
from libs.db import Conn
from libs.errors import (
    IdempotencyKeyInUse,
    InternalError,
    OutcomeUnknown,
    RemoteRefusal,
    ServiceUnavailable,
    invalid,
    stored,
)
from libs.idempotency import Key
from libs.money import Money
from libs.payments import velocity
from services.oneclick.deps import Deps
from services.oneclick.errors import (
    AddressNotFound,
    ConsentMissing,
    CustomerErased,
    CustomerNotFound,
    InstrumentNotFound,
    InstrumentNotUsable,
    NoInstrument,
)
from services.oneclick.payments_client import charge_request
from services.oneclick.rules import domain, items, limits
from services.oneclick.rules.domain import (
    CaptureMode,
    Charge,
    CustomerState,
    PaymentAnswer,
    ScaHistory,
)
from services.oneclick.rules.instruments import KNOWN, is_usable
from services.oneclick.rules.items import Item
from services.oneclick.store import buyers, charges
from services.oneclick.store.buyers import Buyer


@dataclass(frozen=True, slots=True)
class CreateOneClickPayment:
    """None where the caller said nothing. The session fields are set by the session's flow."""

    customer_id: str
    amount: Money
    order_reference: str
    capture: CaptureMode
    grace_seconds: int | None
    instrument_id: str | None
    address_id: str | None
    return_url: str
    metadata: Mapping[str, str]
    session_id: str | None = None
    session_try: int | None = None
    items: tuple[Item, ...] = ()
    ip: str | None = None  # of the shopper's device


async def create_one_click_payment(
    deps: Deps, cmd: CreateOneClickPayment, key: Key | None
) -> bytes:
    """Answers the Payment message as payments gave it, the same for the same key."""
    check_grace(cmd.capture, cmd.grace_seconds)
    items.check(cmd.items, cmd.amount)
    charge_id = ids.new("och")
    charge = None
    async with deps.db.transaction() as tx:
        claim = await idempotency.claim(tx, key, charge_id)
        if claim.fresh:
            charge = await start_charge(deps, tx, cmd, charge_id)
    if claim.answer is not None:
        return claim.answer
    if charge is not None:
        return (await perform(deps, charge, key)).body
    return (await resume(deps, claim.resource_id, key)).body


def check_grace(capture: CaptureMode, grace_seconds: int | None) -> None:
    if grace_seconds is not None and capture is not CaptureMode.DELAYED:
        raise invalid("grace_seconds", 'needs capture "delayed"')


async def start_charge(deps: Deps, tx: Conn, cmd: CreateOneClickPayment, charge_id: str) -> Charge:
    """Write the intent under the customer's lock, or refuse."""
    merchant_id, now = context.merchant_id(), deps.clock.now()
    buyer = await buyers.lock(
        tx,
        merchant_id,
        cmd.customer_id,
        instrument_id=cmd.instrument_id,
        address_id=cmd.address_id,
    )
    if buyer is None:
        raise CustomerNotFound
    subjects = _subjects(deps, cmd)
    charge = _intent(buyer, cmd, charge_id, merchant_id, now, velocity_subjects=subjects)
    inserted = await charges.insert(tx, charge, buyer.last_challenge_at)
    if not inserted.usable:
        raise InstrumentNotUsable
    limits.check_spending(buyer.policy, inserted.spending, cmd.amount)
    return replace(charge, sca=inserted.sca)


def _subjects(deps: Deps, cmd: CreateOneClickPayment) -> Sequence[str]:
    """By whom declines are counted."""
    found = [velocity.of_customer(cmd.customer_id)]
    if cmd.session_id is not None:
        found.append(velocity.of_session(cmd.session_id))
    if cmd.ip is not None:
        found.append(velocity.of_clicking_address(deps.addresses, cmd.ip))
    return found


def _intent(
    buyer: Buyer,
    cmd: CreateOneClickPayment,
    charge_id: str,
    merchant_id: str,
    now: datetime,
    *,
    velocity_subjects: Sequence[str],
) -> Charge:
    instrument_id, consent_id = _chargeable(buyer, cmd, now)
    limits.check_charge(buyer.policy, cmd.amount)
    delayed = cmd.capture is CaptureMode.DELAYED
    return Charge(
        id=charge_id,
        merchant_id=merchant_id,
        customer_id=cmd.customer_id,
        instrument_id=instrument_id,
        address_id=buyer.address_id,
        consent_id=consent_id,
        session_id=cmd.session_id,
        session_try=cmd.session_try,
        state=domain.CHARGE_INITIAL,
        amount=cmd.amount,
        capture=cmd.capture,
        order_reference=cmd.order_reference,
        request=charge_request(
            amount=cmd.amount,
            order_reference=cmd.order_reference,
            capture=cmd.capture,
            grace_seconds=(cmd.grace_seconds or buyer.policy.grace_seconds) if delayed else 0,
            customer_id=cmd.customer_id,
            instrument_id=instrument_id,
            card=buyer.card,
            tokens=buyer.tokens,
            return_url=cmd.return_url,
            metadata=cmd.metadata,
            velocity_subjects=velocity_subjects,
        ),
        sca=ScaHistory(0, 0),
        created_at=now,
        items=cmd.items,
    )


def _chargeable(buyer: Buyer, cmd: CreateOneClickPayment, now: datetime) -> tuple[str, str]:
    """Ids of the instrument and of the consent to charge it."""
    if buyer.customer_state is CustomerState.ERASED:
        raise CustomerErased
    if cmd.address_id is not None and buyer.address_id is None:
        raise AddressNotFound
    if buyer.instrument_id is None or buyer.instrument_state not in KNOWN:
        raise NoInstrument if cmd.instrument_id is None else InstrumentNotFound
    if not is_usable(buyer.instrument_state, buyer.card, now):
        raise InstrumentNotUsable
    if buyer.consent_id is None:
        raise ConsentMissing
    return buyer.instrument_id, buyer.consent_id


async def perform(deps: Deps, charge: Charge, key: Key | None) -> PaymentAnswer:
    """Ask payments, in no transaction, and record its answer.

    A certain no frees the limits and is passed on. No answer leaves the charge started: whoever
    asks next goes on with the same charge.
    """
    try:
        payment = await deps.payments.create_payment(charge)
    except (ServiceUnavailable, IdempotencyKeyInUse):
        async with deps.db.transaction() as tx:
            await charges.ask_again_now(tx, charge)
            await idempotency.release(tx, key)
        raise
    except RemoteRefusal as refusal:
        async with deps.db.transaction() as tx:
            await charges.refuse(tx, charge, stored(refusal))
            await idempotency.release(tx, key)
        raise
    async with deps.db.connection() as conn:  # one statement, which is its own transaction
        await charges.record(conn, charge, payment, key=key)
    return payment


async def resume(deps: Deps, charge_id: str, key: Key | None) -> PaymentAnswer:
    """Go on where an earlier call stopped, or tell what became of it."""
    async with deps.db.connection() as conn:
        taken_up = await charges.take_up(conn, context.merchant_id(), charge_id)
        charge = await charges.get(conn, context.merchant_id(), charge_id)
    if charge is None:
        raise InternalError
    if charge.refusal is not None:
        raise charge.refusal.raised()
    if taken_up:
        return await perform(deps, charge, key)
    return await refresh(deps, charge, key)


async def refresh(deps: Deps, charge: Charge, key: Key | None = None) -> PaymentAnswer:
    """Ask payments for the payment of a charge, and record it."""
    if charge.payment_id is None:
        raise OutcomeUnknown
    payment = await deps.payments.get_payment(charge.payment_id)
    async with deps.db.connection() as conn:
        await charges.record(conn, charge, payment, key=key)
    return payment
