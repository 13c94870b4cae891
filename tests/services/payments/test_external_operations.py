"""What others do at the PSP, e.g. in its console: booked as reported, and never as ours."""

import asyncio

import pytest

from services.payments.errors import PaymentNotCapturable, RefundTooLarge
from services.payments.rules.domain import Payment, RefundState
from services.payments.rules.outcomes import ActionRequired, Approved, DeclineCode, Pending
from services.payments.rules.states import AttemptState, State
from tests.services.payments.conftest import World
from tests.services.payments.psp_double import AUTHORISE, CANCEL, CAPTURE, REFUND, Fault, declined
from tests.services.payments.psp_webhooks import external_notice


def amounts(payment: Payment) -> tuple[State, int, int, int]:
    return (
        payment.state,
        payment.captured_minor,
        payment.refunded_minor,
        payment.refunding_minor,
    )


async def refund_in_console(
    world: World, payment: Payment, minor: int, *, reference: str = "re_c", event: str = "c1"
) -> None:
    done = Approved(reference, minor)
    await world.notice(
        external_notice(event, REFUND, payment.psp_reference, done, reference=reference)
    )


# Refunds


async def test_a_refund_in_the_console_is_booked_as_a_separate_refund(world: World):
    paid = await world.create()
    await refund_in_console(world, paid, 1000)
    after = await world.get(paid)
    assert amounts(after) == (State.PARTIALLY_REFUNDED, 5990, 1000, 0)
    [refund] = after.refunds
    assert (refund.state, refund.amount_minor, refund.elsewhere, refund.psp_reference) == (
        RefundState.SUCCEEDED,
        1000,
        True,
        "re_c",
    )
    assert await world.subjects() == ["payment.captured", "payment.refunded"]
    assert world.a.sent(REFUND) == [], "nothing was sent"


async def test_a_refund_in_the_console_leaves_our_open_refund_open(world: World):
    paid = await world.create()
    world.a.plan(REFUND, Fault.LOST_ANSWER)
    await world.refund(paid, 2500)
    await refund_in_console(world, paid, 100)
    between = await world.get(paid)
    assert amounts(between) == (State.PARTIALLY_REFUNDED, 5990, 100, 2500)
    assert [refund.state for refund in between.refunds] == [
        RefundState.PROCESSING,
        RefundState.SUCCEEDED,
    ]
    await world.recover()
    assert amounts(await world.get(paid)) == (State.PARTIALLY_REFUNDED, 5990, 2600, 0)


async def test_a_refund_with_a_foreign_key_is_matched_by_its_charge(world: World):
    paid = await world.create()
    done = Approved("re_c", 1000)
    await world.notice(
        external_notice("c1", REFUND, paid.psp_reference, done, reference="re_c", key="console-7")
    )
    assert (await world.get(paid)).refunded_minor == 1000


async def test_concurrent_reports_of_one_refund_book_it_once(world: World):
    paid = await world.create()
    await asyncio.gather(
        *(refund_in_console(world, paid, 1000, event=f"c{number}") for number in range(8))
    )
    after = await world.get(paid)
    assert (after.refunded_minor, len(after.refunds)) == (1000, 1)
    assert (await world.subjects()).count("payment.refunded") == 1


async def test_a_console_refund_is_booked_and_ours_declined_when_both_do_not_fit(world: World):
    paid = await world.create()
    world.a.plan(REFUND, Fault.NEVER_ARRIVED, declined(DeclineCode.REQUEST_REFUSED))
    await world.refund(paid, 2500)
    await refund_in_console(world, paid, 5000)
    between = await world.get(paid)
    assert amounts(between) == (State.PARTIALLY_REFUNDED, 5990, 5000, 990)
    with pytest.raises(RefundTooLarge):
        await world.refund(paid, 1)
    await world.recover()
    after = await world.get(paid)
    assert amounts(after) == (State.PARTIALLY_REFUNDED, 5990, 5000, 0)
    assert after.refundable_minor == 990
    assert (await world.subjects())[-1] == "payment.refund_failed"
    assert (await world.refund(paid)).state is State.REFUNDED


async def test_a_pending_console_refund_is_reserved_and_settled_by_its_reference(
    world: World,
):
    paid = await world.create()
    waits = external_notice(
        "c1", REFUND, paid.psp_reference, Pending("re_c"), reference="re_c", amount_minor=1000
    )
    await world.notice(waits)
    assert amounts(await world.get(paid)) == (State.CAPTURED, 5990, 0, 1000)
    await refund_in_console(world, paid, 1000, event="c2")
    assert amounts(await world.get(paid)) == (State.PARTIALLY_REFUNDED, 5990, 1000, 0)
    assert world.a.sent(REFUND) == []


async def test_a_refund_reported_before_the_capture_counts_once_captured(world: World):
    held = await world.hold()
    await refund_in_console(world, held, 1000)
    assert (await world.get(held)).state is State.AUTHORISED
    taken = Approved("op_1", 5990)
    await world.notice(external_notice("c2", CAPTURE, held.psp_reference, taken, reference="op_1"))
    assert amounts(await world.get(held)) == (State.PARTIALLY_REFUNDED, 5990, 1000, 0)


async def test_a_refund_notice_without_amount_or_known_charge_books_nothing(world: World):
    paid = await world.create()
    waits = Pending("re_c")
    assert await world.notice(
        external_notice("c1", REFUND, paid.psp_reference, waits, reference="re_c")
    )
    assert await world.notice(external_notice("c2", REFUND, "nobody", Approved("re_d", 1)))
    assert (await world.get(paid)).refunds == ()


# Captures and cancellations


async def test_a_capture_in_the_console_takes_its_own_amount(world: World):
    held = await world.hold()
    for event in ("c1", "c2"):
        taken = Approved("op_1", 3000)
        await world.notice(
            external_notice(event, CAPTURE, held.psp_reference, taken, reference="op_1")
        )
    assert amounts(await world.get(held)) == (State.CAPTURED, 3000, 0, 0)
    assert await world.subjects() == ["payment.authorised", "payment.captured"]
    [capture] = await world.attempts(CAPTURE)
    assert (capture["elsewhere"], capture["psp_reference"]) == (True, "op_1")
    with pytest.raises(PaymentNotCapturable):
        await world.capture(held)


@pytest.mark.parametrize("reference", ["op_1", ""])
async def test_a_console_capture_supersedes_ours_under_way(world: World, reference: str):
    held = await world.hold()
    world.a.plan(CAPTURE, Fault.NEVER_ARRIVED, declined(DeclineCode.REQUEST_REFUSED))
    await world.capture(held, 5000)
    taken = Approved(reference or held.psp_reference, 3000)
    await world.notice(
        external_notice(
            "c1", CAPTURE, held.psp_reference, taken, reference=reference, amount_minor=3000
        )
    )
    between = await world.get(held)
    assert amounts(between) == (State.CAPTURED, 3000, 0, 0)
    await world.recover()
    assert amounts(await world.get(held)) == amounts(between)
    assert (await world.subjects())[1:] == ["payment.captured"]
    states = {(row["elsewhere"], row["state"]) for row in await world.attempts(CAPTURE)}
    assert states == {(True, "approved"), (False, "declined")}


async def test_a_capture_notice_without_a_reference_settles_ours_under_way(world: World):
    held = await world.hold()
    world.a.plan(CAPTURE, Fault.LOST_ANSWER)
    await world.capture(held, 5000)
    taken = Approved(held.psp_reference, 5000)
    await world.notice(external_notice("c1", CAPTURE, held.psp_reference, taken, amount_minor=5000))
    [capture] = await world.attempts(CAPTURE)
    assert (capture["elsewhere"], capture["state"]) == (False, "approved")
    assert await world.recover() == 0


async def test_a_capture_in_the_console_after_ours_was_refused_is_booked(world: World):
    held = await world.hold()
    world.a.plan(CAPTURE, declined(DeclineCode.REQUEST_REFUSED, held.psp_reference))
    await world.capture(held, 5000)
    for event in ("c1", "c2"):
        taken = Approved(held.psp_reference, 3000)
        await world.notice(
            external_notice(event, CAPTURE, held.psp_reference, taken, amount_minor=3000)
        )
    assert amounts(await world.get(held)) == (State.CAPTURED, 3000, 0, 0)
    assert len(await world.attempts(CAPTURE)) == 2


async def test_a_capture_reported_before_the_authorisation_is_booked(world: World):
    world.a.plan(AUTHORISE, Pending("a:1"))
    pending = await world.create()
    assert pending.state is State.PENDING
    taken = Approved("op_1", 3000)
    await world.notice(external_notice("c1", CAPTURE, "a:1", taken, reference="op_1"))
    assert amounts(await world.get(pending)) == (State.CAPTURED, 3000, 0, 0)
    [attempt] = await world.attempts(AUTHORISE)
    world.a.settle(attempt["id"], Approved("a:1", 5990))
    await world.recover()
    assert amounts(await world.get(pending)) == (State.CAPTURED, 3000, 0, 0)
    assert await world.subjects() == ["payment.pending", "payment.captured"]


async def test_a_cancellation_in_the_console_releases_the_payment(world: World):
    held = await world.hold()
    world.a.plan(CAPTURE, Fault.NEVER_ARRIVED, declined(DeclineCode.REQUEST_REFUSED))
    await world.capture(held)
    gone = Approved("op_1", 5990)
    await world.notice(external_notice("c1", CANCEL, held.psp_reference, gone, reference="op_1"))
    assert (await world.get(held)).state is State.CANCELLED
    await world.recover()
    assert amounts(await world.get(held)) == (State.CANCELLED, 0, 0, 0)
    assert (await world.subjects())[1:] == ["payment.cancelled"]


async def test_a_cancellation_after_a_partial_capture_changes_nothing(world: World):
    held = await world.hold()
    taken, gone = Approved("op_1", 3000), Approved("op_2", 2990)
    await world.notice(external_notice("c1", CAPTURE, held.psp_reference, taken, reference="op_1"))
    await world.notice(external_notice("c2", CANCEL, held.psp_reference, gone, reference="op_2"))
    assert amounts(await world.get(held)) == (State.CAPTURED, 3000, 0, 0)
    assert (await world.subjects())[1:] == ["payment.captured"]
    [cancel] = await world.attempts(CANCEL)
    assert (cancel["elsewhere"], cancel["state"]) == (True, AttemptState.APPROVED.value)


@pytest.mark.parametrize("outcome", [ActionRequired("", "https://psp.test/c"), Pending("")])
async def test_a_pending_or_challenged_charge_can_be_cancelled_in_the_console(
    world: World, outcome
):
    world.a.plan(AUTHORISE, outcome)
    waits = await world.create()
    [attempt] = await world.attempts()
    gone = Approved("op_1", 5990)
    await world.notice(
        external_notice("c1", CANCEL, "", gone, reference="op_1", charge_key=attempt["id"])
    )
    assert (await world.get(waits)).state is State.CANCELLED


async def test_a_charge_cancelled_before_its_outcome_is_known_does_not_fail_over(
    world: World,
):
    world.a.plan(AUTHORISE, Fault.LOST_ANSWER)
    unknown = await world.create()
    [attempt] = await world.attempts()
    gone = Approved("op_1", 5990)
    await world.notice(
        external_notice("c1", CANCEL, "", gone, reference="op_1", charge_key=attempt["id"])
    )
    world.a.settle(attempt["id"], declined(DeclineCode.REQUEST_REFUSED))
    await world.recover()
    assert (await world.get(unknown)).state is State.CANCELLED
    assert world.b.sent(AUTHORISE) == []


async def test_another_accounts_console_cannot_touch_a_payment(world: World):
    held = await world.hold()
    gone = Approved("op_1", 5990)
    notice = external_notice("c1", CANCEL, held.psp_reference, gone, reference="op_1")
    await world.notice(notice, account="b")
    assert (await world.get(held)).state is State.AUTHORISED
