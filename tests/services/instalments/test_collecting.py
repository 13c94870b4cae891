"""The outcome of charging a part: pure."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from libs.errors import StoredRefusal
from libs.money import Money
from libs.payments.answer import Advice, Decline, Outcome
from services.instalments.rules import collecting, current_schedule, offers
from services.instalments.rules.offers import Cart, Seller
from services.instalments.rules.plans import Collection, Instalment, Plan
from services.instalments.rules.states import CollectionState, InstalmentState, PlanState
from services.instalments.rules.terms import Dunning
from tests.services.instalments.given import MONTHLY, NOW, terms_of

ROME = ZoneInfo("Europe/Rome")
TERMS = terms_of(
    every=MONTHLY,
    grace_days=5,
    late_fee_minor=5_00,
    late_fees_most_minor=7_00,
    dunning=Dunning((), retry_after=(3, 8), remind_after=(), default_after=30),
)


def active(time_zone: str = "Europe/Rome") -> tuple[Plan, list[Instalment]]:
    """Three payments from 26 November; the first is paid."""
    cart = Cart(
        amount=Money(300_00, "EUR"),
        signed_on=date(2026, 11, 26),
        country="IT",
        categories=(),
        segments=(),
        delivered_on=None,
    )
    priced = offers.offer_of(
        TERMS, cart, Seller(jurisdiction="IT", large=False, authorised=True)
    ).priced
    assert priced is not None
    plan = Plan(
        merchant_id="mer_1",
        id="pln_1",
        state=PlanState.ACCEPTED,
        quote_id="iqt_1",
        customer_id="cus_1",
        order_reference="A-1",
        amount=cart.amount,
        locale="it",
        terms=TERMS,
        priced=priced,
        offer=b"",
        time_zone=time_zone,
        instrument_id="ins_1",
        return_url="",
        metadata={},
        trace_id="",
        expires_at=NOW,
        created_at=NOW,
        due_at=NOW,
    )
    parts = [collecting.collecting(part) for part in current_schedule.first_parts(plan)[:1]]
    parts += current_schedule.first_parts(plan)[1:]
    begun, dated = collecting.followed(plan, parts, asked(1), Outcome.SUCCEED, NOW)
    return begun, list(dated)


def asked(
    number: int, *, advice: Advice | None = None, by_customer: bool = False, card: str = "ins_1"
) -> Collection:
    return Collection(
        merchant_id="mer_1",
        id="icl_1",
        plan_id="pln_1",
        number=number,
        state=CollectionState.DECLINED,
        amount=Money(100_00, "EUR"),
        instrument_id=card,
        by_customer=by_customer,
        request=None,
        payment_id="pay_1",
        decline=None if advice is None else Decline(1, "no", None, advice),
        created_at=NOW,
    )


def after(
    ended: Collection, outcome: Outcome, at: datetime, time_zone: str = "Europe/Rome"
) -> tuple[Plan, Instalment]:
    """Plan and second part after a charge of it ended with this outcome."""
    plan, parts = active(time_zone)
    parts[1] = collecting.collecting(parts[1])
    plan, changed = collecting.followed(plan, parts, ended, outcome, at)
    return plan, changed[1]


def ten(day: int, month: int = 12, year: int = 2026) -> datetime:
    return datetime(year, month, day, 10, tzinfo=ROME)


def test_activation_dates_the_open_parts_but_not_the_plan():
    plan, parts = active()
    assert (plan.state, plan.due_at) == (PlanState.ACTIVE, None)
    assert [part.due_at for part in parts] == [None, ten(26), ten(26, 1, 2027)]


@pytest.mark.parametrize(
    ("advice", "retried_at"),
    [
        (Advice.LATER, ten(29)),
        (Advice.OTHER_PSP, ten(29)),
        (Advice.ASK_SHOPPER, None),
        (Advice.NEVER, None),
    ],
)
def test_the_advice_of_a_decline_decides_whether_the_part_is_retried(advice, retried_at):
    plan, part = after(asked(2, advice=advice), Outcome.DECLINE, ten(26))
    assert (part.state, part.advice) == (InstalmentState.MISSED, advice)
    assert (part.due_at, part.missed_at) == (retried_at, ten(26))
    assert plan.due_at == ten(1, 1, 2027)  # the day after the grace days


def test_a_decline_without_advice_is_not_retried():
    _, part = after(asked(2), Outcome.DECLINE, ten(26))
    assert (part.advice, part.due_at) == (Advice.ASK_SHOPPER, None)


def test_retries_follow_the_dunning_days():
    later = asked(2, advice=Advice.LATER)
    plan, parts = active()
    days = []
    for at in (ten(26), ten(29), ten(3, 1, 2027)):
        parts[1] = collecting.collecting(parts[1])
        plan, changed = collecting.followed(plan, parts, later, Outcome.DECLINE, at)
        parts = list(changed)
        days.append(parts[1].due_at)
    assert days == [ten(29), ten(3, 1, 2027), None]
    assert parts[1].missed_at == ten(26)


def test_a_late_first_charge_still_gets_all_its_retry_and_grace_days():
    plan, part = after(asked(2, advice=Advice.LATER), Outcome.DECLINE, ten(10, 1, 2027))
    assert part.due_at == ten(13, 1, 2027)
    assert plan.due_at == ten(16, 1, 2027)


@pytest.mark.parametrize("time_zone", ["Pacific/Kiritimati", "Pacific/Pago_Pago"])
def test_retry_and_grace_days_are_in_the_plans_time_zone(time_zone):
    zone = ZoneInfo(time_zone)
    at = datetime(2026, 12, 26, 10, tzinfo=zone)
    plan, part = after(
        asked(2, advice=Advice.LATER), Outcome.DECLINE, at.astimezone(UTC), time_zone
    )
    assert part.due_at == at + timedelta(days=3)
    assert plan.due_at == at + timedelta(days=6)


def refused(reason: str) -> Collection:
    refusal = StoredRefusal("CONFLICT", reason, "no")
    return replace(asked(2), state=CollectionState.REFUSED, refusal=refusal)


@pytest.mark.parametrize(
    ("ended", "outcome", "again_at"),
    [
        (refused("no_psp_account"), Outcome.REFUSE, ten(27)),
        (asked(2), Outcome.CANCEL, ten(27)),
        (asked(2), Outcome.REFUSE, ten(26) + timedelta(minutes=20)),  # not requested in time
        (asked(2, advice=Advice.NEVER, by_customer=True), Outcome.DECLINE, ten(26)),
    ],
)
def test_a_failure_not_caused_by_the_card_leaves_the_part_planned(ended, outcome, again_at):
    plan, part = after(ended, outcome, ten(26) + timedelta(minutes=20))
    assert (part.state, part.missed_at, plan.due_at) == (InstalmentState.PLANNED, None, None)
    assert part.due_at == again_at


def test_after_a_decline_of_a_replaced_card_the_new_card_is_charged_at_once():
    _, part = after(asked(2, advice=Advice.NEVER, card="ins_0"), Outcome.DECLINE, ten(26))
    assert (part.state, part.due_at) == (InstalmentState.MISSED, ten(26))


def test_late_fee_and_default_apply_once_and_on_their_days():
    plan, parts = active()
    parts[1] = collecting.collecting(parts[1])
    no = asked(2, advice=Advice.NEVER)
    plan, missed = collecting.followed(plan, parts, no, Outcome.DECLINE, ten(26))
    assert collecting.overdue(plan, missed, ten(31)) == (plan, list(missed))
    plan, parts = collecting.overdue(plan, missed, ten(1, 1, 2027))
    assert (parts[1].late_fee_minor, plan.due_at) == (5_00, ten(25, 1, 2027))
    assert collecting.overdue(plan, parts, ten(24, 1, 2027)) == (plan, list(parts))
    plan, parts = collecting.overdue(plan, parts, ten(25, 1, 2027))
    assert (plan.state, plan.due_at) == (PlanState.DEFAULTED, None)
    assert parts[1].late_fee_minor == 5_00


def test_paying_all_parts_completes_a_defaulted_plan():
    plan, parts = active()
    plan = replace(plan, state=PlanState.DEFAULTED)
    for number in (2, 3):
        parts[number - 1] = collecting.collecting(parts[number - 1])
        plan, changed = collecting.followed(plan, parts, asked(number), Outcome.SUCCEED, NOW)
        parts = list(changed)
    assert (plan.state, plan.ended_at, plan.due_at) == (PlanState.COMPLETED, NOW, None)
