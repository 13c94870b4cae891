"""Which worker sends, and when: several workers, restarts, slow shops, changes during an attempt."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from functools import partial

import pytest
from aiohttp import web

from incasso.notify.v1 import webhooks_pb2 as pb
from libs.queues import Room
from services.notify.webhooks.store import deliveries
from services.notify.webhooks.worker import LEASE, DeliveryWorker
from tests.services.notify.webhooks.hooks import Hooks
from tests.waiting import HANGING_SECONDS, until

DELIVERED = pb.WebhookDelivery.STATE_DELIVERED
FAILED = pb.WebhookDelivery.STATE_FAILED
DISABLED = pb.WebhookEndpoint.STATE_DISABLED
Ask = Callable[[Hooks, pb.WebhookEndpoint], Awaitable[None]]


async def test_a_slow_endpoint_does_not_delay_the_others(hooks: Hooks):
    slow, quick = await hooks.endpoint("/slow"), await hooks.endpoint("/quick")
    release = asyncio.Event()

    async def wait(_: web.Request) -> web.Response:
        await release.wait()
        return web.Response()

    hooks.receiver.answers["/slow"] = wait
    for _ in range(40):
        await hooks.happen()
    worker = asyncio.create_task(DeliveryWorker(hooks.deps).run())
    try:
        await until(lambda: len(hooks.receiver.at("/slow")) == 16)
        await until(lambda: len(hooks.receiver.at("/quick")) == 40)
        await hooks.happen()  # the worker looks for due rows again
        await until(lambda: len(hooks.receiver.at("/quick")) == 41)
        assert len(hooks.receiver.at("/slow")) == 16, "an endpoint has so many places"
        release.set()
        await until(lambda: len(hooks.receiver.at("/slow")) == 41)
    finally:
        release.set()
        worker.cancel()
        await asyncio.gather(worker, return_exceptions=True)
    assert len({one.event_id for one in hooks.receiver.at("/slow")}) == 41
    assert slow.id != quick.id


async def test_two_workers_send_each_delivery_once(hooks: Hooks):
    await hooks.endpoint()
    for _ in range(60):
        await hooks.happen()
    workers = [asyncio.create_task(DeliveryWorker(hooks.deps).run()) for _ in range(2)]
    try:
        await until(lambda: len(hooks.receiver.received) >= 60)
    finally:
        for worker in workers:
            worker.cancel()
        await asyncio.gather(*workers, return_exceptions=True)
    assert await hooks.deps.sending.wait(HANGING_SECONDS) == 0
    assert await hooks.send() == 0, "nothing is left to be sent"
    assert len(hooks.receiver.received) == 60
    assert len({one.event_id for one in hooks.receiver.received}) == 60


async def test_a_dead_workers_delivery_is_sent_once_its_lease_expires(hooks: Hooks):
    endpoint = await hooks.endpoint()
    await hooks.happen()
    async with hooks.deps.db.transaction() as conn:
        assert len(await deliveries.claim_due(conn, Room(8, 8, {}), LEASE)) == 1
    assert await hooks.send() == 0, "it is leased to the worker that died"
    await hooks.make_due()
    assert await hooks.send() == 1
    assert (await hooks.delivery(endpoint)).state == DELIVERED


async def test_a_stopped_worker_finishes_its_attempt_in_progress(hooks: Hooks):
    endpoint = await hooks.endpoint()
    release = asyncio.Event()

    async def wait(_: web.Request) -> web.Response:
        await release.wait()
        return web.Response()

    hooks.receiver.answers["/hook"] = wait
    await hooks.happen()
    worker = asyncio.create_task(DeliveryWorker(hooks.deps).run())
    await until(lambda: len(hooks.receiver.received) == 1)
    worker.cancel()
    await asyncio.gather(worker, return_exceptions=True)
    release.set()
    assert await hooks.deps.sending.wait(HANGING_SECONDS) == 0
    delivery = await hooks.delivery(endpoint)
    assert (delivery.state, len(delivery.attempts)) == (DELIVERED, 1)


async def test_a_delivery_accepted_after_its_endpoint_was_disabled_is_delivered(hooks: Hooks):
    endpoint = await hooks.endpoint()

    async def disable(_: web.Request) -> web.Response:
        await hooks.call("UpdateWebhookEndpoint", webhook_endpoint_id=endpoint.id, state=DISABLED)
        return web.Response()

    hooks.receiver.answers["/hook"] = disable
    await hooks.happen()
    await hooks.send()
    assert (await hooks.delivery(endpoint)).state == DELIVERED


async def test_deleting_an_endpoint_during_an_attempt_leaves_nothing_to_send(hooks: Hooks):
    endpoint = await hooks.endpoint()

    async def delete(_: web.Request) -> web.Response:
        await hooks.call("DeleteWebhookEndpoint", webhook_endpoint_id=endpoint.id)
        return web.Response()

    hooks.receiver.answers["/hook"] = delete
    await hooks.happen()
    assert await hooks.send() == 1
    assert await hooks.send() == 0


async def test_a_due_delivery_of_a_disabled_endpoint_fails_unsent(hooks: Hooks):
    endpoint = await hooks.endpoint()
    await hooks.happen()
    await hooks.sql("UPDATE webhook_endpoints SET state = 'disabled', disabled_reason = 'gone'")
    await hooks.send()
    assert hooks.receiver.received == []
    assert (await hooks.delivery(endpoint)).state == FAILED


async def happen(hooks: Hooks, endpoint: pb.WebhookEndpoint) -> None:
    await hooks.happen()


async def send_test(hooks: Hooks, endpoint: pb.WebhookEndpoint) -> None:
    await hooks.call("SendTestWebhook", webhook_endpoint_id=endpoint.id)


async def retry(hooks: Hooks, endpoint: pb.WebhookEndpoint) -> None:
    found = await hooks.deliveries(endpoint)
    await hooks.call("RetryWebhookDelivery", webhook_delivery_id=found[0].id)


async def replay(hooks: Hooks, endpoint: pb.WebhookEndpoint) -> None:
    await hooks.call(
        "ReplayWebhooks",
        webhook_endpoint_id=endpoint.id,
        created_from=endpoint.created_at,
        include_delivered=True,
    )


async def resend(hooks: Hooks, endpoint: pb.WebhookEndpoint) -> None:
    found = await hooks.deliveries(endpoint)
    await hooks.call("ResendEvent", event_id=found[0].event_id)


@pytest.mark.parametrize("ask", [happen, send_test, retry, replay, resend])
async def test_a_delivery_due_on_this_replica_is_sent_without_waiting_for_the_next_poll(
    hooks: Hooks, monkeypatch: pytest.MonkeyPatch, ask: Ask
):
    monkeypatch.setattr("services.notify.webhooks.worker.INTERVAL_SECONDS", 10 * HANGING_SECONDS)
    endpoint = await hooks.endpoint()
    await hooks.happen()
    worker = asyncio.create_task(DeliveryWorker(hooks.deps).run())
    try:
        await until(lambda: len(hooks.receiver.received) == 1)
        await until(partial(_is_delivered, hooks, endpoint))
        await ask(hooks, endpoint)
        await until(lambda: len(hooks.receiver.received) == 2)
    finally:
        worker.cancel()
        await asyncio.gather(worker, return_exceptions=True)


async def _is_delivered(hooks: Hooks, endpoint: pb.WebhookEndpoint) -> bool:
    return (await hooks.delivery(endpoint)).state == DELIVERED


async def test_a_delivery_due_on_another_replica_is_found_by_the_next_poll(
    hooks: Hooks, monkeypatch: pytest.MonkeyPatch
):
    polls, start_due = [], DeliveryWorker.start_due

    async def counted(worker: DeliveryWorker) -> int:
        polls.append(await start_due(worker))
        return polls[-1]

    monkeypatch.setattr(DeliveryWorker, "start_due", counted)
    await hooks.endpoint()
    deaf = replace(hooks.deps, webhooks_due=asyncio.Event())
    worker = asyncio.create_task(DeliveryWorker(deaf).run())
    try:
        await until(lambda: polls)
        await hooks.happen()
        await until(lambda: len(hooks.receiver.received) == 1)
    finally:
        worker.cancel()
        await asyncio.gather(worker, return_exceptions=True)
