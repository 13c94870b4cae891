"""Captures, cancellations, refunds: what is allowed, and that concurrency takes nothing twice."""

import asyncio
from datetime import timedelta

import pytest

from incasso.payments.v1 import events_pb2
from incasso.payments.v1 import payments_pb2 as pb
from libs.errors import Refusal
from libs.money import Money
from services.payments.errors import (
    CaptureTooLarge,
    CurrencyMismatch,
    PaymentNotCancellable,
    PaymentNotCapturable,
    PaymentNotFound,
    PaymentNotRefundable,
    RefundTooLarge,
)
from services.payments.flows.operations import lower_payment, refund_payment
from services.payments.rules.domain import Payment, RefundState
from services.payments.rules.outcomes import ActionRequired, DeclineCode, Pending
from services.payments.rules.states import CaptureMode, State
from tests.services.payments.conftest import World, key
from tests.services.payments.psp_double import (
    AUTHORISE,
    CANCEL,
    CAPTURE,
    REFUND,
    Fault,
    declined,
)


async def test_a_capture_takes_all_that_is_held(world: World):
    payment = await world.capture(await world.hold())
    assert (payment.state, payment.captured_minor) == (State.CAPTURED, 5990)
    assert await world.subjects() == ["payment.authorised", "payment.captured"]


async def test_a_partial_capture_is_final(world: World):
    payment = await world.capture(await world.hold(), 1000)
    assert (payment.captured_minor, payment.capturable_minor) == (1000, 1000)
    with pytest.raises(PaymentNotCapturable):
        await world.capture(payment, 1000)


async def test_a_refused_capture_leaves_the_payment_authorised(world: World):
    held = await world.hold()
    world.a.plan(CAPTURE, declined(DeclineCode.REQUEST_REFUSED))
    payment = await world.capture(held)
    assert (payment.state, payment.capturing_minor) == (State.AUTHORISED, 0)
    assert (await world.subjects())[1:] == ["payment.capture_failed"]
    assert (await world.capture(held)).state is State.CAPTURED


async def test_invalid_captures_cancellations_and_refunds_are_refused(world: World):
    held = await world.hold()
    with pytest.raises(CaptureTooLarge):
        await world.capture(held, 5991)
    paid = await world.create()
    with pytest.raises(RefundTooLarge):
        await world.refund(paid, 5991)
    with pytest.raises(PaymentNotRefundable):
        await world.refund(held)
    with pytest.raises(PaymentNotCancellable):
        await world.cancel(paid)
    with pytest.raises(CurrencyMismatch):
        await refund_payment(world.deps, paid.id, Money(1, "USD"))
    world.act("mer_2")
    with pytest.raises(PaymentNotFound):
        await refund_payment(world.deps, paid.id)


async def test_twenty_concurrent_captures_take_the_money_once(world: World):
    held = await world.hold()
    results = await asyncio.gather(
        *(world.capture(held, 3000) for _ in range(20)), return_exceptions=True
    )
    assert sum(isinstance(result, Payment) for result in results) == 1
    assert all(isinstance(result, (Payment, PaymentNotCapturable)) for result in results)
    assert len(world.a.sent(CAPTURE)) == 1


async def test_of_concurrent_captures_and_cancellations_exactly_one_is_sent(world: World):
    held = await world.hold()
    results = await asyncio.gather(
        *(world.capture(held) for _ in range(10)),
        *(world.cancel(held) for _ in range(10)),
        return_exceptions=True,
    )
    assert all(isinstance(result, (Payment, Refusal)) for result in results)
    assert len(world.a.sent(CAPTURE)) + len(world.a.sent(CANCEL)) == 1


async def test_an_open_cancellation_blocks_captures_and_cancellations(world: World):
    held = await world.hold()
    world.a.plan(CANCEL, Fault.NEVER_ARRIVED)
    await world.cancel(held)
    with pytest.raises(PaymentNotCapturable):
        await world.capture(held)
    with pytest.raises(PaymentNotCancellable):
        await world.cancel(held)


async def test_twenty_concurrent_refunds_never_exceed_the_captured_amount(world: World):
    paid = await world.create()
    results = await asyncio.gather(
        *(world.refund(paid, 1000) for _ in range(20)), return_exceptions=True
    )
    assert sum(isinstance(result, Payment) for result in results) == 5
    assert all(isinstance(result, (Payment, RefundTooLarge)) for result in results)
    payment = await world.get(paid)
    assert (payment.refunded_minor, payment.refunding_minor) == (5000, 0)
    assert sum(refund.amount_minor for refund in payment.refunds) == 5000
    [charge] = world.a.charges.values()
    assert charge.refunded_minor == 5000
    assert (await world.refund(paid)).state is State.REFUNDED
    with pytest.raises(PaymentNotRefundable):
        await world.refund(paid)


async def test_a_refused_refund_releases_its_reservation(world: World):
    paid = await world.create()
    world.a.plan(REFUND, declined(DeclineCode.REQUEST_REFUSED))
    payment = await world.refund(paid)
    assert (payment.state, payment.refunding_minor) == (State.CAPTURED, 0)
    assert payment.refunds[0].state is RefundState.FAILED
    assert (await world.subjects())[1:] == ["payment.refund_failed"]


async def test_a_pending_refund_is_settled_by_recovery(world: World):
    paid = await world.create()
    world.a.plan(REFUND, Pending("re_1"))
    payment = await world.refund(paid)
    assert payment.refunds[0].state is RefundState.PROCESSING
    [_, attempt] = await world.attempts()
    world.a.settle(attempt["id"], declined())
    await world.recover()
    assert (await world.get(paid)).refunds[0].state is RefundState.FAILED


EUR_10 = Money(1000, "EUR")


async def test_a_repeated_refund_is_the_same_refund(world: World):
    paid = await world.create()
    first, again = [
        await refund_payment(world.deps, paid.id, EUR_10, key=key("r")) for _ in range(2)
    ]
    assert first == again
    assert (await world.get(paid)).refunded_minor == 1000


async def test_a_repeat_of_an_unknown_refund_answers_its_state(world: World):
    paid = await world.create()
    world.a.plan(REFUND, Fault.LOST_ANSWER)
    await world.refund(paid, 1000, key=key("r"))
    again = pb.Payment.FromString(await refund_payment(world.deps, paid.id, EUR_10, key=key("r")))
    assert again.refunds[0].state == pb.Refund.STATE_PROCESSING
    await world.recover()
    later = pb.Payment.FromString(await refund_payment(world.deps, paid.id, EUR_10, key=key("r")))
    assert later.refunded_minor == 1000


async def test_a_cancellation_refused_because_of_a_capture_shows_the_payment_captured(world: World):
    held = await world.hold()
    [attempt] = await world.attempts()
    [charge] = world.a.charges.values()
    charge.captured_minor = 5990  # in the PSP's own console
    world.a.pass_challenge(attempt["id"])
    with pytest.raises(PaymentNotCancellable):
        await world.cancel(held, key=key("c"))
    assert (await world.get(held)).state is State.CAPTURED
    with pytest.raises(PaymentNotCancellable):
        await world.cancel(held, key=key("c"))


# Delayed capture


async def delayed(world: World) -> Payment:
    return await world.create(capture=CaptureMode.DELAYED, capture_delay=timedelta(minutes=15))


async def test_a_delayed_capture_runs_automatically_after_the_grace_period(world: World):
    payment = await delayed(world)
    assert payment.capture_at == payment.created_at + timedelta(minutes=15)
    assert await world.run_due(later=timedelta(minutes=14)) == 0
    assert await world.run_due(later=timedelta(minutes=2)) == 1
    assert (await world.get(payment)).state is State.CAPTURED
    assert await world.run_due(later=timedelta(days=1)) == 0


async def test_a_lowered_payment_is_captured_at_the_lower_amount(world: World):
    payment = await delayed(world)
    lowered = await lower_payment(world.deps, payment.id, Money(4000, "EUR"))
    assert lowered.capturable_minor == 4000
    with pytest.raises(CaptureTooLarge):
        await lower_payment(world.deps, payment.id, Money(4001, "EUR"))
    with pytest.raises(CurrencyMismatch):
        await lower_payment(world.deps, payment.id, Money(1, "USD"))
    await world.run_due(later=timedelta(minutes=16))
    assert (await world.get(payment)).captured_minor == 4000


async def test_a_lowering_is_reported_once_with_the_previous_amount(world: World):
    payment = await delayed(world)
    for _ in range(2):
        await lower_payment(world.deps, payment.id, Money(4000, "EUR"))
    assert await world.subjects() == ["payment.authorised", "payment.lowered"]
    *_, last = await world.rows("SELECT body FROM outbox ORDER BY seq")
    lowered = events_pb2.PaymentLowered.FromString(last["body"])
    assert (lowered.payment.capturable_minor, lowered.previous_minor) == (4000, 5990)


async def test_only_a_delayed_capture_in_its_grace_period_can_be_lowered(world: World):
    held = await world.hold()
    with pytest.raises(PaymentNotCapturable):
        await lower_payment(world.deps, held.id, Money(1, "EUR"))
    payment = await delayed(world)
    world.time.ahead += timedelta(minutes=16)
    with pytest.raises(PaymentNotCapturable):
        await lower_payment(world.deps, payment.id, Money(1, "EUR"))
    world.act("mer_2")
    with pytest.raises(PaymentNotFound):
        await lower_payment(world.deps, payment.id, Money(1, "EUR"))


async def test_a_cancelled_delayed_payment_is_not_captured(world: World):
    payment = await delayed(world)
    await world.cancel(payment)
    assert await world.run_due(later=timedelta(hours=1)) == 0
    assert (await world.get(payment)).state is State.CANCELLED
    assert world.a.taken() == []


async def test_a_refused_delayed_capture_is_retried_until_it_succeeds(world: World):
    payment = await delayed(world)
    world.a.plan(CAPTURE, declined(), declined())
    await world.run_due(later=timedelta(minutes=16))
    assert await world.run_due(later=timedelta(minutes=30)) == 0
    assert await world.run_due(later=timedelta(minutes=31)) == 1
    assert await world.run_due(later=timedelta(minutes=61)) == 1
    assert (await world.get(payment)).state is State.CAPTURED


async def test_a_delayed_capture_refused_for_a_day_is_not_retried_again(world: World):
    payment = await delayed(world)
    world.a.plan(CAPTURE, *[declined()] * 3)
    for later in (timedelta(minutes=16), timedelta(hours=23), timedelta(hours=2)):
        assert await world.run_due(later=later) == 1
    assert await world.run_due(later=timedelta(days=1)) == 0
    assert (await world.get(payment)).state is State.AUTHORISED


# Challenges


async def test_an_unanswered_challenge_is_cancelled_after_an_hour(world: World):
    world.a.plan(AUTHORISE, ActionRequired("", "https://psp.test/c"))
    payment = await world.create()
    assert await world.run_due(later=timedelta(minutes=59)) == 0
    await world.rows("UPDATE payments SET psp_reference = $1", next(iter(world.a.charges)))
    assert await world.run_due(later=timedelta(minutes=2)) == 1
    assert (await world.get(payment)).state is State.CANCELLED
    await world.recover()
    assert await world.rows("SELECT 1 FROM attempts WHERE next_recovery_at IS NOT NULL") == []
