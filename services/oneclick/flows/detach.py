"""Remove an instrument here and, by the worker, at its PSPs."""

from dataclasses import replace
from datetime import datetime

from libs import context
from libs.db import Conn
from libs.errors import required
from services.oneclick import events
from services.oneclick.deps import Deps
from services.oneclick.errors import CustomerNotFound, InstrumentNotFound
from services.oneclick.rules.instruments import (
    INSTRUMENT_TRANSITIONS,
    KNOWN,
    Instrument,
    InstrumentEvent,
    InstrumentState,
)
from services.oneclick.store import customers, due, instruments
from services.oneclick.store.due import Removal


async def detach_instrument(deps: Deps, customer_id: str, instrument_id: str) -> Instrument:
    """Removing it again changes nothing."""
    merchant_id = context.merchant_id()
    async with deps.db.transaction() as tx:
        customer = required(await customers.lock(tx, merchant_id, customer_id), CustomerNotFound)
        instrument = await instruments.get(tx, merchant_id, instrument_id)
        if (
            instrument is None
            or instrument.customer_id != customer_id
            or instrument.state not in KNOWN
        ):
            raise InstrumentNotFound
        if instrument.state is InstrumentState.DETACHED:
            return instrument
        detached = await detach(tx, instrument, deps.clock.now())
        if customer.default_instrument_id == instrument_id:
            await customers.set_default_instrument(tx, merchant_id, customer_id, None)
    return detached


async def detach(tx: Conn, instrument: Instrument, now: datetime) -> Instrument:
    """In the transaction that holds the customer's lock. Tokens go to the list of removals."""
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
    """Tell the PSP; the row stays until it knows."""
    await deps.payments.remove_instrument(removal.psp_account, removal.token)
    async with deps.db.connection() as conn:
        await due.delete_removal(conn, removal)
