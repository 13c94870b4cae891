import asyncio

import aiohttp
import pytest

from services.sandbox import errors
from tests.waiting import until


@pytest.mark.parametrize("kind", ["drop_before", "timeout_before", "error_before"])
async def test_a_before_fault_books_nothing(sandbox, kind):
    await sandbox.faults({"operation": "charge", "kind": kind, "times": 1, "seconds": 0.05})
    if kind == "error_before":
        assert (await sandbox.charge(key="att_1")).status == 500
    else:
        with pytest.raises(aiohttp.ClientError):
            await sandbox.charge(key="att_1")
    assert await sandbox.books() == []
    assert (await sandbox.charge(key="att_1")).status == 200


@pytest.mark.parametrize("kind", ["drop_after", "error_after"])
async def test_an_after_fault_spoils_only_the_answer(sandbox, kind):
    await sandbox.faults({"operation": "charge", "kind": kind, "times": 1})
    if kind == "error_after":
        assert (await sandbox.charge(key="att_1")).status == 500
    else:
        with pytest.raises(aiohttp.ClientError):
            await sandbox.charge(key="att_1")
    assert len(await sandbox.books()) == 1
    assert (await sandbox.charge(key="att_1")).headers["Idempotent-Replayed"] == "true"


async def test_a_timeout_after_fault_books_the_charge_and_answers_late(sandbox):
    rule = {"operation": "charge", "kind": "timeout_after", "times": 1, "seconds": 1.5}
    await sandbox.faults(rule)
    late = asyncio.create_task(sandbox.charge(key="att_1"))
    await until(sandbox.books)
    assert len(await sandbox.books()) == 1
    assert not late.done()
    assert (await late).status == 200


async def test_a_key_in_use_is_answered_with_in_progress(sandbox):
    await sandbox.faults({"operation": "charge", "kind": "latency", "seconds": 1.5})
    first = asyncio.create_task(sandbox.charge(key="att_1"))
    await until(sandbox.struck)
    second = await sandbox.charge(key="att_1")
    assert (second.status, second.body["code"]) == (409, errors.InProgressError.code)
    found = await sandbox.read("/operations/att_1")
    assert (found.status, found.body["code"]) == (409, errors.InProgressError.code)
    assert (await first).status == 200


@pytest.mark.parametrize(
    ("operation", "action"), [("capture", "captures"), ("cancel", "cancellations")]
)
async def test_captures_and_cancellations_can_lose_their_answer_on_demand(
    sandbox, operation, action
):
    await sandbox.faults({"operation": operation, "kind": "drop_after", "times": 1})
    charge_id = (await sandbox.charge(capture=False)).body["id"]
    body = {"amount_minor": 5990} if action == "captures" else {}
    with pytest.raises(aiohttp.ClientError):
        await sandbox.write(f"/charges/{charge_id}/{action}", body, key="k1")
    assert (await sandbox.read("/operations/k1")).body["state"] == "succeeded"


async def test_a_refund_can_be_refused_on_demand(sandbox):
    charge_id = (await sandbox.charge()).body["id"]
    await sandbox.faults({"operation": "refund", "kind": "refuse", "times": 1})
    path, body = f"/charges/{charge_id}/refunds", {"amount_minor": 1}
    refused = await sandbox.write(path, body)
    assert (refused.status, refused.body["code"]) == (422, errors.RefusedOnDemandError.code)
    assert (await sandbox.write(path, body)).status == 200


async def test_charges_can_be_declined_on_demand_by_account(sandbox):
    rule = {"account": "sandbox-a", "operation": "charge", "kind": "decline"}
    await sandbox.faults(rule, {"account": "sandbox-c", "code": "stolen_card"} | {
        "operation": "charge", "kind": "decline",
    })  # fmt: skip
    assert (await sandbox.charge()).body["decline_code"] == "do_not_honor"
    assert (await sandbox.charge(account="sandbox-c")).body["decline_code"] == "stolen_card"
    assert (await sandbox.charge(account="sandbox-b")).body["state"] == "captured"


@pytest.mark.parametrize("kind", ["error_before", "error_after"])
async def test_lookups_can_fail_on_demand(sandbox, kind):
    await sandbox.charge(key="att_1")
    await sandbox.faults({"operation": "lookup", "kind": kind, "times": 1})
    assert (await sandbox.read("/operations/att_1")).status == 500
    assert (await sandbox.read("/operations/att_1")).status == 200


async def test_saving_an_instrument_can_fail_after_it_was_saved(sandbox):
    await sandbox.faults({"operation": "instrument", "kind": "error_after", "times": 1})
    assert (await sandbox.write("/instruments", {"token": "tok_visa"}, key="i")).status == 500
    assert (await sandbox.read("/operations/i")).body["state"] == "ready"


async def test_a_star_rule_hits_every_operation_until_it_is_deleted(sandbox):
    await sandbox.faults({"operation": "*", "kind": "error_before"})
    assert (await sandbox.charge()).status == 500
    assert (await sandbox.write("/instruments", {"token": "tok_visa"})).status == 500
    assert (await sandbox.read("/operations/x")).status == 500
    rules = (await sandbox.call("GET", "/control/faults")).body["rules"]
    assert rules[0]["taken"] == 3
    await sandbox.call("DELETE", "/control/faults")
    assert (await sandbox.charge()).status == 200


async def test_a_probability_hits_the_same_calls_for_the_same_seed(sandbox):
    body = {"seed": 7, "rules": [{"operation": "charge", "kind": "decline", "probability": 0.5}]}
    runs = []
    for _ in range(2):
        await sandbox.call("PUT", "/control/faults", body)
        runs.append([(await sandbox.charge()).body["state"] for _ in range(20)])
    assert runs[0] == runs[1]
    assert set(runs[0]) == {"captured", "declined"}


@pytest.mark.parametrize(
    ("rule", "field"),
    [
        ({"operation": "charges", "kind": "latency"}, "operation"),
        ({"operation": "charge", "kind": "duplicate"}, "kind"),
        ({"operation": "webhook", "kind": "latency"}, "kind"),
        ({"operation": "charge", "kind": []}, "kind"),
        ({"operation": [], "kind": "latency"}, "operation"),
        ({"operation": "charge", "kind": "latency", "seconds": -1}, "seconds"),
        ({"operation": "charge", "kind": "latency", "probability": 2}, "probability"),
        ({"operation": "charge", "kind": "latency", "times": 1.5}, "times"),
        ({"operation": "charge", "kind": "latency", "often": 1}, "often"),
        (1, "rules"),
    ],
)
async def test_an_invalid_fault_rule_is_refused_by_field(sandbox, rule, field):
    answer = await sandbox.call("PUT", "/control/faults", {"rules": [rule]})
    assert (answer.status, answer.body.get("field")) == (422, field)
