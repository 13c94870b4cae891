"""One-click charges: once and only once, whatever happens on the way."""

import asyncio
from datetime import timedelta

import pytest

from incasso.oneclick.v1 import oneclick_pb2 as pb
from incasso.payments.v1 import payments_pb2
from libs.errors import IdempotencyKeyInUse, IdempotencyKeyReused, Kind, Refusal
from services.oneclick import worker
from services.oneclick.store.charges import SCA_WINDOW
from tests.kit.payments_double import lose_answer, money, once, refuse
from tests.services.oneclick.world import World
from tests.waiting import HANGING_SECONDS

State = payments_pb2.Payment


async def test_a_charge_returns_the_payment_that_payments_created(world: World):
    customer_id = await world.shopper()
    payment = await world.charge(customer_id, 5990, metadata={"basket": "7"})
    (booked,) = world.payments.books.values()
    assert payment == booked
    (charge,) = await world.charges()
    assert charge["state"] == "succeeded"
    assert charge["payment_id"] == payment.id
    assert charge["request"] is None
    assert charge["due_at"] is None
    assert world.payments.keys["CreatePayment"] == [charge["id"]]


async def test_the_request_to_payments_carries_the_charges_details(world: World):
    customer_id = await world.shopper()
    await world.charge(
        customer_id,
        capture=payments_pb2.CAPTURE_MODE_DELAYED,
        grace_seconds=60,
        return_url="https://shop.example/thanks",
        metadata={"basket": "7"},
    )
    (asked,) = world.payments.calls["CreatePayment"]
    assert asked.method == "one_click"
    assert asked.capture_delay_seconds == 60
    assert asked.initiator == payments_pb2.INITIATOR_CUSTOMER
    assert [token.psp_account for token in asked.instrument.tokens] == ["sandbox-a"]
    assert (asked.instrument.brand, asked.instrument.last4) == ("visa", "4242")
    assert asked.return_url == "https://shop.example/thanks"
    assert asked.metadata == {"basket": "7"}
    assert asked.velocity_subjects == [f"customer:{customer_id}"]


async def test_the_shoppers_ip_address_is_sent_to_payments_only_hashed(world: World):
    for ip in ("203.0.113.7", "203.0.113.8", "203.0.113.7"):
        await world.charge(await world.shopper(), ip=ip)
    sent = [asked.velocity_subjects[1] for asked in world.payments.calls["CreatePayment"]]
    assert sent[0] == sent[2] != sent[1]
    assert all(subject.startswith("clicking_address:") for subject in sent)
    assert "203.0.113" not in str(world.payments.calls)


async def test_a_repeated_click_from_another_ip_address_gets_the_same_answer(world: World):
    customer_id = await world.shopper()
    first = await world.charge(customer_id, key="click-1", ip="203.0.113.7")
    assert await world.charge(customer_id, key="click-1", ip="2001:db8::7") == first


async def test_a_repeat_is_answered_while_its_customer_is_locked(world: World):
    customer_id = await world.shopper()
    first = await world.charge(customer_id, key="click-1")
    async with asyncio.timeout(HANGING_SECONDS), world.db.transaction() as tx:
        await tx.execute("SELECT FROM customers WHERE id = $1 FOR UPDATE", customer_id)
        assert await world.charge(customer_id, key="click-1") == first


async def test_a_click_of_an_unknown_customer_leaves_its_key_unused(world: World):
    with pytest.raises(Refusal) as caught:
        await world.charge("cus_01jz0000000000000000000000", key="click-1")
    assert caught.value.reason == "customer_not_found"
    await world.charge(await world.shopper(), key="click-1")
    assert len(await world.charges()) == 1


async def test_a_delayed_capture_uses_the_policys_grace_period_by_default(world: World):
    customer_id = await world.shopper()
    await world.charge(customer_id, capture=payments_pb2.CAPTURE_MODE_DELAYED)
    (asked,) = world.payments.calls["CreatePayment"]
    assert asked.capture_delay_seconds == 900


async def test_the_same_key_and_body_give_the_same_answer_and_one_charge(world: World):
    customer_id = await world.shopper()
    first = await world.charge(customer_id, key="order-1")
    world.payments.books[next(iter(world.payments.books))].state = State.STATE_REFUNDED
    assert await world.charge(customer_id, key="order-1") == first
    assert len(world.payments.keys["CreatePayment"]) == 1


async def test_the_same_key_with_another_body_is_refused(world: World):
    customer_id = await world.shopper()
    await world.charge(customer_id, key="order-1")
    with pytest.raises(Refusal) as refused:
        await world.charge(customer_id, 1, key="order-1")
    assert refused.value.reason == IdempotencyKeyReused.reason


async def test_fifty_identical_concurrent_requests_make_one_charge(world: World):
    customer_id = await world.shopper()
    world.payments.before["CreatePayment"] = lambda: asyncio.sleep(0.2)

    async def one() -> object:
        while True:
            try:
                return await world.charge(customer_id, key="order-1")
            except Refusal as refusal:
                if refusal.reason != IdempotencyKeyInUse.reason:
                    raise
                await asyncio.sleep(0.05)

    answers = await asyncio.gather(*(one() for _ in range(50)))
    assert all(answer == answers[0] for answer in answers)
    assert len(world.payments.books) == 1
    assert len(await world.charges()) == 1


async def test_fifty_concurrent_charges_all_succeed(world: World):
    shoppers = [await world.shopper() for _ in range(10)]
    await asyncio.gather(*(world.charge(shoppers[n % 10], 100 + n) for n in range(50)))
    assert len(world.payments.books) == 50


@pytest.mark.parametrize(
    ("policy", "reason"),
    [
        (
            pb.UpdatePolicyRequest(max_daily_minor=5 * 1000, max_hourly_charges=1000),
            "daily_limit_exceeded",
        ),
        (pb.UpdatePolicyRequest(max_hourly_charges=5, max_daily_minor=10**9), "velocity_exceeded"),
    ],
)
async def test_limits_hold_for_concurrent_charges(world: World, policy, reason):
    customer_id = await world.shopper()
    await world.call("UpdatePolicy", policy)
    results = await asyncio.gather(
        *(world.charge(customer_id, 1000) for _ in range(20)), return_exceptions=True
    )
    refused = [r.reason for r in results if isinstance(r, Refusal)]
    assert refused == [reason] * 15
    assert len(world.payments.books) == 5


async def test_declined_charges_free_the_limits(world: World):
    customer_id = await world.shopper()
    await world.call("UpdatePolicy", pb.UpdatePolicyRequest(max_hourly_charges=1))
    world.payments.state = State.STATE_DECLINED
    for _ in range(3):
        payment = await world.charge(customer_id)
        assert payment.state == State.STATE_DECLINED
    world.payments.state = State.STATE_CAPTURED
    await world.charge(customer_id)


async def test_limits_roll_with_the_merchants_clock(world: World):
    customer_id = await world.shopper()
    await world.call(
        "UpdatePolicy", pb.UpdatePolicyRequest(max_hourly_charges=1, max_daily_minor=2000)
    )
    await world.charge(customer_id, 1000)
    world.offset = timedelta(hours=1, seconds=1)
    await world.charge(customer_id, 1000)
    world.offset = timedelta(hours=3)
    with pytest.raises(Refusal) as refused:
        await world.charge(customer_id, 1000)
    assert refused.value.reason == "daily_limit_exceeded"
    world.offset = timedelta(hours=24, seconds=2)
    await world.charge(customer_id, 1000)


async def test_payments_gets_the_history_since_the_last_challenge(world: World):
    customer_id = await world.shopper()
    await world.raise_limits()
    await world.charge(customer_id, 1000)
    await world.charge(customer_id, 500)
    world.payments.state = State.STATE_REQUIRES_ACTION
    challenged = await world.charge(customer_id, 7000)
    world.payments.state = State.STATE_CAPTURED
    world.payments.payment(challenged.id).state = State.STATE_CAPTURED
    await world.make_due("charges")
    await worker.charge_worker(world.deps).run_once()
    await world.charge(customer_id, 200)
    await world.charge(customer_id, 300)
    histories = [
        (asked.sca_history.payments_since_challenge, asked.sca_history.amount_since_challenge_minor)
        for asked in world.payments.calls["CreatePayment"]
    ]
    assert histories == [(0, 0), (1, 1000), (2, 1500), (0, 0), (1, 200)]


async def test_the_history_is_capped_at_the_sca_window(world: World):
    customer_id = await world.shopper()
    await world.raise_limits()
    for _ in range(SCA_WINDOW + 2):
        await world.charge(customer_id, 10)
    last = world.payments.calls["CreatePayment"][-1].sca_history
    assert last.payments_since_challenge == SCA_WINDOW


async def test_a_refusal_by_payments_is_passed_on_stored_and_frees_the_limits(world: World):
    customer_id = await world.shopper()
    await world.call("UpdatePolicy", pb.UpdatePolicyRequest(max_hourly_charges=1))
    world.payments.before["CreatePayment"] = once(refuse(Kind.CONFLICT, "no_psp_account"))
    for _ in range(2):
        with pytest.raises(Refusal) as refused:
            await world.charge(customer_id, key="order-1")
        assert refused.value.reason == "no_psp_account"
    assert len(world.payments.keys["CreatePayment"]) == 1
    await world.charge(customer_id, key="order-2")


async def test_a_paid_order_is_refused_with_the_payment_that_paid_it(world: World):
    customer_id = await world.shopper()
    paid = {"payment_id": "pay_1", "payment_state": "captured"}
    refusal = refuse(Kind.CONFLICT, "order_already_paid", **paid)
    world.payments.before["CreatePayment"] = once(refusal)
    for _ in range(2):
        with pytest.raises(Refusal) as refused:
            await world.charge(customer_id, key="order-1")
        assert (refused.value.reason, refused.value.facts) == ("order_already_paid", paid)
    (charge,) = await world.charges()
    assert charge["state"] == "refused"


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize(
    "trouble",
    [
        lose_answer,
        refuse(Kind.UNAVAILABLE, "service_unavailable"),
        refuse(Kind.RATE, "too_many"),
    ],
)
async def test_a_repeat_completes_an_unanswered_charge(world: World, when, trouble):
    customer_id = await world.shopper()
    getattr(world.payments, when)["CreatePayment"] = once(trouble)
    with pytest.raises(Refusal) as refused:
        await world.charge(customer_id, key="order-1")
    assert refused.value.reason == "outcome_unknown"
    payment = await world.charge(customer_id, key="order-1")
    assert list(world.payments.books.values()) == [payment]
    assert len(set(world.payments.keys["CreatePayment"])) == 1


async def test_a_retry_sends_payments_the_same_request_after_the_card_changed(world: World):
    customer_id = await world.shopper()
    world.payments.before["CreatePayment"] = once(lose_answer)
    with pytest.raises(Refusal):
        await world.charge(customer_id, key="order-1")
    again = world.attach_request(customer_id)
    again.psp_account = "sandbox-b"
    await world.call("AttachInstrument", again)
    await world.charge(customer_id, key="order-1")
    first, second = world.payments.calls["CreatePayment"]
    assert first == second


async def test_a_repeat_returns_the_current_state_of_a_processing_payment(world: World):
    customer_id = await world.shopper()
    world.payments.state = State.STATE_PROCESSING
    first = await world.charge(customer_id, key="order-1")
    assert first.state == State.STATE_PROCESSING
    world.payments.payment(first.id).state = State.STATE_CAPTURED
    second = await world.charge(customer_id, key="order-1")
    assert second.state == State.STATE_CAPTURED
    assert len(world.payments.keys["CreatePayment"]) == 1
    assert (await world.charges())[0]["state"] == "succeeded"


async def test_another_currency_does_not_multiply_the_daily_limit(world: World):
    customer_id = await world.shopper()
    await world.call("UpdatePolicy", pb.UpdatePolicyRequest(max_daily=money(5000)))
    await world.charge(customer_id, 2000)
    await world.charge(customer_id, 1000, currency="CHF")
    for amount_minor, currency in ((3000, "EUR"), (3000, "CHF"), (6000, "JPY"), (10_000, "KWD")):
        with pytest.raises(Refusal) as refused:
            await world.charge(customer_id, amount_minor, currency=currency)
        assert refused.value.reason == "daily_limit_exceeded"
        assert "50.00 EUR" in refused.value.message
    await world.charge(customer_id, 1900)
    assert [p.amount.currency for p in world.payments.books.values()] == ["EUR", "CHF", "EUR"]


@pytest.mark.parametrize(
    ("amount_minor", "currency"),
    [(1_500_000, "HUF"), (120_000, "CZK"), (90_000_000, "IDR"), (60_000, "JPY"), (60_000, "KWD")],
)
async def test_everyday_amounts_pass_in_every_currency(world: World, amount_minor, currency):
    customer_id = await world.shopper()
    payment = await world.charge(customer_id, amount_minor, currency=currency)
    assert payment.amount == money(amount_minor, currency)
