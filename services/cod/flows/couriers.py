"""Couriers: create, replace terms, archive."""

from google.protobuf.message import Message

from libs import context, idempotency, ids
from libs.db import Conn
from libs.errors import required
from libs.idempotency import Key
from services.cod import events
from services.cod.deps import Deps
from services.cod.errors import CourierNotFound
from services.cod.flows.settings import default_settings
from services.cod.rules import couriers as rules
from services.cod.rules.couriers import Courier, CourierTerms
from services.cod.store import couriers as store
from services.cod.store.couriers import COURIERS
from services.cod.store.settings import SETTINGS


async def create_courier(deps: Deps, terms: CourierTerms, key: Key | None) -> bytes:
    """Returns the Courier message, the same for the same key."""
    default = await default_settings(deps)

    async def create(tx: Conn, courier_id: str) -> Message:
        merchant_id = context.merchant_id()
        await SETTINGS.lock(tx, merchant_id, default)  # so that two calls do not exceed the limit
        rules.room_for_courier(await store.count_active(tx, merchant_id))
        courier = rules.on_terms(
            terms,
            courier_id=courier_id,
            merchant_id=merchant_id,
            created_at=deps.clock.now(),
        )
        await COURIERS.add(tx, courier)
        await events.courier_created(tx, courier)
        return events.courier_pb(courier)

    return (await idempotency.once(deps.db, key, ids.new("cou"), create)).body


async def update_courier(deps: Deps, courier_id: str, terms: CourierTerms) -> Courier:
    async with deps.db.transaction() as tx:
        before = await _locked(tx, courier_id)
        after = rules.replaced(before, terms)
        await _save(deps, tx, before, after)
    return after


async def archive_courier(deps: Deps, courier_id: str) -> Courier:
    async with deps.db.transaction() as tx:
        before = await _locked(tx, courier_id)
        after = rules.archived(before)
        await _save(deps, tx, before, after)
    return after


async def _save(deps: Deps, tx: Conn, before: Courier, after: Courier) -> None:
    """An unchanged courier is neither saved nor published."""
    if after != before:
        await store.save(tx, after)
        await events.courier_changed(tx, after, deps.clock.now())


async def _locked(tx: Conn, courier_id: str) -> Courier:
    return required(await COURIERS.lock(tx, context.merchant_id(), courier_id), CourierNotFound)
