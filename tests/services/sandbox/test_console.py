"""Operations in the PSP's own console, as shown by the books and the webhooks."""

import pytest

from services.sandbox import errors


async def received(receiver, event_type: str) -> dict:
    """The latest event of a type, once it has arrived."""
    await receiver.wait_until(event_type)
    return [event for event in receiver.events if event["type"] == event_type][-1]["data"]


async def test_a_refund_in_the_console_has_no_key(sandbox, receiver):
    charge_id = (await sandbox.charge()).body["id"]
    answer = await sandbox.console(f"charges/{charge_id}/refund", amount_minor=1000)
    assert answer.body["refunded_minor"] == 1000
    data = await received(receiver, "charge.refunded")
    assert (data["operation"]["key"], data["operation"]["amount_minor"]) == (None, 1000)
    assert data["charge"]["key"], "the charge is still the caller's"
    assert (await sandbox.books())[0]["refunded_minor"] == 1000
    rest = await sandbox.console(f"charges/{charge_id}/refund")
    assert rest.body["operation"]["amount_minor"] == 4990


@pytest.mark.parametrize(
    ("kind", "amounts", "state", "captured"),
    [
        ("capture", {"amount_minor": 3000}, "captured", 3000),
        ("capture", {}, "captured", 5990),
        ("cancel", {}, "cancelled", 0),
    ],
)
async def test_a_held_charge_is_captured_or_cancelled_in_the_console(
    sandbox, receiver, kind, amounts, state, captured
):
    charge_id = (await sandbox.charge(capture=False)).body["id"]
    answer = await sandbox.console(f"charges/{charge_id}/{kind}", **amounts)
    assert (answer.body["state"], answer.body["captured_minor"]) == (state, captured)
    data = await received(receiver, f"charge.{state}")
    assert data["operation"]["key"] is None
    again = await sandbox.console(f"charges/{charge_id}/{kind}")
    assert again.status == 422
    assert again.body["code"] in {
        errors.NotCapturableError.code,
        errors.NotCancellableError.code,
    }


@pytest.mark.parametrize("maker", ["console", "api"])
async def test_a_succeeded_refund_can_fail_later(sandbox, receiver, maker):
    charge_id = (await sandbox.charge()).body["id"]
    if maker == "console":
        made = await sandbox.console(f"charges/{charge_id}/refund", amount_minor=1000)
    else:
        body = {"amount_minor": 1000}
        made = await sandbox.write(f"/charges/{charge_id}/refunds", body, key="ref_1")
    refund_id = made.body["operation"]["id"]
    failed = await sandbox.console(f"refunds/{refund_id}/fail")
    assert (failed.body["refunded_minor"], failed.body["operation"]["state"]) == (0, "failed")
    data = await received(receiver, "charge.refund_failed")
    assert (data["operation"]["id"], data["operation"]["state"]) == (refund_id, "failed")
    assert data["operation"]["key"] == (None if maker == "console" else "ref_1")
    assert (await sandbox.console(f"refunds/{refund_id}/fail")).status == 422
    assert (await sandbox.console("refunds/op_nobody/fail")).status == 404
    if maker == "api":
        looked_up = (await sandbox.read("/operations/ref_1")).body
        assert looked_up["operation"]["state"] == "failed"
    assert (await sandbox.console(f"charges/{charge_id}/refund")).status == 200


@pytest.mark.parametrize(("captured", "state"), [(True, "captured"), (False, "authorised")])
async def test_a_declined_charge_can_be_approved_later(sandbox, receiver, captured, state):
    charge = (await sandbox.charge(token="tok_declined", key="att_1")).body
    answer = await sandbox.console(f"charges/{charge['id']}/approve", captured=captured)
    assert answer.body["state"] == state
    data = await received(receiver, f"charge.{state}")
    assert (data["operation"]["kind"], data["operation"]["key"]) == ("charge", "att_1")
    assert (await sandbox.read("/operations/att_1")).body["state"] == state
    assert (await sandbox.books())[0]["captured_minor"] == (5990 if captured else 0)
    assert (await sandbox.console(f"charges/{charge['id']}/approve")).status == 422


async def test_a_cancelled_charge_can_be_captured_later_but_not_authorised_again(sandbox):
    charge_id = (await sandbox.charge(capture=False)).body["id"]
    await sandbox.console(f"charges/{charge_id}/cancel")
    assert (await sandbox.console(f"charges/{charge_id}/approve", captured=False)).status == 422
    taken = await sandbox.console(f"charges/{charge_id}/approve", captured=True)
    assert taken.body["state"] == "captured"


async def test_a_dispute_is_changed_lost_appealed_and_won(sandbox, receiver):
    charge_id = (await sandbox.charge()).body["id"]
    opened = await sandbox.call("POST", "/control/disputes", {"charge_id": charge_id})
    path = f"disputes/{opened.body['id']}"
    steps = [
        (f"{path}/amount", {"amount_minor": 2000}, "open", 2000, "charge.dispute.updated"),
        (f"{path}/close", {"outcome": "lost"}, "lost", 2000, "charge.dispute.closed"),
        (f"{path}/appeal", {}, "open", 2000, "charge.dispute.updated"),
        (f"{path}/close", {"outcome": "won"}, "won", 0, "charge.dispute.closed"),
        (f"{path}/close", {"outcome": "lost"}, "lost", 2000, "charge.dispute.closed"),
    ]
    before = opened.body["updated"]
    for number, (step, body, state, disputed, event) in enumerate(steps):
        changed = await sandbox.console(step, **body)
        assert (changed.body["state"], changed.body["amount_minor"]) == (state, 2000)
        assert changed.body["updated"] > before
        before = changed.body["updated"]
        assert (await sandbox.books())[0]["disputed_minor"] == disputed
        await receiver.wait_for(number + 3)
        assert receiver.types[-1] == event
    too_much = await sandbox.console(f"{path}/amount", amount_minor=6000)
    assert too_much.body["code"] == errors.AmountTooLargeError.code


async def test_invalid_console_requests_are_refused(sandbox):
    charge_id = (await sandbox.charge()).body["id"]
    wrong = await sandbox.console(f"charges/{charge_id}/refund", amount_minor=0)
    assert wrong.body["field"] == "amount_minor"
    assert (await sandbox.console(f"charges/{charge_id}/cancel", amount_minor=1)).status == 422
    assert (await sandbox.console(f"charges/{charge_id}/approve", captured="yes")).status == 422
    assert (await sandbox.console("charges/ch_nobody/refund")).status == 404
    over = await sandbox.console(f"charges/{charge_id}/refund", amount_minor=6000)
    assert over.body["code"] == errors.AmountTooLargeError.code


async def test_a_charges_page_offers_the_actions_that_its_state_allows(sandbox, receiver):
    charge_id = (await sandbox.charge()).body["id"]
    page = await sandbox.press(charge_id, act="refund", amount_minor="1000")
    assert page.status == 200
    assert "made in the console" in page.body
    assert "Let it fail" in page.body
    assert 'value="capture"' not in page.body
    assert (await sandbox.books())[0]["refunded_minor"] == 1000
    rows = (
        await sandbox.call("GET", f"/books/operations?account=sandbox-a&charge_id={charge_id}")
    ).body["data"]
    await sandbox.press(charge_id, act="fail", subject=rows[-1]["id"])
    assert (await sandbox.books())[0]["refunded_minor"] == 0
    disputed = await sandbox.press(charge_id, act="dispute")
    assert "Change the amount" in disputed.body
    refused = await sandbox.press(charge_id, act="refund")
    assert refused.status == 422
    assert "The PSP refused" in refused.body
    assert (await sandbox.press(charge_id, act="nonsense")).status == 422
    assert (await sandbox.press(charge_id, act="refund", amount_minor="1,5")).status == 422
    assert (await sandbox.press("ch_nobody", act="refund")).status == 404
