"""Disputes as the PSP reports them: twice, in any order, changed and appealed."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from libs.pages import Page
from services.payments.errors import PaymentDisputed
from services.payments.rules import disputes
from services.payments.rules.domain import Dispute, Fact, RefundState
from services.payments.rules.outcomes import Approved
from services.payments.rules.states import DisputeState, State
from services.payments.store import payments
from services.payments.store.payments import Filter
from tests.services.payments.conftest import MERCHANT, World
from tests.services.payments.psp_double import REFUND
from tests.services.payments.psp_webhooks import dispute, external_notice
from tests.services.payments.test_domain import payment

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)


def reported(number: int, state: DisputeState, amount_minor: int, at: int) -> Dispute:
    return Dispute(
        id=f"dis_{number}",
        merchant_id="mer_1",
        payment_id="pay_1",
        state=state,
        amount_minor=amount_minor,
        currency="EUR",
        reason="fraud",
        psp_reference="dp_1",
        created_at=NOW,
        told_at=NOW + timedelta(seconds=at),
    )


@given(
    st.lists(
        st.tuples(
            st.sampled_from(DisputeState),
            st.integers(min_value=1, max_value=9000),
            st.integers(min_value=0, max_value=100),
        ),
        min_size=1,
        max_size=8,
        unique_by=lambda news: news[2],
    )
)
def test_in_whatever_order_it_is_told_a_dispute_ends_as_the_psp_said_last(told):
    made, facts = payment(), []
    for number, (state, amount, at) in enumerate(told):
        made, _, happened = disputes.disputed(made, reported(number, state, amount, at))
        facts += [each.fact for each in happened]
    state, amount, _ = max(told, key=lambda news: news[2])
    [ends] = made.disputes
    assert (ends.id, ends.state, ends.amount_minor) == ("dis_0", state, amount)
    assert facts.count(Fact.DISPUTE_OPENED) == 1


def test_a_repeated_dispute_report_changes_nothing():
    report = reported(0, DisputeState.LOST, 100, 1)
    made, _, _ = disputes.disputed(payment(), report)
    assert disputes.disputed(made, report) == (made, made.disputes[0], ())


async def ids_listed(world: World, *, disputed: bool) -> list[str]:
    async with world.db.connection() as conn:
        page = await payments.list_page(conn, MERCHANT, Filter(disputed=disputed), Page(9, "pay_~"))
    return [payment.id for payment in page.rows]


async def test_a_refund_is_refused_while_a_dispute_is_open(world: World):
    paid = await world.create()
    await world.notice(dispute("e1", paid.psp_reference, DisputeState.OPEN))
    [opened] = (await world.get(paid)).disputes
    assert opened.state is DisputeState.OPEN
    assert await ids_listed(world, disputed=True) == [paid.id]
    with pytest.raises(PaymentDisputed):
        await world.refund(paid)
    await world.notice(dispute("e2", paid.psp_reference, DisputeState.WON))
    assert (await world.refund(paid)).state is State.REFUNDED
    assert await ids_listed(world, disputed=False) == []
    assert await world.subjects() == [
        "payment.captured",
        "dispute.opened",
        "dispute.closed",
        "payment.refunded",
    ]


async def test_a_dispute_reported_out_of_order_ends_closed(world: World):
    paid = await world.create()
    await world.notice(dispute("e2", paid.psp_reference, DisputeState.LOST))
    await world.notice(dispute("e1", paid.psp_reference, DisputeState.OPEN))
    [closed] = (await world.get(paid)).disputes
    assert closed.state is DisputeState.LOST
    assert (await world.subjects())[1:] == ["dispute.opened", "dispute.closed"]


async def test_a_dispute_is_won_on_appeal_and_lost_again(world: World):
    paid = await world.create()
    reference = paid.psp_reference
    await world.notice(dispute("e1", reference, DisputeState.OPEN, at=1))
    await world.notice(dispute("e2", reference, DisputeState.LOST, at=2))
    await world.notice(dispute("e3", reference, DisputeState.OPEN, at=3))
    with pytest.raises(PaymentDisputed):
        await world.refund(paid)
    await world.notice(dispute("e4", reference, DisputeState.WON, at=4))
    assert (await world.get(paid)).disputes[0].state is DisputeState.WON
    await world.notice(dispute("e2 again", reference, DisputeState.LOST, at=2))
    assert (await world.get(paid)).disputes[0].state is DisputeState.WON, "an outdated notice"
    await world.notice(dispute("e5", reference, DisputeState.LOST, at=5))
    [ends] = (await world.get(paid)).disputes
    assert ends.state is DisputeState.LOST
    assert (await world.subjects())[1:] == [
        "dispute.opened",
        "dispute.closed",
        "dispute.updated",
        "dispute.closed",
        "dispute.closed",
    ]


async def test_a_changed_dispute_amount_is_stored_and_reported(world: World):
    paid = await world.create()
    await world.notice(dispute("e1", paid.psp_reference, DisputeState.OPEN, at=1))
    changed = dispute("e2", paid.psp_reference, DisputeState.OPEN, amount_minor=2000, at=2)
    await world.notice(changed)
    [now_is] = (await world.get(paid)).disputes
    assert (now_is.state, now_is.amount_minor) == (DisputeState.OPEN, 2000)
    [row] = await world.rows("SELECT amount_minor FROM disputes")
    assert row["amount_minor"] == 2000
    assert (await world.subjects())[1:] == ["dispute.opened", "dispute.updated"]


async def test_a_refund_in_the_psps_console_is_booked_although_a_dispute_is_open(world: World):
    paid = await world.create()
    await world.notice(dispute("e1", paid.psp_reference, DisputeState.OPEN))
    done = Approved("re_9", 1000)
    await world.notice(external_notice("e2", REFUND, paid.psp_reference, done, reference="re_9"))
    after = await world.get(paid)
    assert (after.state, after.refunded_minor) == (State.PARTIALLY_REFUNDED, 1000)
    assert after.refunds[0].state is RefundState.SUCCEEDED
