import pytest

from services.sandbox import errors


async def opened(sandbox, **body) -> dict:
    return (await sandbox.call("POST", "/control/disputes", body)).body


async def test_an_open_dispute_takes_the_money_and_refuses_refunds(sandbox, receiver):
    charge_id = (await sandbox.charge()).body["id"]
    dispute = await opened(sandbox, charge_id=charge_id)
    assert (dispute["state"], dispute["amount_minor"]) == ("open", 5990)
    refund = await sandbox.write(f"/charges/{charge_id}/refunds", {"amount_minor": 1})
    assert refund.body["code"] == errors.ChargeDisputedError.code
    assert (await sandbox.books())[0]["disputed_minor"] == 5990
    await receiver.wait_for(2)
    event = receiver.events[receiver.types.index("charge.dispute.opened")]
    assert event["data"]["dispute"]["id"] == dispute["id"]


@pytest.mark.parametrize(("outcome", "disputed", "refund"), [("won", 0, 200), ("lost", 5990, 422)])
async def test_a_won_dispute_returns_the_money_and_a_lost_one_keeps_it(
    sandbox, receiver, outcome, disputed, refund
):
    charge_id = (await sandbox.charge()).body["id"]
    dispute = await opened(sandbox, charge_id=charge_id)
    path = f"/control/disputes/{dispute['id']}/close"
    closed = await sandbox.call("POST", path, {"outcome": outcome})
    assert closed.body["state"] == outcome
    assert (await sandbox.books())[0]["disputed_minor"] == disputed
    answer = await sandbox.write(f"/charges/{charge_id}/refunds", {"amount_minor": 5990})
    assert answer.status == refund
    assert (await sandbox.call("POST", path, {"outcome": outcome})).status == 422
    await receiver.wait_for(3)
    assert "charge.dispute.closed" in receiver.types


async def test_invalid_disputes_are_refused(sandbox):
    authorised = (await sandbox.charge(capture=False)).body["id"]
    captured = (await sandbox.charge()).body["id"]
    assert (await opened(sandbox, charge_id=authorised))["code"] == errors.NotDisputableError.code
    too_much = await opened(sandbox, charge_id=captured, amount_minor=5991)
    assert too_much["code"] == errors.AmountTooLargeError.code
    unknown = await sandbox.call("POST", "/control/disputes", {"charge_id": "ch_unknown"})
    assert unknown.status == 404
    closing = await sandbox.call("POST", "/control/disputes/dsp_x/close", {"outcome": "won"})
    assert closing.status == 404
    wrong = await sandbox.call("POST", "/control/disputes/dsp_x/close", {"outcome": "drawn"})
    assert wrong.body["field"] == "outcome"


async def test_settlement_lines_appear_with_their_payout_and_add_up(sandbox):
    charge_id = (await sandbox.charge(key="att_1")).body["id"]
    await sandbox.write(f"/charges/{charge_id}/refunds", {"amount_minor": 1000}, key="ref_1")
    dispute = await opened(sandbox, charge_id=charge_id, amount_minor=500)
    await sandbox.call("POST", f"/control/disputes/{dispute['id']}/close", {"outcome": "won"})
    await sandbox.charge(account="sandbox-b")
    assert (await sandbox.read("/settlements")).body["data"] == []

    (payout,) = (await sandbox.call("POST", "/control/payouts", {"account": "sandbox-a"})).body[
        "data"
    ]
    page = (await sandbox.read("/settlements")).body
    rows = [(line["kind"], line["key"], line["gross_minor"]) for line in page["data"]]
    assert rows == [
        ("charge", "att_1", 5990), ("refund", "ref_1", -1000),
        ("dispute", dispute["id"], -500), ("dispute", dispute["id"], 500),
    ]  # fmt: skip
    first = page["data"][0]
    assert (first["fee_minor"], first["net_minor"]) == (109, 5881)
    assert {line["payout_id"] for line in page["data"]} == {payout["id"]}
    assert sum(line["net_minor"] for line in page["data"]) == payout["net_minor"]
    later = (await sandbox.read(f"/settlements?since={page['next_cursor']}")).body
    assert later["data"] == []
    assert later["next_cursor"] == page["next_cursor"]


async def test_a_line_is_paid_out_once_and_the_cursor_misses_none(sandbox):
    seen, cursor = [], "0"
    for number in range(3):
        await sandbox.charge(key=f"att_{number}")
        await sandbox.call("POST", "/control/payouts", {})
        page = (await sandbox.read(f"/settlements?since={cursor}&limit=1")).body
        seen += [(line["key"], line["payout_id"]) for line in page["data"]]
        cursor = page["next_cursor"]
    assert [key for key, _ in seen] == ["att_0", "att_1", "att_2"]
    assert len({payout for _, payout in seen}) == 3
    assert (await sandbox.call("POST", "/control/payouts", {})).body["data"] == []


async def test_a_partial_capture_settles_the_captured_amount(sandbox):
    charge_id = (await sandbox.charge(capture=False)).body["id"]
    await sandbox.write(f"/charges/{charge_id}/captures", {"amount_minor": 1000}, key="cap_1")
    await sandbox.call("POST", "/control/payouts")
    (line,) = (await sandbox.read("/settlements")).body["data"]
    assert (line["key"], line["gross_minor"], line["fee_minor"]) == ("cap_1", 1000, 39)


@pytest.mark.parametrize("query", ["since=x", "since=-1", "limit=9999999999"])
async def test_an_invalid_cursor_or_limit_is_refused(sandbox, query):
    assert (await sandbox.read(f"/settlements?{query}")).status == 422
