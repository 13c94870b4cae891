"""A customer is erased, or an order grows old: everything that names the person goes, the money trail stays."""

from datetime import timedelta
from typing import Any

from incasso.oneclick.v1 import events_pb2
from libs import ids, retention
from libs.bus import Event
from libs.clock import Clock
from services.cod import retention as kept_here
from services.cod import worker
from tests.services.cod.orders import GIULIA, ROME, event
from tests.services.cod.refusing import refused

SUBJECT = "incasso.oneclick.customer.erased"
TRACES = ("giulia", GIULIA["phone"], ROME["street"].lower(), ROME["postcode"], "porta blu")
TABLES = ("orders", "parcels", "order_changes", "codes", "refusals", "outbox", "idempotency_keys")


async def erase(shop, customer_id: str = "cus_erased") -> None:
    erased = Event(
        event_id=ids.new("evt"),
        merchant_id=shop.world.merchant_id,
        aggregate_id=customer_id,
        subject=SUBJECT,
        body=events_pb2.CustomerErased(customer_id=customer_id).SerializeToString(),
        traceparent="",
        occurred_at=Clock().now(),
    )
    shop.world.act()
    async with shop.world.deps.db.transaction() as tx:
        await worker.handlers(shop.world.deps)[SUBJECT](tx, erased)


async def a_life(shop) -> Any:
    """An order with all personal data of its recipient: confirmed, changed, dispatched, refused."""
    await shop.world.settings(confirmation_needed=True, refusals={"most": 0})
    order = await shop.propose(customer_id="cus_erased", metadata={"door": "Porta blu"})
    await shop.confirm(order.id, await shop.code(order.id), key=ids.new("key"))
    fields = {"cod_order_id": order.id, "amount_minor": 40_00, "key": ids.new("key")}
    changed = (await shop.call("ChangeCodOrder", **fields)).order
    await shop.acknowledge(changed)
    await shop.dispatch(changed)
    await shop.report(event(order, "refused"))
    return order


async def held(shop, tables=TABLES) -> str:
    """Everything about the merchant in the tables."""
    found = []
    async with shop.world.deps.db.connection() as conn:
        for table in tables:
            rows = await conn.fetch(
                f"SELECT * FROM {table} WHERE merchant_id = $1", shop.world.merchant_id
            )
            found += [repr(value) for row in rows for value in row.values()]
    return "".join(found).lower()


async def test_erasure_removes_personal_data_and_keeps_the_amounts(shop):
    order = await a_life(shop)
    before = await held(shop)
    assert all(trace in before for trace in TRACES)
    assert await refused(shop.propose()) == "cod_not_available"  # because of earlier refusals
    for _ in range(2):
        await erase(shop)
        after = await held(shop)
        assert [trace for trace in TRACES if trace in after] == []
    now = await shop.get(order.id)
    assert (now.state, now.to_collect_minor) == (now.STATE_REFUSED, 40_00)
    assert len((await shop.call("ListCodOrderChanges", cod_order_id=order.id)).data) == 1
    assert (await shop.propose()).to_collect_minor == 50_00


async def test_erasing_another_customer_leaves_the_order_unchanged(shop):
    order = await a_life(shop)
    before = await shop.get(order.id)
    await erase(shop, "cus_marco")
    assert await shop.get(order.id) == before


async def test_personal_data_is_removed_after_the_retention_period(shop):
    order = await a_life(shop)
    rows = ("orders", "order_changes", "refusals", "codes")
    async with shop.world.deps.db.connection() as conn:
        for table, at in (
            ("orders", "created_at"),
            ("order_changes", "changed_at"),
            ("refusals", "refused_at"),
            ("codes", "expires_at"),
        ):
            await conn.execute(
                f"UPDATE {table} SET {at} = now() - $2::interval WHERE merchant_id = $1",
                shop.world.merchant_id,
                kept_here.DISPUTABLE + timedelta(days=1),
            )
    assert await retention.keep_to(shop.world.deps.db, kept_here.KEPT.rules) >= len(rows)
    after = await held(shop, rows)
    assert [trace for trace in TRACES if trace in after] == []
    now = await shop.get(order.id)
    assert (now.state, now.to_collect_minor, len(now.parcels)) == (now.STATE_REFUSED, 40_00, 1)
