"""Saved instruments: list them, choose the one that a click charges."""

from collections.abc import Sequence
from typing import Final

from libs import context
from libs.errors import required
from libs.payments.answer import ScaHistory
from services.oneclick.deps import Deps
from services.oneclick.errors import CustomerNotFound, InstrumentNotFound
from services.oneclick.payments_client import instrument_of
from services.oneclick.rules import domain
from services.oneclick.rules import instruments as rules
from services.oneclick.rules.instruments import KNOWN, SHOWN, Chargeable, Instrument
from services.oneclick.store import customers, history, instruments

SCA_CURRENCY: Final = "EUR"  # exemptions by amount are in euro, and so is their history


async def list_instruments(deps: Deps, customer_id: str) -> tuple[Sequence[Instrument], str | None]:
    """Those that are not detached, the default first, and its id."""
    async with deps.db.connection() as conn:
        customer = required(
            await customers.get(conn, context.merchant_id(), customer_id), CustomerNotFound
        )
        found = await instruments.of_customer(conn, customer.merchant_id, customer_id)
    default_id = customer.default_instrument_id
    shown = [instrument for instrument in found if instrument.state in SHOWN]
    return sorted(shown, key=lambda instrument: instrument.id != default_id), default_id


async def list_chargeable_instruments(
    deps: Deps, customer_id: str
) -> tuple[Sequence[Chargeable], str | None]:
    """Those that can be charged now, the default first, and its id.

    The shopper chooses one on the method's page, so that no consent to one click is asked for.
    """
    async with deps.db.transaction() as tx:
        customer = required(
            await customers.get(tx, context.merchant_id(), customer_id), CustomerNotFound
        )
        domain.active(customer)
        found = await instruments.of_customer(tx, customer.merchant_id, customer_id)
        histories = await history.of_customer(tx, customer.merchant_id, customer_id, SCA_CURRENCY)
    default_id, now = customer.default_instrument_id, deps.clock.now()
    usable = [
        _chargeable(instrument, histories[instrument.id])
        for instrument in found
        if rules.is_usable(instrument.state, instrument.card, now) and instrument.id in histories
    ]
    return sorted(usable, key=lambda one: one.instrument.id != default_id), default_id


def _chargeable(instrument: Instrument, history: ScaHistory) -> Chargeable:
    charge = instrument_of(instrument.id, instrument.card, instrument.tokens)
    return Chargeable(instrument, charge.SerializeToString(), history)


async def set_default_instrument(deps: Deps, customer_id: str, instrument_id: str) -> Instrument:
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
        rules.usable(instrument, deps.clock.now())
        await customers.set_default_instrument(
            tx, merchant_id, domain.active(customer).id, instrument_id
        )
    return instrument
