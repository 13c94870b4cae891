"""Orders whose money a courier should already have passed on."""

from libs import outbox
from libs.due import DueRow
from services.cod import remittance_events
from services.cod.deps import Deps
from services.cod.rules import overdue, remittances
from services.cod.rules.states import OrderState
from services.cod.store import orders as store
from services.cod.store.couriers import COURIERS
from services.cod.store.remittances import booked


async def fall_due(deps: Deps, due: DueRow) -> None:
    """Marks an order overdue once, unless a remittance, which takes the same lock, was first."""
    now = deps.clock.now()
    async with deps.db.transaction() as tx:
        before = await store.lock(tx, due.merchant_id, due.id)
        assert before is not None  # orders are never deleted
        courier = await COURIERS.get(tx, before.merchant_id, before.courier_id)
        assert courier is not None  # its orders reference it
        numbers = [parcel.tracking_number for parcel in before.parcels]
        paid = await booked(tx, before.merchant_id, courier.id, numbers)
        claims = remittances.claims_of(before, courier, paid)
        after = overdue.fallen_due(before, claims, now)
        if after == before:
            return
        await store.save_moved(tx, [after])
        if after.state is OrderState.OVERDUE:
            await outbox.append(tx, remittance_events.overdue(after, claims, now))
