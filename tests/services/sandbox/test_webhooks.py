import hashlib
import hmac
import time

import pytest

from services.sandbox.webhooks import retry_seconds
from tests.waiting import until


async def test_an_event_contains_its_charge_and_operation(sandbox, receiver):
    answer = await sandbox.charge(key="att_1", reference="A-1")
    (event,) = await receiver.wait_for(1)
    assert event["type"] == "charge.captured"
    assert event["id"].startswith("sev_")
    assert event["account"] == "sandbox-a"
    assert event["data"]["charge"] == answer.body
    assert event["data"]["operation"]["key"] == "att_1"


async def test_the_signature_covers_time_and_body(sandbox, receiver):
    before = int(time.time())
    await sandbox.charge()
    await receiver.wait_for(1)
    headers, raw = receiver.requests[0]
    parts = dict(part.split("=", 1) for part in headers["Sandbox-Signature"].split(","))
    assert before <= int(parts["t"]) <= time.time()
    signed = parts["t"].encode() + b"." + raw
    assert parts["v1"] == hmac.new(b"shh", signed, hashlib.sha256).hexdigest()


async def test_every_change_is_announced_in_order(sandbox, receiver):
    charge_id = (await sandbox.charge(capture=False)).body["id"]
    await receiver.wait_for(1)
    await sandbox.write(f"/charges/{charge_id}/captures", {"amount_minor": 5990})
    await receiver.wait_for(2)
    await sandbox.write(f"/charges/{charge_id}/refunds", {"amount_minor": 90})
    await receiver.wait_for(3)
    assert receiver.types == ["charge.authorised", "charge.captured", "charge.refunded"]
    refund = receiver.events[2]["data"]
    assert refund["operation"]["amount_minor"] == 90
    assert refund["charge"]["refunded_minor"] == 90


@pytest.mark.parametrize(
    ("token", "event"),
    [("tok_declined", "charge.declined"), ("tok_3ds", "charge.requires_action")],
)
async def test_declines_and_challenges_are_announced(sandbox, receiver, token, event):
    await sandbox.charge(token=token)
    await receiver.wait_for(1)
    assert receiver.types == [event]


async def test_a_cancellation_is_announced(sandbox, receiver):
    charge_id = (await sandbox.charge(capture=False)).body["id"]
    await sandbox.write(f"/charges/{charge_id}/cancellations", {})
    await receiver.wait_for(2)
    assert "charge.cancelled" in receiver.types


async def test_replays_and_refusals_announce_nothing(sandbox, receiver):
    charge_id = (await sandbox.charge(key="att_1")).body["id"]
    await sandbox.charge(key="att_1")
    await sandbox.write(f"/charges/{charge_id}/refunds", {"amount_minor": 6000})
    await sandbox.charge(key="att_2")
    events = await receiver.wait_for(2)
    assert [event["data"]["operation"]["key"] for event in events] == ["att_1", "att_2"]
    assert receiver.types == ["charge.captured"] * 2


async def test_failed_deliveries_are_retried_until_a_2xx(sandbox, receiver):
    receiver.statuses = [500, 302, 404]
    await sandbox.charge()
    await receiver.wait_for(1)
    assert len(receiver.requests) == 4
    assert len({raw for _, raw in receiver.requests}) == 1


async def test_waiting_events_and_accounts_survive_a_restart(launch, unregistered_receiver):
    receiver = unregistered_receiver
    receiver.statuses = [500] * 1000
    async with launch() as sandbox:
        await sandbox.register(receiver.url)
        await sandbox.charge(key="att_1")
        await until(lambda: receiver.requests)
        assert (await sandbox.call("GET", "/books/totals")).body["webhooks_waiting"] == 1
    receiver.statuses.clear()
    async with launch() as sandbox:
        await receiver.wait_for(1)
        await sandbox.charge(key="att_2")
        await receiver.wait_for(2)
    keys = [event["data"]["operation"]["key"] for event in receiver.events]
    assert keys == ["att_1", "att_2"]


async def test_webhooks_are_duplicated_on_demand(sandbox, receiver):
    await sandbox.faults({"operation": "webhook", "kind": "duplicate", "count": 2})
    await sandbox.charge()
    events = await receiver.wait_for(3)
    assert len({event["id"] for event in events}) == 1


async def test_webhooks_are_dropped_on_demand(sandbox, receiver):
    await sandbox.faults({"operation": "webhook", "kind": "drop", "times": 1})
    await sandbox.charge(key="att_dropped")
    await sandbox.charge(key="att_sent")
    (event,) = await receiver.wait_for(1)
    assert event["data"]["operation"]["key"] == "att_sent"


async def test_webhooks_are_delayed_on_demand(sandbox, receiver):
    await sandbox.faults({"operation": "webhook", "kind": "delay", "seconds": 1.5, "times": 1})
    await sandbox.charge(key="att_late")
    await sandbox.charge(key="att_sent")
    events = await receiver.wait_for(2)
    assert [event["data"]["operation"]["key"] for event in events] == ["att_sent", "att_late"]


async def test_reordering_lets_the_second_event_overtake_the_first(sandbox, receiver):
    await sandbox.faults({"operation": "webhook", "kind": "reorder", "seconds": 1.5})
    charge_id = (await sandbox.charge(capture=False)).body["id"]
    await sandbox.write(f"/charges/{charge_id}/captures", {"amount_minor": 5990})
    await receiver.wait_for(2)
    assert receiver.types == ["charge.captured", "charge.authorised"]


async def test_an_account_without_a_webhook_url_gets_no_webhooks(sandbox, receiver):
    await sandbox.charge(account="sandbox-b")
    await sandbox.call("PUT", "/control/accounts/sandbox-a", {"webhook_url": None})
    await sandbox.charge()
    assert (await sandbox.call("GET", "/books/totals")).body["webhooks_waiting"] == 0
    assert receiver.events == []


def test_the_wait_between_deliveries_doubles_up_to_five_minutes():
    assert [retry_seconds(0.5, attempts) for attempts in range(4)] == [0.5, 1, 2, 4]
    assert retry_seconds(0.5, 100) == 300
