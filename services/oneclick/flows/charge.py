"""Charges a saved instrument by one click: intent, commit, call payments, record.

The charge's id is the key of the call to payments, so repeating any step is the same charge.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from libs import context, idempotency, ids
from libs.clock import Clock
from libs.dataclass_copies import copy_as
from libs.db import Conn
from libs.errors import InternalError, OutcomeUnknown, StoredRefusal, invalid, required
from libs.idempotency import Key
from libs.money import Money
from libs.payments import asking, due, velocity
from libs.payments.answer import Answer, Intent, Outcome, ScaHistory
from services.oneclick import errors, events
from services.oneclick.deps import Deps
from services.oneclick.payments_client import charge_request, instrument_of
from services.oneclick.rules import domain, items, spending
from services.oneclick.rules.domain import (
    CaptureMode,
    Charge,
    ChargeState,
    CustomerState,
    GivenConsent,
)
from services.oneclick.rules.instruments import KNOWN, is_usable
from services.oneclick.rules.items import Item
from services.oneclick.rules.offers import Buyer
from services.oneclick.store import buyers, charges, sessions
from services.oneclick.store.buyers import Wanted

ABANDONED: Final = StoredRefusal(
    "CONFLICT", "charge_abandoned", "Nothing was charged: the charge was not made in time."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateOneClickPayment:
    """None for omitted fields. The session's flow sets the session fields."""

    customer_id: str
    amount: Money
    order_reference: str
    capture: CaptureMode = CaptureMode.NOW
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
    """Returns payments' Payment message unchanged, the same for the same key."""
    check_grace(cmd.capture, cmd.grace_seconds)
    items.check(cmd.items, cmd.amount)
    charge_id = ids.new("och")
    charge = None
    async with deps.db.transaction() as tx:
        claim, buyer = await buyers.claim_and_lock(tx, key, charge_id, _wanted(cmd))
        if claim.fresh:
            charge = await _start(deps, tx, cmd, charge_id, buyer)
    if claim.answer is not None:
        return claim.answer
    if charge is not None:
        return (await perform(deps, charge, key)).body
    return (await resume(deps, claim.resource_id, key)).body


def check_grace(capture: CaptureMode, grace_seconds: int | None) -> None:
    if grace_seconds is not None and capture is not CaptureMode.DELAYED:
        raise invalid("grace_seconds", 'needs capture "delayed"')


async def start_charge(deps: Deps, tx: Conn, cmd: CreateOneClickPayment, charge_id: str) -> Charge:
    """Writes the intent under the customer's lock, or refuses."""
    return await _start(deps, tx, cmd, charge_id, await buyers.lock(tx, _wanted(cmd)))


def _wanted(cmd: CreateOneClickPayment) -> Wanted:
    return Wanted(context.merchant_id(), cmd.customer_id, cmd.instrument_id, cmd.address_id)


async def _start(
    deps: Deps, tx: Conn, cmd: CreateOneClickPayment, charge_id: str, locked: Buyer | None
) -> Charge:
    buyer = required(locked, errors.CustomerNotFound)
    charge = _intent(deps, buyer, cmd, charge_id, deps.clock.now())
    inserted = await charges.insert(tx, charge, buyer.last_challenge_at)
    if not inserted.usable:
        raise errors.InstrumentNotUsable
    spending.check_spending(buyer.policy, inserted.spending, cmd.amount)
    return replace(charge, sca=inserted.sca)


def _subjects(deps: Deps, cmd: CreateOneClickPayment) -> Sequence[str]:
    """The subjects by which declines are counted."""
    found = [velocity.of_customer(cmd.customer_id)]
    if cmd.session_id is not None:
        found.append(velocity.of_session(cmd.session_id))
    if cmd.ip is not None:
        found.append(velocity.of_clicking_address(deps.addresses, cmd.ip))
    return found


def _intent(
    deps: Deps, buyer: Buyer, cmd: CreateOneClickPayment, charge_id: str, now: datetime
) -> Charge:
    instrument_id, consent_id = _chargeable(buyer, cmd, now)
    spending.check_charge(buyer.policy, cmd.amount)
    charge = copy_as(
        Charge,
        cmd,
        id=charge_id,
        merchant_id=context.merchant_id(),
        instrument_id=instrument_id,
        address_id=buyer.address_id,
        consent_id=consent_id,
        state=domain.CHARGE_INITIAL,
        request=None,
        sca=ScaHistory(0, 0),
        created_at=now,
    )
    delayed = cmd.capture is CaptureMode.DELAYED
    request = charge_request(
        charge,
        instrument=instrument_of(instrument_id, buyer.card, buyer.tokens),
        grace_seconds=(cmd.grace_seconds or buyer.policy.grace_seconds) if delayed else 0,
        return_url=cmd.return_url,
        metadata=cmd.metadata,
        velocity_subjects=_subjects(deps, cmd),
    )
    return replace(charge, request=deps.payments.sealed(request))


def _chargeable(buyer: Buyer, cmd: CreateOneClickPayment, now: datetime) -> tuple[str, str]:
    """Ids of the instrument and of the consent to charge it."""
    if buyer.customer_state is CustomerState.ERASED:
        raise errors.CustomerErased
    if cmd.address_id is not None and buyer.address_id is None:
        raise errors.AddressNotFound
    if buyer.instrument_id is None or buyer.instrument_state not in KNOWN:
        raise errors.NoInstrument if cmd.instrument_id is None else errors.InstrumentNotFound
    if not is_usable(buyer.instrument_state, buyer.card, now):
        raise errors.InstrumentNotUsable
    if buyer.consent_id is None:
        raise errors.ConsentMissing
    return buyer.instrument_id, buyer.consent_id


@dataclass(frozen=True, slots=True)
class AskedCharge:
    """A charge, and the caller's key that is answered or unlocked with it."""

    deps: Deps
    charge: Charge
    key: Key | None = None

    @property
    def intent(self) -> Intent:
        charge = self.charge
        return Intent(charge.id, charge.request, charge.payment_id, charge.sca)

    async def answered(self, answer: Answer) -> Answer:
        db = self.deps.db  # without a session, one statement, which is its own transaction
        async with db.transaction() if self.charge.session_id else db.connection() as conn:
            await record(conn, self.charge, answer, key=self.key)
        return answer

    async def refused(self, refusal: StoredRefusal | None) -> None:
        async with self.deps.db.transaction() as tx:
            await charges.refuse(tx, self.charge, refusal or ABANDONED)
            await idempotency.release(tx, self.key)

    async def unanswered(self) -> None:
        async with self.deps.db.transaction() as tx:
            await due.ask_again_now(tx, "charges", self.charge.merchant_id, self.charge.id)
            await idempotency.release(tx, self.key)


async def record(conn: Conn, charge: Charge, answer: Answer, *, key: Key | None = None) -> None:
    """Records payments' answer, from any source and any number of times. A session's charge needs
    a transaction.
    """
    is_new = await charges.record(conn, charge, answer, key=key)
    if answer.outcome is not Outcome.SUCCEED:
        return
    if is_new:
        if charge.session_id is not None and charge.state is not ChargeState.SUCCEEDED:
            await _publish_session_paid(conn, charge.merchant_id, charge.session_id)
        return
    current = await charges.get(conn, charge.merchant_id, charge.id)
    if current is not None and current.state is ChargeState.REFUSED:
        asking.count_after_end(answer.id)


async def _publish_session_paid(conn: Conn, merchant_id: str, session_id: str) -> None:
    session = required(await sessions.get(conn, merchant_id, session_id), InternalError)
    await events.session_paid(conn, session, Clock().now())


async def perform(deps: Deps, charge: Charge, key: Key | None) -> Answer:
    """A certain no releases the limits and is raised. Without an answer the charge stays
    started.
    """
    return await asking.perform(deps.payments, AskedCharge(deps, charge, key))


async def resume(deps: Deps, charge_id: str, key: Key | None) -> Answer:
    """Continues where an earlier call stopped, or returns the outcome."""
    async with deps.db.connection() as conn:
        await charges.take_up(conn, context.merchant_id(), charge_id)
        charge = required(await charges.get(conn, context.merchant_id(), charge_id), InternalError)
    if charge.refusal is not None:
        raise charge.refusal.raised()
    if charge.payment_id is None:
        return await perform(deps, charge, key)
    return await refresh(deps, charge, key)


async def refresh(deps: Deps, charge: Charge, key: Key | None = None) -> Answer:
    """Asks payments for the charge's payment, and records it."""
    if charge.payment_id is None:
        raise OutcomeUnknown
    return await asking.refresh(deps.payments, AskedCharge(deps, charge, key), charge.payment_id)


async def get_one_click_consent(deps: Deps, payment_id: str) -> GivenConsent:
    """The permission under which the payment was charged."""
    found = await deps.db.run(charges.consent_of, context.merchant_id(), payment_id)
    return required(found, errors.PaymentNotFound)
