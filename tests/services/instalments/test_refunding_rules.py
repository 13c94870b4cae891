"""A refund of a plan for every percentage and moment: money charged is kept, refunded, or to be refunded."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from libs.money import Money
from libs.payments.repayments import RefundReport, RepaymentEvent, RepaymentState, after_report
from services.instalments.errors import PlanBusy
from services.instalments.rules.collecting import collecting
from services.instalments.rules.current_schedule import remaining_price, schedule_of
from services.instalments.rules.plans import OPEN, Instalment, Plan
from services.instalments.rules.refunding import refunded
from services.instalments.rules.repaying import Repayment, moved, shares_of
from services.instalments.rules.states import InstalmentState, PlanState
from tests.services.instalments.given import NOW
from tests.services.instalments.test_collecting import active


def at_moment(until: int, rebate: int, late: int) -> tuple[Plan, list[Instalment]]:
    """`until` of three parts are paid: the last of them early, less `rebate`; the next one is late."""
    plan, parts = active()
    for index, part in enumerate(parts):
        if index < until:
            off = rebate if index == until - 1 and index else 0
            parts[index] = replace(
                part,
                state=InstalmentState.PAID,
                paid_at=NOW,
                due_at=None,
                payment_id=f"pay_{index}",
                rebate_minor=off,
            )
        elif index == until and late:
            parts[index] = replace(
                part, state=InstalmentState.MISSED, missed_at=NOW, late_fee_minor=late
            )
    state = PlanState.COMPLETED if until == 3 else PlanState.ACTIVE
    return replace(plan, state=state), parts


moments = st.builds(at_moment, st.integers(1, 3), st.integers(0, 99_00), st.integers(0, 5_00))


def charged(part: Instalment) -> int:
    return part.amount_minor + part.refunded_minor + part.refunding_minor


@settings(max_examples=100)
@given(moments, st.lists(st.integers(1, 100), min_size=1, max_size=4))
def test_everything_sums_to_the_cent_at_every_moment_however_often(at, percentages):
    plan, parts = at
    taken = [charged(part) for part in parts if part.state is InstalmentState.PAID]
    for percent in percentages:
        amount = max(remaining_price(plan) * percent // 100, 1)
        if not remaining_price(plan):
            break
        found = refunded(plan, parts, amount, NOW)
        shares = [share for shares in found.shares.values() for share in shares]
        back = sum(
            after.refunding_minor - part.refunding_minor
            for part, after in zip(parts, found.parts, strict=True)
        )
        assert back == found.give_back_minor == sum(share.amount_minor for share in shares)
        assert all(
            0 <= after.amount_minor <= part.amount_minor
            for part, after in zip(parts, found.parts, strict=True)
        )
        assert all(after.amount_minor > 0 for after in found.parts if after.state in OPEN)
        plan, parts = found.plan, list(found.parts)
        assert sum(part.principal_minor for part in parts) == remaining_price(plan)
        assert schedule_of(plan, parts).amount.amount_minor == remaining_price(plan)
    assert [charged(part) for part in parts if part.state is InstalmentState.PAID] == taken
    if not remaining_price(plan):
        assert sum(part.amount_minor for part in parts) == sum(
            part.late_fee_minor for part in parts if part.state is InstalmentState.PAID
        )


def made_elsewhere(number: int, amount_minor: int) -> Repayment:
    return Repayment(
        merchant_id="mer_1",
        id="irp_1",
        plan_id="pln_1",
        refund_id=None,
        payment_id=f"pay_{number - 1}",
        state=RepaymentState.STARTED,
        amount=Money(amount_minor, "EUR"),
        shares=(),
        created_at=NOW,
    )


@settings(max_examples=100)
@given(moments, st.integers(1, 150_00), st.integers(0, 100))
def test_a_refund_made_elsewhere_is_true_and_its_return_restores_the_plan(at, amount, percent):
    plan, parts = at
    if percent and remaining_price(plan) * percent // 100:
        found = refunded(plan, parts, remaining_price(plan) * percent // 100, NOW)
        plan, parts = found.plan, list(found.parts)
    first = parts[0]
    most = min(amount, charged(first))
    made = made_elsewhere(1, most)
    shares = shares_of(parts, [1], most, ())
    assert sum(share.amount_minor for share in shares) == most
    news = after_report(
        replace(made, shares=shares), RefundReport(RepaymentEvent.SUCCEED, NOW, "ref_1")
    )
    assert news is not None
    after = moved(plan, parts, made, news)
    assert after[1][0].refunded_minor == first.refunded_minor + most
    assert charged(after[1][0]) == charged(first)
    back = after_report(news, RefundReport(RepaymentEvent.FAIL, NOW, "ref_1"))
    assert back is not None
    assert moved(*after, news, back) == (plan, parts)


def test_a_plan_is_busy_while_a_part_is_being_charged():
    plan, parts = at_moment(1, 0, 0)
    parts[1] = collecting(parts[1])
    with pytest.raises(PlanBusy):
        refunded(plan, parts, 1, NOW)
