"""Saves an instrument: intent, call payments to set it up, record.

A crash or an outage leaves it in `setting_up`: a repeat of the call, or the worker, calls payments
again under the same key. Payments returns the challenge until the shopper has passed it.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Final

from libs import context, idempotency, ids
from libs.dataclass_copies import copy_as
from libs.db import Conn
from libs.errors import InternalError, Kind, RemoteRefusal, StoredRefusal, invalid, required, stored
from libs.idempotency import Key
from libs.payments import velocity
from libs.payments.certain import is_certain
from libs.payments.due import DueRow
from services.oneclick import events
from services.oneclick.deps import Deps
from services.oneclick.errors import InstrumentNotFound
from services.oneclick.flows.customers import locked
from services.oneclick.flows.instruments import detach
from services.oneclick.payments_client import setup_request
from services.oneclick.rules import domain
from services.oneclick.rules import instruments as rules
from services.oneclick.rules.domain import Consent, Customer, CustomerState
from services.oneclick.rules.instruments import (
    INSTRUMENT_TRANSITIONS,
    UNSETTLED,
    Instrument,
    InstrumentEvent,
    InstrumentState,
    SetUp,
    ShownInstrument,
)
from services.oneclick.store import customers, instruments

METHOD: Final = "AttachInstrument"  # RPC whose keys identify setups
CHECK_AFTER: Final = timedelta(seconds=30)  # longer than the call to payments may take
ABANDON_AFTER: Final = timedelta(days=1)
CLOCK_SKEW: Final = timedelta(minutes=5)  # of the shop's clock, in consents
ABANDONED: Final = StoredRefusal(
    Kind.UNPROCESSABLE.name, "instrument_refused", "The setup was not finished within a day."
)


@dataclass(frozen=True, slots=True)
class AttachInstrument:
    customer_id: str
    psp_account: str
    token: str
    make_default: bool
    consent: Consent
    return_url: str


async def attach_instrument(deps: Deps, cmd: AttachInstrument, key: Key | None) -> bytes:
    """Returns the Instrument message, the same for the same key."""
    if cmd.consent.accepted_at > deps.clock.now() + CLOCK_SKEW:
        raise invalid("consent.accepted_at", "must not be in the future")
    instrument_id = ids.new("ins")
    async with deps.db.transaction() as tx:
        claim = await idempotency.claim(tx, key, instrument_id)
        if claim.fresh:
            await _insert_intent(deps, tx, cmd, instrument_id)
    if claim.answer is not None:
        return claim.answer
    try:
        return await settle(deps, claim.resource_id, key)
    except Exception:
        async with deps.db.transaction() as tx:
            await idempotency.release(tx, key)
            await instruments.ask_again_now(tx, context.merchant_id(), claim.resource_id)
        raise


async def _insert_intent(deps: Deps, tx: Conn, cmd: AttachInstrument, instrument_id: str) -> None:
    now, customer = deps.clock.now(), domain.active(await locked(tx, cmd.customer_id))
    others = await instruments.of_customer(tx, customer.merchant_id, customer.id)
    rules.room_for_instrument(len(others))
    consent = replace(cmd.consent, id=ids.new("cns"))
    await customers.insert_consent(tx, customer.merchant_id, customer.id, consent, now)
    request = setup_request(
        cmd,
        email=customer.email,
        psp_customer=_psp_customer(others, cmd.psp_account),
        velocity_subjects=_subjects(deps, cmd.consent),
    )
    intent = copy_as(
        Instrument,
        cmd,
        id=instrument_id,
        merchant_id=customer.merchant_id,
        state=rules.INSTRUMENT_INITIAL,
        consent_id=consent.id,
        setup_request=deps.payments.sealed(request),
        created_at=now,
    )
    await instruments.insert(tx, intent, check_after=CHECK_AFTER)


def _subjects(deps: Deps, consent: Consent) -> Sequence[str]:
    return [velocity.of_address(deps.addresses, consent.ip)] if consent.ip else []


def _psp_customer(others: Sequence[Instrument], psp_account: str) -> str:
    """The PSP's customer record that the shopper already has at this account, or ""."""
    known = (
        token.psp_customer
        for other in others
        for token in other.tokens
        if token.psp_account == psp_account
    )
    return next(filter(None, known), "")


async def settle(deps: Deps, instrument_id: str, key: Key | None = None) -> bytes:
    """Calls payments (again) and records; returns the message of the resulting instrument."""
    async with deps.db.connection() as conn:
        found = await instruments.get(conn, context.merchant_id(), instrument_id)
    instrument = required(found, InternalError)
    if instrument.state not in UNSETTLED or instrument.setup_request is None:
        return await _answer(deps, instrument, key)
    try:
        ready = await deps.payments.set_up_instrument(instrument_id, instrument.setup_request)
    except RemoteRefusal as refusal:
        if is_certain(refusal):
            await _refuse(deps, instrument, stored(refusal))
        raise
    return await _record(deps, instrument_id, ready, key)


async def refresh_instrument(deps: Deps, key: str) -> bytes:
    """The current state of a setup that somebody is waiting for. Raises InstrumentNotFound, the
    refusal that ended it, and the errors of payments.
    """
    asked = await deps.db.run(idempotency.resource_of, context.merchant_id(), METHOD, key)
    return await settle(deps, required(asked, InstrumentNotFound))


async def _answer(deps: Deps, instrument: Instrument, key: Key | None) -> bytes:
    """For a setup that has already ended, possibly merged into another instrument."""
    if instrument.refusal is not None:
        raise instrument.refusal.raised()
    async with deps.db.transaction() as tx:
        if instrument.merged_into is not None:
            merged = await instruments.get(tx, instrument.merchant_id, instrument.merged_into)
            instrument = merged or instrument
        customer = await customers.get(tx, instrument.merchant_id, instrument.customer_id)
        return await _complete(deps, tx, instrument, customer, key)


async def _complete(
    deps: Deps, tx: Conn, instrument: Instrument, customer: Customer | None, key: Key | None
) -> bytes:
    default = customer is not None and customer.default_instrument_id == instrument.id
    shown = ShownInstrument(instrument, default, deps.clock.now())
    answer = events.instrument_pb(shown).SerializeToString()
    await idempotency.finish(tx, key, answer)
    return answer


async def _refuse(deps: Deps, instrument: Instrument, refusal: StoredRefusal) -> None:
    event = InstrumentEvent.REFUSE
    refused = replace(
        instrument,
        state=INSTRUMENT_TRANSITIONS[instrument.state, event],
        refusal=refusal,
        setup_request=None,
        next_action_url="",
    )
    async with deps.db.connection() as conn:
        await instruments.save(conn, instrument.state, event, refused)


async def _record(deps: Deps, instrument_id: str, found: SetUp, key: Key | None) -> bytes:
    merchant_id = context.merchant_id()
    async with deps.db.transaction() as tx:
        customer, instrument = await _lock_both(tx, merchant_id, instrument_id)
        if instrument.state in UNSETTLED:
            instrument, customer = await _decide(deps, tx, customer, instrument, found)
        return await _complete(deps, tx, instrument, customer, key)


async def _lock_both(tx: Conn, merchant_id: str, instrument_id: str) -> tuple[Customer, Instrument]:
    """Locks the customer first, then reads the instrument under that lock."""
    seen = await instruments.get(tx, merchant_id, instrument_id)
    customer = await customers.lock(tx, merchant_id, seen.customer_id) if seen else None
    instrument = await instruments.get(tx, merchant_id, instrument_id)
    if customer is None or instrument is None:
        raise InternalError
    return customer, instrument


async def _decide(
    deps: Deps, tx: Conn, customer: Customer, instrument: Instrument, found: SetUp
) -> tuple[Instrument, Customer]:
    """Active, waiting for a challenge, merged into an existing card, or detached if the customer was erased."""
    now = deps.clock.now()
    instrument = replace(instrument, card=found.card, tokens=(found.token,))
    if customer.state is CustomerState.ERASED:
        return await detach(tx, instrument, now), customer
    others = await instruments.of_customer(tx, customer.merchant_id, customer.id)
    existing = rules.same_card(others, found.card)
    if existing is not None and not found.next_action_url:
        return await _merge(tx, customer, instrument, existing, found)
    challenged = instrument.state is InstrumentState.REQUIRES_ACTION
    event = InstrumentEvent.CHALLENGE if found.next_action_url else InstrumentEvent.READY
    after = replace(
        instrument,
        state=INSTRUMENT_TRANSITIONS[instrument.state, event],
        next_action_url=found.next_action_url,
        setup_request=instrument.setup_request if found.next_action_url else None,
        last_challenge_at=now if challenged and not found.next_action_url else None,
    )
    await instruments.save(tx, instrument.state, event, after)
    if after.state is InstrumentState.ACTIVE:
        customer = await _choose(tx, customer, after, wanted=instrument.make_default)
        shown = ShownInstrument(after, customer.default_instrument_id == after.id, now)
        await events.instrument_attached(tx, shown)
    return after, customer


async def _choose(
    tx: Conn, customer: Customer, instrument: Instrument, *, wanted: bool
) -> Customer:
    """The first instrument becomes the default, a later one only on request."""
    if not wanted and customer.default_instrument_id is not None:
        return customer
    await customers.set_default_instrument(tx, customer.merchant_id, customer.id, instrument.id)
    return replace(customer, default_instrument_id=instrument.id)


async def _merge(
    tx: Conn, customer: Customer, instrument: Instrument, existing: Instrument, found: SetUp
) -> tuple[Instrument, Customer]:
    event = InstrumentEvent.MERGE
    gone = replace(
        instrument,
        state=INSTRUMENT_TRANSITIONS[instrument.state, event],
        tokens=(),
        setup_request=None,
        next_action_url="",
        merged_into=existing.id,
    )
    await instruments.save(tx, instrument.state, event, gone)
    merged, consent_id = rules.merge(existing, found), instrument.consent_id or existing.consent_id
    grown = replace(existing, card=merged.card, tokens=merged.tokens, consent_id=consent_id)
    await instruments.save_merged(tx, grown)
    if merged.leftover is not None:
        await instruments.insert_removals(tx, customer.merchant_id, [merged.leftover])
    customer = await _choose(tx, customer, grown, wanted=instrument.make_default)
    return grown, customer


async def settle_due(deps: Deps, due: DueRow) -> None:
    """Asks again about an unfinished setup, or gives it up after a day."""
    if due.age < ABANDON_AFTER:
        await settle(deps, due.id)
        return
    async with deps.db.connection() as conn:
        instrument = await instruments.get(conn, due.merchant_id, due.id)
    if instrument is not None and instrument.state in UNSETTLED:
        await _refuse(deps, instrument, ABANDONED)
