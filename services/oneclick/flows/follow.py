"""Charges after the click: payments' events, and those that were left without an end."""

from datetime import timedelta
from typing import Final

from libs import context
from libs.db import Conn
from libs.errors import IdempotencyKeyInUse, RemoteRefusal, StoredRefusal
from libs.logs import log
from services.oneclick.deps import Deps
from services.oneclick.flows import lowering
from services.oneclick.flows.charge import perform, refresh
from services.oneclick.rules import domain
from services.oneclick.rules.domain import Charge, ChargeState, PaymentAnswer
from services.oneclick.store import charges
from services.oneclick.store.due import DueCharge

MARGIN: Final = timedelta(minutes=1)  # a payment may be this much older than its charge
ABANDONED: Final = StoredRefusal(
    "CONFLICT", "charge_abandoned", "Nothing was charged: the charge was not made in time."
)


async def follow_payment(conn: Conn, payment: PaymentAnswer) -> None:
    """An event of payments, in the inbox's transaction. Any order, any number of times."""
    charge = await charges.of_payment(conn, context.merchant_id(), payment.id)
    if charge is not None:
        await charges.record(conn, charge, payment)


async def settle_due(deps: Deps, due: DueCharge) -> None:
    """A charge without an end: the one who started it crashed or got no answer."""
    async with deps.db.connection() as conn:
        charge = await charges.get(conn, due.merchant_id, due.charge_id)
    if charge is None:
        return
    try:
        await _settle(deps, charge, due.age)
    except (IdempotencyKeyInUse, RemoteRefusal) as refusal:
        log.info("charge is not settled", reason=refusal.reason)


async def _settle(deps: Deps, charge: Charge, age: timedelta) -> None:
    if charge.lowering is not None:
        await lowering.perform(deps, charge, charge.lowering)
        return
    match charge.state:
        case ChargeState.STARTED if age < domain.ABANDON_AFTER:
            await perform(deps, charge, None)
        case ChargeState.STARTED:
            await _find_or_abandon(deps, charge)
        case ChargeState.UNDER_WAY:
            await refresh(deps, charge)
        case _:
            return


async def _find_or_abandon(deps: Deps, charge: Charge) -> None:
    """Too late to charge a shopper who has left; but payments may have done it long ago.

    Its list is the truth by now: no call of ours can still be on its way.
    """
    found = await deps.payments.payments_like(
        charge,
        created_from=charge.created_at - MARGIN,
        created_to=max(deps.clock.now() - MARGIN, charge.created_at),
    )
    async with deps.db.transaction() as tx:
        known = await charges.attached_payments(
            tx, charge.merchant_id, [payment.id for payment in found]
        )
        own = next((payment for payment in found if payment.id not in known), None)
        if own is None:
            await charges.abandon(tx, charge, ABANDONED)
        else:
            await charges.record(tx, charge, own)
