import asyncio

import pytest

from services.sandbox import errors


async def authorised(sandbox) -> str:
    return (await sandbox.charge(capture=False)).body["id"]


async def test_capture_then_refund_in_parts(sandbox):
    charge_id = await authorised(sandbox)
    captured = await sandbox.write(f"/charges/{charge_id}/captures", {"amount_minor": 4000})
    assert (captured.body["state"], captured.body["captured_minor"]) == ("captured", 4000)
    assert captured.body["operation"]["state"] == "succeeded"
    for amount in (1000, 3000):
        refund = await sandbox.write(f"/charges/{charge_id}/refunds", {"amount_minor": amount})
        assert refund.body["operation"]["amount_minor"] == amount
    assert refund.body["refunded_minor"] == 4000


async def test_a_refusal_is_replayed_for_its_key(sandbox):
    charge_id = await authorised(sandbox)
    path, body = f"/charges/{charge_id}/captures", {"amount_minor": 5991}
    first = await sandbox.write(path, body, key="cap_1")
    assert (first.status, first.body["code"]) == (422, errors.AmountTooLargeError.code)
    assert (await sandbox.write(path, body, key="cap_1")).body == first.body
    found = (await sandbox.read("/operations/cap_1")).body
    assert (found["kind"], found["state"]) == ("capture", "refused")
    assert found["operation"]["code"] == errors.AmountTooLargeError.code


async def test_a_cancelled_charge_cannot_be_captured(sandbox):
    charge_id = await authorised(sandbox)
    cancelled = await sandbox.write(f"/charges/{charge_id}/cancellations", {}, key="can_1")
    assert cancelled.body["state"] == "cancelled"
    answer = await sandbox.write(f"/charges/{charge_id}/captures", {"amount_minor": 1})
    assert answer.body["code"] == errors.NotCapturableError.code
    found = (await sandbox.read("/operations/can_1")).body
    assert (found["kind"], found["state"]) == ("cancel", "succeeded")


async def test_twenty_concurrent_refunds_do_not_exceed_the_captured_amount(sandbox):
    charge_id = (await sandbox.charge(amount_minor=1000)).body["id"]
    path = f"/charges/{charge_id}/refunds"
    answers = await asyncio.gather(*(sandbox.write(path, {"amount_minor": 300}) for _ in range(20)))
    assert sum(answer.status == 200 for answer in answers) == 3
    assert (await sandbox.books())[0]["refunded_minor"] == 900


@pytest.mark.parametrize(
    ("action", "body"),
    [("captures", {"amount_minor": 1}), ("refunds", {"amount_minor": 1}), ("cancellations", {})],
)
async def test_operations_on_unknown_charges_are_not_found(sandbox, action, body):
    answer = await sandbox.write(f"/charges/ch_unknown/{action}", body)
    assert (answer.status, answer.body["code"]) == (404, errors.NotFoundError.code)


async def test_a_key_can_be_used_for_one_operation_only(sandbox):
    first, second = await authorised(sandbox), await authorised(sandbox)
    body = {"amount_minor": 10}
    assert (await sandbox.write(f"/charges/{first}/captures", body, key="k1")).status == 200
    assert (await sandbox.write(f"/charges/{second}/captures", body, key="k1")).status == 409
    assert (await sandbox.write(f"/charges/{first}/refunds", body, key="k1")).status == 409


async def test_looking_up_a_charge_returns_its_current_state(sandbox):
    charge_id = (await sandbox.charge(capture=False, key="att_1")).body["id"]
    await sandbox.write(f"/charges/{charge_id}/captures", {"amount_minor": 5990})
    found = (await sandbox.read("/operations/att_1")).body
    assert (found["state"], found["charge"]["captured_minor"]) == ("captured", 5990)
    replay = await sandbox.charge(capture=False, key="att_1")
    assert replay.body["state"] == "authorised"


async def test_a_saved_card_is_looked_up_and_deleted(sandbox):
    saved = (await sandbox.write("/instruments", {"token": "tok_visa"}, key="ins_1")).body
    found = (await sandbox.read("/operations/ins_1")).body
    assert (found["kind"], found["state"]) == ("instrument", "ready")
    assert found["instrument"]["token"] == saved["token"]
    headers = {"Authorization": "Bearer sandbox_sk_sandbox-a"}
    path = f"/psp/sandbox-a/instruments/{saved['token']}"
    assert (await sandbox.call("DELETE", path, headers=headers)).status == 204
    assert (await sandbox.call("DELETE", path, headers=headers)).status == 404
    assert (await sandbox.charge(token=saved["token"])).status == 422


async def test_concurrent_saves_with_one_key_make_one_instrument(sandbox):
    body = {"token": "tok_visa", "customer_reference": "cus_1"}
    answers = await asyncio.gather(
        *(sandbox.write("/instruments", body, key="ins_same") for _ in range(20))
    )
    assert len({answer.body["token"] for answer in answers}) == 1
