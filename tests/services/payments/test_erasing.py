"""A customer is erased: personal data and tokens go, the record of the money stays."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from incasso.oneclick.v1 import events_pb2
from incasso.payments.v1 import events_pb2 as payment_events
from libs import ids
from libs.bus import Event
from libs.clock import Clock
from services.payments import worker
from services.payments.rules.domain import Payment
from services.payments.rules.outcomes import ActionRequired
from services.payments.rules.states import State
from tests.services.payments.conftest import MERCHANT, World, key
from tests.services.payments.psp_double import AUTHORISE, Fault
from tests.services.payments.test_flows_crashes import until_the_fault

PERSON: dict[str, Any] = {
    "customer_id": "cus_giulia",
    "metadata": {"note": "per Giulia Bianchi"},
    "description": "Scarpe per Giulia",
    "return_url": "https://shop.test/giulia",
}
TRACES = (b"giulia", b"bianchi", b"tok_a", b"tok_b", b"cus_a")
TABLES = ("payments", "attempts", "outbox", "idempotency_keys", "disputes", "decline_counters")


async def deliver(world: World, customer_id: str = "cus_giulia", *, times: int = 1) -> None:
    """Delivers oneclick's event."""
    subject = "incasso.oneclick.customer.erased"
    event = Event(
        event_id=ids.new("evt"),
        merchant_id=MERCHANT,
        aggregate_id=customer_id,
        subject=subject,
        body=events_pb2.CustomerErased(customer_id=customer_id).SerializeToString(),
        traceparent="",
        occurred_at=Clock().now(),
    )
    for _ in range(times):
        async with world.db.transaction() as tx:
            await worker.handlers()[subject](tx, event)


async def erase(world: World, customer_id: str = "cus_giulia") -> None:
    await deliver(world, customer_id)
    await worker.erasing_worker(world.deps).run_once()


async def again(world: World, *, later: timedelta = timedelta()) -> int:
    """The worker's next run, `later` after the erasure was requested."""
    await world.rows(
        "UPDATE erasures SET due_at = now(), asked_at = asked_at - $1::interval", later
    )
    return await worker.erasing_worker(world.deps).run_once()


async def traces(world: World) -> set[tuple[str, bytes]]:
    """Where personal data is still stored; the customer's id is not personal data."""
    found = set()
    for table in TABLES:
        for row in await world.rows(f"SELECT * FROM {table} WHERE merchant_id = $1", MERCHANT):
            text = b" ".join(v if isinstance(v, bytes) else str(v).encode() for v in row.values())
            text = text.replace(b"cus_giulia", b"").lower()
            found |= {(table, trace) for trace in TRACES if trace in text}
    return found


async def test_erasure_removes_personal_data_and_keeps_the_amounts(world: World):
    paid = await world.create(**PERSON, key=replace(key("c"), method="CreatePayment"))
    await world.refund(paid, 1000, key=replace(key("r"), method="RefundPayment"))
    await world.rows("UPDATE attempts SET reason = 'Giulia ha cambiato idea' WHERE kind = 'refund'")
    before = await world.get(paid)
    assert {table for table, _ in await traces(world)} == {
        "payments",
        "attempts",
        "outbox",
        "idempotency_keys",
    }
    await erase(world)
    assert await traces(world) == set()
    left = await world.get(paid)
    assert (left.state, left.captured_minor, left.refunded_minor, left.psp_reference) == (
        before.state,
        before.captured_minor,
        before.refunded_minor,
        before.psp_reference,
    )
    assert (left.order_reference, left.customer_id) == (before.order_reference, "cus_giulia")
    [body] = await world.rows("SELECT body FROM outbox WHERE subject LIKE '%payment.captured'")
    captured = payment_events.PaymentCaptured.FromString(body["body"])
    assert (captured.amount_minor, captured.payment.id) == (5990, paid.id)


async def test_an_erased_payment_can_still_be_refunded(world: World):
    paid = await world.create(**PERSON)
    await erase(world)
    await world.refund(paid)
    assert (await world.get(paid)).state is State.REFUNDED
    assert await traces(world) == set()


async def test_an_erased_authorisation_can_still_be_captured_or_cancelled(world: World):
    one, other = await world.hold(**PERSON), await world.hold(**PERSON)
    await erase(world)
    await world.capture(one)
    await world.cancel(other)
    assert (await world.get(one)).state is State.CAPTURED
    assert (await world.get(other)).state is State.CANCELLED
    assert await traces(world) == set()


async def test_a_payment_with_an_unknown_outcome_is_erased_only_after_recovery(world: World):
    """The PSP identifies the call by its key and its body."""
    world.a.plan(AUTHORISE, Fault.LOST_ANSWER)
    await until_the_fault(world.create(**PERSON))
    await erase(world)
    assert (await world.only_payment()).description == PERSON["description"]
    await world.recover()
    paid = await world.only_payment()
    assert paid.state is State.CAPTURED
    await again(world)
    assert await traces(world) == set()


async def test_the_return_url_is_kept_until_the_challenge_ends(world: World):
    world.a.plan(AUTHORISE, ActionRequired("", "https://psp.test/c"))
    waiting = await world.create(**PERSON)
    await erase(world)
    assert (await world.get(waiting)).return_url == PERSON["return_url"]
    [attempt] = await world.attempts()
    world.a.pass_challenge(attempt["id"])
    await world.recover()
    await again(world)
    assert await traces(world) == set()


async def test_a_payment_made_just_after_the_erasure_is_erased_too(world: World):
    await erase(world)
    await world.create(**PERSON)
    assert await again(world) == 1
    assert await traces(world) == set()


async def test_an_erasure_ends_a_day_later_when_nothing_is_under_way(world: World):
    await world.create(**PERSON)
    await erase(world)
    assert await again(world, later=timedelta(hours=25)) == 1
    assert await again(world) == 0
    world.a.plan(AUTHORISE, Fault.LOST_ANSWER)
    await until_the_fault(world.create(**PERSON))
    await erase(world)
    assert await again(world, later=timedelta(hours=25)) == 1
    await world.recover()
    assert await again(world) == 1
    assert await again(world) == 0


async def test_an_erasure_covers_more_payments_than_one_batch(
    world: World, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("services.payments.flows.erase.BATCH", 2)
    for _ in range(5):
        await world.create(**PERSON)
    await deliver(world, times=2)
    await worker.erasing_worker(world.deps).run_once()
    assert await traces(world) == set()


async def test_other_customers_data_is_kept(world: World):
    mine: Payment = await world.create(**{**PERSON, "customer_id": "cus_marco"})
    await world.create(**PERSON)
    await erase(world)
    left = await world.get(mine)
    assert (dict(left.metadata), left.description, left.return_url) == (
        PERSON["metadata"],
        PERSON["description"],
        PERSON["return_url"],
    )
    await erase(world, "cus_nobody")
    assert (await world.get(mine)).description == PERSON["description"]
