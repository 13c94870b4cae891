"""Old data is deleted, and only old data."""

from libs.retention import keep_to
from services.notify import retention
from tests.services.notify.webhooks.hooks import Hooks


async def forget(hooks: Hooks, *, batch: int = 1000) -> int:
    return await keep_to(hooks.deps.db, retention.KEPT.rules, batch=batch)


async def count(hooks: Hooks, table: str) -> int:
    async with hooks.deps.db.connection() as conn:
        found: int = await conn.fetchval(f"SELECT count(*) FROM {table}")
    return found


async def age(hooks: Hooks) -> None:
    for table, column in (("events", "received_at"), ("webhook_deliveries", "ended_at")):
        await hooks.sql(f"UPDATE {table} SET {column} = {column} - $1::interval", retention.EVENTS)


async def test_events_and_deliveries_are_deleted_in_batches_after_their_retention(
    hooks: Hooks,
):
    await hooks.endpoint()
    for _ in range(5):
        await hooks.happen()
    await hooks.send()
    await age(hooks)
    young = await hooks.happen()
    await hooks.send()
    assert await forget(hooks, batch=2) == 10
    assert [await count(hooks, t) for t in ("events", "webhook_deliveries")] == [1, 1]
    assert await count(hooks, "webhook_attempts") == 1
    assert [event.id for event in (await hooks.call("ListEvents")).data] == [young]
    assert await forget(hooks) == 0


async def test_a_pending_delivery_is_kept_with_its_event(hooks: Hooks):
    await hooks.endpoint()
    hooks.receiver.answer("/hook", 500)
    await hooks.happen()
    await hooks.send()
    await age(hooks)
    assert await forget(hooks) == 0
    assert await count(hooks, "events") == 1


async def test_retrying_a_delivery_restarts_its_retention(hooks: Hooks):
    endpoint = await hooks.endpoint()
    await hooks.happen()
    await hooks.send()
    delivery = await hooks.delivery(endpoint)
    await age(hooks)
    await hooks.call("RetryWebhookDelivery", webhook_delivery_id=delivery.id)
    assert await forget(hooks) == 0
    await hooks.send()
    assert await forget(hooks) == 0
