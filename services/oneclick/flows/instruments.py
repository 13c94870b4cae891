"""Saved instruments: list them, choose the default, remove them here and at PSPs."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Final

from libs import context
from libs.db import Conn
from libs.payments.answer import ScaHistory
from services.oneclick import events
from services.oneclick.deps import Deps
from services.oneclick.errors import InstrumentNotFound
from services.oneclick.flows.customers import found, locked
from services.oneclick.payments_client import instrument_of
from services.oneclick.rules import domain
from services.oneclick.rules import instruments as rules
from services.oneclick.rules.domain import Customer
from services.oneclick.rules.instruments import (
    INSTRUMENT_TRANSITIONS,
    KNOWN,
    SHOWN,
    Chargeable,
    Instrument,
    InstrumentEvent,
    InstrumentState,
    ShownInstrument,
)
from services.oneclick.store import customers, history, instruments
from services.oneclick.store.instruments import Removal

SCA_CURRENCY: Final = "EUR"  # exemptions by amount are in euro, and so is their history


async def list_instruments(deps: Deps, customer_id: str) -> Sequence[ShownInstrument]:
    """Those that are active or wait for a challenge, the default first."""
    async with deps.db.snapshot() as conn:
        customer = await found(conn, customer_id)
        known = await instruments.of_customer(conn, customer.merchant_id, customer_id)
    seen = [instrument for instrument in known if instrument.state in SHOWN]
    return rules.shown(seen, customer.default_instrument_id, deps.clock.now())


async def list_chargeable_instruments(deps: Deps, customer_id: str) -> Sequence[Chargeable]:
    """Those that can be charged now, the default first.

    The shopper chooses one on the method's page, so consent to one click is not required.
    """
    async with deps.db.transaction() as tx:
        customer = domain.active(await found(tx, customer_id))
        known = await instruments.of_customer(tx, customer.merchant_id, customer_id)
        histories = await history.of_customer(tx, customer.merchant_id, customer_id, SCA_CURRENCY)
    now = deps.clock.now()
    usable = [
        instrument
        for instrument in known
        if rules.is_usable(instrument.state, instrument.card, now) and instrument.id in histories
    ]
    return [
        _chargeable(each, histories[each.instrument.id])
        for each in rules.shown(usable, customer.default_instrument_id, now)
    ]


async def get_chargeable_instruments(
    deps: Deps, instrument_ids: Sequence[str]
) -> Sequence[Chargeable]:
    """Those of them that can be charged now. Merchants charge them on a mandate, for which the
    challenge history does not matter.
    """
    known = await deps.db.run(instruments.of_ids, context.merchant_id(), instrument_ids)
    now = deps.clock.now()
    usable = [each for each in known if rules.is_usable(each.state, each.card, now)]
    return [_chargeable(each, None) for each in rules.shown(usable, None, now)]


def _chargeable(shown: ShownInstrument, history: ScaHistory | None) -> Chargeable:
    instrument = shown.instrument
    charge = instrument_of(instrument.id, instrument.card, instrument.tokens)
    return Chargeable(shown, charge.SerializeToString(), history)


async def set_default_instrument(
    deps: Deps, customer_id: str, instrument_id: str
) -> ShownInstrument:
    now = deps.clock.now()
    async with deps.db.transaction() as tx:
        customer, instrument = await _lock(tx, customer_id, instrument_id)
        rules.usable(instrument, now)
        merchant_id = domain.active(customer).merchant_id
        await customers.set_default_instrument(tx, merchant_id, customer_id, instrument_id)
    return ShownInstrument(instrument, default=True, at=now)


async def detach_instrument(deps: Deps, customer_id: str, instrument_id: str) -> ShownInstrument:
    """Removing it again changes nothing."""
    now = deps.clock.now()
    async with deps.db.transaction() as tx:
        customer, instrument = await _lock(tx, customer_id, instrument_id)
        if instrument.state is not InstrumentState.DETACHED:
            instrument = await detach(tx, instrument, now)
            if customer.default_instrument_id == instrument_id:
                await customers.set_default_instrument(tx, customer.merchant_id, customer_id, None)
    return ShownInstrument(instrument, default=False, at=now)


async def _lock(tx: Conn, customer_id: str, instrument_id: str) -> tuple[Customer, Instrument]:
    """Locks a customer, and reads one of the instruments that the merchant can see."""
    customer = await locked(tx, customer_id)
    instrument = await instruments.get(tx, customer.merchant_id, instrument_id)
    if instrument is None or instrument.customer_id != customer_id or instrument.state not in KNOWN:
        raise InstrumentNotFound
    return customer, instrument


async def detach(tx: Conn, instrument: Instrument, now: datetime) -> Instrument:
    """Runs in the transaction that locks the customer. The worker deletes the tokens at the PSPs."""
    event = InstrumentEvent.DETACH
    detached = replace(
        instrument,
        state=INSTRUMENT_TRANSITIONS[instrument.state, event],
        card=replace(instrument.card, fingerprint=""),
        tokens=(),
        next_action_url="",
        setup_request=None,
    )
    await instruments.save(tx, instrument.state, event, detached)
    await instruments.insert_removals(tx, instrument.merchant_id, instrument.tokens)
    await events.instrument_detached(tx, detached, now)
    return detached


async def remove_token(deps: Deps, removal: Removal) -> None:
    """Requests the deletion; the row stays until the PSP has deleted the token."""
    await deps.payments.remove_instrument(removal.psp_account, removal.token)
    async with deps.db.connection() as conn:
        await instruments.delete_removal(conn, removal)
