"""A person resolves a remittance line: books it on the order that they name, or closes it."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from libs import context, idempotency, outbox
from libs.db import Conn
from libs.errors import required
from libs.idempotency import Key
from libs.outbox import NewEvent
from services.cod import remittance_events
from services.cod.deps import Deps
from services.cod.errors import LineNotFound, RemittanceNotFound
from services.cod.flows import booking
from services.cod.flows.booking import Compared
from services.cod.rules import matching
from services.cod.rules import remittances as remittance_rules
from services.cod.rules import resolving as rules
from services.cod.rules.couriers import Courier
from services.cod.rules.matching import Claim
from services.cod.rules.remittances import Line, Remittance
from services.cod.rules.resolving import Resolution
from services.cod.store import orders as orders_store
from services.cod.store import remittances as store
from services.cod.store.couriers import COURIERS
from services.cod.store.remittances import LINES, REMITTANCES


async def resolve_remittance_line(
    deps: Deps, remittance_id: str, remittance_line_id: str, decision: Resolution, key: Key | None
) -> bytes:
    """Returns the CodRemittanceLine message, the same for the same key. Resolving again changes
    nothing.
    """
    rules.check(decision)

    async def resolve(tx: Conn, _: str) -> bytes:
        merchant_id, now = context.merchant_id(), deps.clock.now()
        found = required(await REMITTANCES.get(tx, merchant_id, remittance_id), RemittanceNotFound)
        courier = await COURIERS.lock(tx, merchant_id, found.courier_id)
        remittance = await REMITTANCES.lock(tx, merchant_id, remittance_id)
        assert courier is not None  # its remittances reference it
        assert remittance is not None
        before = await LINES.get(tx, merchant_id, remittance_line_id)
        if before is None or before.remittance_id != remittance_id:
            raise LineNotFound
        if rules.is_known(remittance, before, decision):
            return remittance_events.line_pb(before).SerializeToString()
        after = await _resolved(tx, courier, remittance, before, decision, now=now)
        return remittance_events.line_pb(after).SerializeToString()

    return (await idempotency.once(deps.db, key, remittance_line_id, resolve)).body


async def _resolved(
    tx: Conn,
    courier: Courier,
    remittance: Remittance,
    before: Line,
    decision: Resolution,
    *,
    now: datetime,
) -> Line:
    """Saves and publishes it."""
    owed = await booking.owed_for(tx, courier, [before])
    cleared: Sequence[NewEvent] = ()
    if decision.closed_as is None:
        fitting = matching.fitting(before.read(), booking.every(owed))
        after = rules.booked(before, fitting, decision, tolerance_minor=remittance.tolerance_minor)
        await booking.book(tx, courier, Compared([after], owed), remittance, now)
    else:
        claims = [claim for claim in booking.every(owed) if claim.tracking_number == before.parcel]
        open_minor = sum(claim.open_minor for claim in claims)
        after = rules.closed(before, decision.closed_as, open_minor=open_minor)
        cleared = await _cleared(tx, remittance, owed, after, now)
    after = rules.resolved(before, after, decision, by=context.current().actor, now=now)
    recounted = rules.recounted(remittance, before, after)
    await store.save(tx, recounted)
    await store.resolve(tx, after)
    await outbox.append(tx, *cleared, remittance_events.line_resolved(recounted, after, now))
    return after


async def _cleared(
    tx: Conn,
    remittance: Remittance,
    owed: Mapping[str, Sequence[Claim]],
    line: Line,
    now: datetime,
) -> Sequence[NewEvent]:
    """Moves the order on if nothing is missing any more, now that the line is closed."""
    if not line.cleared_minor or line.cod_order_id is None:
        return ()
    (before,) = await orders_store.of_ids(tx, line.merchant_id, [line.cod_order_id])
    event = remittance_rules.settled_by(
        owed[before.id],
        [remittance_rules.without_shortage(line)],
        tolerance_minor=remittance.tolerance_minor,
    )
    after = booking.moved(before, event, now)
    if after == before:
        return ()
    await orders_store.save_moved(tx, [after])
    return [remittance_events.cleared(after, remittance, now)]
