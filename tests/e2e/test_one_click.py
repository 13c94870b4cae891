"""The main job over HTTP on the real stack: charge, capture, refund, undo, challenge, fail-over."""

import asyncio
import json
import os
import sys
from asyncio.subprocess import PIPE
from uuid import uuid4

import pytest

from libs.identity import OPERATOR
from libs.services import NAMES
from stack.topology import tls_env
from tests.waiting import until


def money(amount_minor):
    return {"amount": {"amount_minor": amount_minor, "currency": "EUR"}}


async def test_a_click_charges_once_and_returns_its_trace_id(shop, booked):
    answer = await shop.one_click(await shop.customer("tok_visa"), 5990)
    payment = answer.expect(201)
    assert (payment["state"], payment["captured_minor"]) == ("captured", 5990)
    assert payment["trace_id"] == answer.trace_id
    rows = await booked(payment)
    assert [(row["captured_minor"], row["refunded_minor"]) for row in rows] == [(5990, 0)]
    assert await shop.get(f"/v1/payments/{payment['id']}") == payment
    listed = await shop.get(f"/v1/payments?order_reference={payment['order_reference']}")
    assert listed["data"] == [payment]


async def test_fifty_concurrent_identical_requests_make_one_charge(shop, booked):
    customer, order, key = await shop.customer("tok_visa"), shop.next_order(), str(uuid4())

    async def until_answered():
        while True:
            answer = await shop.one_click(customer, 7700, key=key, order_reference=order)
            if answer.status not in (409, 429):
                return answer
            assert answer.body["code"] in ("idempotency_key_in_use", "too_many_at_once")
            await asyncio.sleep(0.05)

    answers = await asyncio.gather(*(until_answered() for _ in range(50)))
    bodies = [answer.expect(201) for answer in answers]
    assert all(body == bodies[0] for body in bodies)
    assert len(await booked(bodies[0])) == 1
    other = await shop.one_click(customer, 7701, key=key, order_reference=order)
    assert other.expect(422)["code"] == "idempotency_key_reused"


async def test_a_payment_without_an_idempotency_key_is_refused(shop):
    async with shop.http.post(
        f"{shop.url}/v1/one-click-payments",
        json={"customer_id": "cus_x", **money(1), "order_reference": "A"},
        headers={"Authorization": f"Bearer {shop.secret_key}"},
    ) as answer:
        body = await answer.json(content_type=None)
    assert (answer.status, body["code"]) == (400, "idempotency_key_missing")


async def test_an_authorisation_is_partially_captured_then_fully_refunded(shop, booked):
    held = await shop.one_click(await shop.customer("tok_mastercard"), 10_000, capture="manual")
    payment = held.expect(201)
    path = f"/v1/payments/{payment['id']}"
    too_much = await shop.call("POST", f"{path}/capture", money(10_001))
    assert too_much.expect(422)["code"] == "capture_too_large"
    captured = (await shop.call("POST", f"{path}/capture", money(8000))).expect(200)
    assert (captured["state"], captured["captured_minor"]) == ("captured", 8000)
    refunds = [await shop.call("POST", f"{path}/refund", money(m)) for m in (3000, 5000)]
    assert [a.expect(200)["state"] for a in refunds] == ["partially_refunded", "refunded"]
    again = await shop.call("POST", f"{path}/refund", money(1))
    assert again.expect(409)["code"] == "payment_not_refundable"
    (row,) = await booked(payment)
    assert (row["captured_minor"], row["refunded_minor"]) == (8000, 8000)


async def test_concurrent_refunds_never_exceed_the_captured_amount(shop, booked):
    payment = (await shop.one_click(await shop.customer("tok_visa"), 1000)).expect(201)
    path = f"/v1/payments/{payment['id']}/refund"
    answers = await asyncio.gather(*(shop.call("POST", path, money(300)) for _ in range(10)))
    assert sorted(a.status for a in answers)[:3] == [200] * 3
    assert all(a.status in (409, 422) for a in answers if a.status != 200)
    (row,) = await booked(payment)
    assert row["refunded_minor"] == 900


async def test_a_delayed_payment_can_be_lowered_before_its_automatic_capture(shop, booked):
    customer = await shop.customer("tok_visa")
    answer = await shop.one_click(customer, 4500, capture="delayed", grace_seconds=3)
    payment = answer.expect(201)
    assert payment["state"] == "authorised"
    path = f"/v1/one-click-payments/{payment['id']}/undo"
    lowered = (await shop.call("POST", path, money(4000))).expect(200)
    assert lowered["capturable_minor"] == 4000
    for _ in range(300):
        found = await shop.get(f"/v1/payments/{payment['id']}")
        if found["state"] == "captured":
            break
        await asyncio.sleep(0.2)
    assert found["captured_minor"] == 4000
    (row,) = await booked(payment)
    assert row["captured_minor"] == 4000
    late = await shop.call("POST", path, {})
    assert late.status == 409


async def test_advancing_the_test_clock_triggers_a_delayed_capture(shop):
    customer = await shop.customer("tok_visa")
    answer = await shop.one_click(customer, 4500, capture="delayed", grace_seconds=86_400)
    payment = answer.expect(201)
    (await shop.call("POST", "/v1/test-clock/advance", {"seconds": 86_401})).expect(200)
    for _ in range(300):
        found = await shop.get(f"/v1/payments/{payment['id']}")
        if found["state"] == "captured":
            break
        await asyncio.sleep(0.2)
    assert found["state"] == "captured"


@pytest.mark.parametrize("first", ["webhook", "return"])
async def test_a_challenged_payment_succeeds_whether_webhook_or_return_comes_first(
    shop, set_faults, first
):
    if first == "return":
        await set_faults({"operation": "webhook", "kind": "delay", "seconds": 5})
    customer = await shop.customer("tok_3ds")
    answer = await shop.one_click(customer, 25_000, return_url="https://shop.example/thanks")
    payment = answer.expect(201)
    assert payment["state"] == "requires_action"
    async with shop.http.post(
        payment["next_action"]["url"], data={"decision": "approve"}, allow_redirects=False
    ) as decided:
        back = decided.headers["Location"]
    assert back.startswith(shop.url)
    if first == "webhook":
        await shop.settled(payment["id"])
    async with shop.http.get(back, allow_redirects=False) as returned:
        assert returned.status == 303
        assert returned.headers["Location"].startswith("https://shop.example/thanks")
    settled = await shop.get(f"/v1/payments/{payment['id']}")
    assert (settled["state"], settled["captured_minor"]) == ("captured", 25_000)


async def test_a_refused_challenge_declines_the_payment(shop):
    customer = await shop.customer("tok_3ds")
    payment = (await shop.one_click(customer, 25_000)).expect(201)
    async with shop.http.post(
        payment["next_action"]["url"], data={"decision": "refuse"}, allow_redirects=False
    ):
        pass
    settled = await shop.settled(payment["id"])
    assert settled["decline"]["code"] == "authentication_failed"


async def test_a_charge_declined_at_the_first_psp_account_falls_back_to_the_second(shop, booked):
    customer = await shop.customer("tok_declined_at_a")
    await shop.attach(customer, "tok_declined_at_a", "sandbox-b")
    payment = (await shop.one_click(customer, 3300)).expect(201)
    assert (payment["state"], payment["psp_account"]) == ("captured", "sandbox-b")
    taken = [row for row in await booked(payment) if row["captured_minor"]]
    assert [row["captured_minor"] for row in taken] == [3300]
    assert taken[0]["account"].startswith("sandbox-b")


async def test_a_charge_with_an_unknown_outcome_does_not_fall_back(shop, booked):
    customer = await shop.customer("tok_lost_answer")
    await shop.attach(customer, "tok_lost_answer", "sandbox-b")
    payment = (await shop.one_click(customer, 6100)).expect(201)
    assert payment["state"] == "processing"
    settled = await shop.settled(payment["id"])
    assert (settled["state"], settled["psp_account"]) == ("captured", "sandbox-a")
    (row,) = await booked(payment)
    assert row["account"].startswith("sandbox-a")


async def test_a_disputed_payment_is_refundable_only_once_the_dispute_is_won(shop):
    payment = (await shop.one_click(await shop.customer("tok_visa"), 2000)).expect(201)
    control = f"{shop.sandbox_url}/control/disputes"
    async with shop.http.post(control, json={"charge_id": payment["psp_reference"]}) as opened:
        dispute = await opened.json()

    async def disputed():
        return (await shop.get(f"/v1/payments/{payment['id']}"))["disputes"]

    await until(disputed)
    found = await shop.get(f"/v1/payments/{payment['id']}")
    assert [d["state"] for d in found["disputes"]] == ["open"]
    path = f"/v1/payments/{payment['id']}/refund"
    assert (await shop.call("POST", path, {})).expect(409)["code"] == "payment_disputed"
    async with shop.http.post(f"{control}/{dispute['id']}/close", json={"outcome": "won"}):
        pass

    async def refunded():
        nonlocal answer
        answer = await shop.call("POST", path, {})
        return answer.status == 200

    answer = None
    await until(refunded)
    assert answer.expect(200)["state"] == "refunded"


async def test_a_stripe_payment_is_authorised_captured_and_partially_refunded(shop):
    customer = await shop.customer(await shop.stripe_card("4242424242424242"), "stripe")
    payment = (await shop.one_click(customer, 9900, capture="manual")).expect(201)
    assert (payment["state"], payment["psp_account"]) == ("authorised", "stripe")
    path = f"/v1/payments/{payment['id']}"
    captured = (await shop.call("POST", f"{path}/capture", {})).expect(200)
    assert captured["state"] == "captured"
    part = (await shop.call("POST", f"{path}/refund", money(900))).expect(200)
    assert (part["state"], part["refunded_minor"]) == ("partially_refunded", 900)


@pytest.fixture
def as_operator(stack):
    """`await as_operator("smoke", …)`: the command's parsed JSON output."""
    env = {
        **{name: value for name, value in stack.env.items() if name.endswith("_TARGET")},
        **tls_env(OPERATOR, stack.folders.certificates),
        "INCASSO_IDENTITY_KEY_FILE": str(stack.folders.keys.private(OPERATOR)),
        "INCASSO_URL": stack.url,
        "INCASSO_SANDBOX_URL": stack.sandbox_url,
    }

    async def run(*command):
        """Runs in a separate process, since the command configures its whole process."""
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "cli", *command, "--json",
            env={**os.environ, **env}, stdout=PIPE, stderr=PIPE,
        )  # fmt: skip  # the command in one line
        output, failure = await process.communicate()
        assert process.returncode == 0, failure.decode()
        return json.loads(output)

    return run


async def test_the_smoke_command_makes_a_payment(as_operator, merchant):
    paid = await as_operator("smoke", "--credentials", "sandbox-a-bottega")
    assert paid["payment"].startswith("pay_")


async def test_doctor_finds_no_fault_in_a_healthy_installation(as_operator, merchant):
    rows = await as_operator("doctor", "--merchant", merchant.merchant_id)
    found = {row["subject"]: row["state"] for row in rows}
    unlike = {subject: state for subject, state in found.items() if state != "ok"}
    assert unlike == {"console": "not set"}  # this stack has none
    assert {f"{name} certificate" for name in NAMES} <= found.keys()
    assert {"gateway", "clock", "outcomes", "PSP account sandbox-a"} <= found.keys()
