"""What a customer does on the page of a plan: pay early or all at once, change the card, withdraw, return."""

from urllib.parse import urlsplit

import pytest

from incasso.instalments.v1 import plans_pb2 as pb
from incasso.payments.v1.payments_pb2 import Decline, Payment
from libs import ids
from tests.services.instalments.test_pages import PREFIX, address, by_token, page
from tests.services.instalments.test_plans import refusal

pytestmark = pytest.mark.asyncio(loop_scope="session")
Plan, Part = pb.InstalmentPlan, pb.Instalment
CREDIT = {
    "payments": 4,
    "interest_basis_points": 999,
    "upfront_fee_minor": 24_00,
    "payment_fee_minor": 50,
}
WHY = {"reason": "No answer to three letters", "decided_by": "Anna Bianchi"}
WHO = {"name": "Giulia Bianchi", "sent_to": "giulia@example.com"}


async def running(world, **terms) -> tuple[str, str]:
    """An active plan and the token of its page, ten days after it was signed."""
    plan = await world.active(1_200_00, **(terms or CREDIT))
    token = (await address(world, plan.id)).removeprefix(PREFIX)
    await world.pass_by(days=10)
    return plan.id, token


async def pay(world, token: str, amount_minor: int, *, key: str = "pay", **more):
    fields = {"token": token, "amount_minor": amount_minor, **more}
    return (await by_token(world, "PayPlanPage", key=key, **fields)).page


async def test_the_page_shows_payable_amounts_with_their_rebates(world):
    plan_id, token = await running(world)
    shown = await page(world, token)
    settlement = (await world.call("GetInstalmentSettlement", plan_id=plan_id)).settlement
    assert shown.settlement == settlement
    parts = shown.plan.instalments[1:]
    assert [each.number for each in shown.payable] == [2, 3, 4]
    for each, part in zip(shown.payable, parts, strict=True):
        assert each.rebate_minor > 0
        assert each.amount_minor == part.amount_minor - each.rebate_minor
    assert [card.card.instrument_id for card in shown.cards] == ["ins_good"]


async def test_a_part_is_paid_early_for_the_amount_shown(world):
    _, token = await running(world)
    second = (await page(world, token)).payable[0]
    paid = await pay(world, token, second.amount_minor, number=2)
    assert paid.plan.instalments[1].state == Part.STATE_PAID
    assert paid.plan.instalments[1].amount_minor == second.amount_minor
    again = await pay(world, token, second.amount_minor, number=2)
    assert (again.plan, len(world.payments.books)) == (paid.plan, 2)
    closed = pay(world, token, second.amount_minor, number=2, key="another")
    assert await refusal(closed) == "instalment_closed"


async def test_the_plan_is_settled_for_the_amount_shown(world):
    _, token = await running(world)
    figure = (await page(world, token)).settlement
    ended = await pay(world, token, figure.amount.amount_minor)
    assert ended.plan.state == Plan.STATE_COMPLETED
    assert list(world.payments.books.values())[-1].amount == figure.amount
    assert (list(ended.payable), ended.HasField("settlement")) == ([], False)


@pytest.mark.parametrize("number", [None, 2])
async def test_an_outdated_amount_is_refused(world, number):
    """For example, the amount of an earlier day."""
    _, token = await running(world)
    shown = await page(world, token)
    amount = shown.payable[0].amount_minor if number else shown.settlement.amount.amount_minor
    await world.pass_by(days=5)
    more = {"number": number} if number else {}
    assert await refusal(pay(world, token, amount, **more)) == "amount_changed"
    assert len(world.payments.books) == 1
    assert (await page(world, token)).plan == shown.plan


async def test_the_page_offers_no_actions_during_a_charge(world):
    _, token = await running(world)
    figure = (await page(world, token)).settlement
    world.payments.state = Payment.STATE_PROCESSING
    shown = await pay(world, token, figure.amount.amount_minor)
    assert list(shown.payable) == []
    assert not shown.HasField("settlement")
    assert not shown.HasField("withdraw_until")
    assert list(shown.cards) == []
    second = pay(world, token, 1, number=2, key="another")
    assert await refusal(second) == "plan_busy"


async def test_a_challenge_returns_to_the_page_without_revealing_its_token(world):
    _, token = await running(world)
    await pay(world, token, (await page(world, token)).settlement.amount.amount_minor)
    asked = world.payments.calls["CreatePayment"][-1]
    path = urlsplit(asked.return_url).path
    assert path.startswith("/plan/return/")
    assert token not in asked.return_url
    reference = path.removeprefix("/plan/return/")
    assert (await by_token(world, "GetPlanReturn", reference=reference)).token == token
    for strange in (reference[:-4], "x", token):
        assert await refusal(by_token(world, "GetPlanReturn", reference=strange)) == (
            "plan_not_found"
        )


async def test_choosing_a_card_on_the_page_charges_the_missed_part(world):
    plan_id, token = await running(world)
    world.say_no(Decline.ADVICE_ASK_SHOPPER)
    assert (await world.collected(plan_id, 2)).state == Part.STATE_MISSED
    world.say_yes()
    shown = (
        await by_token(world, "ReplacePlanPageCard", token=token, instrument_id="ins_good")
    ).page
    assert shown.plan.instrument_id == "ins_good"
    await world.collect()
    assert (await world.get(plan_id)).instalments[1].state == Part.STATE_PAID
    strange = by_token(world, "ReplacePlanPageCard", token=token, instrument_id="ins_other")
    assert await refusal(strange) == "instrument_not_found"


async def test_a_withdrawal_takes_two_steps_and_yields_a_receipt(world):
    plan_id, token = await running(world)
    before = await page(world, token)
    signed = before.plan.acceptance.accepted_at.ToDatetime().date()
    until = signed.fromisoformat(before.withdraw_until)
    assert (until - signed).days in (14, 15)  # in another time zone, one more
    first = await by_token(world, "WithdrawPlanPage", token=token, **WHO)
    assert first.withdrawal.owed_minor > 0
    assert first.page.plan == before.plan
    second = await by_token(world, "WithdrawPlanPage", token=token, confirm=True, **WHO)
    assert second.withdrawal == first.withdrawal == second.page.plan.withdrawal
    assert second.page.plan.state == Plan.STATE_WITHDRAWN
    assert not second.page.HasField("withdraw_until")
    assert [each.number for each in second.page.payable] == [5]  # the last part
    assert "Giulia" not in str(second.page)
    receipt = await by_token(world, "GetPlanPageDocument", token=token, kind="KIND_RECEIPT")
    kept = await world.call("GetInstalmentDocument", plan_id=plan_id, kind="KIND_RECEIPT")
    assert receipt.document == kept.document


async def test_a_withdrawal_after_its_deadline_is_neither_shown_nor_accepted(world):
    _, token = await running(world)
    await world.pass_by(days=5)
    assert not (await page(world, token)).HasField("withdraw_until")
    late = by_token(world, "WithdrawPlanPage", token=token, confirm=True, **WHO)
    assert await refusal(late) == "withdrawal_too_late"


@pytest.mark.parametrize("state", ["offered", "in_review", "completed"])
async def test_the_page_of_an_inactive_plan_offers_no_actions(world, state):
    if state == "completed":
        _, token = await running(world)
        await pay(world, token, (await page(world, token)).settlement.amount.amount_minor)
    else:
        if state == "in_review":
            limit = {"amount_minor": 100, "currency": "EUR"}
            await world.call("UpdateInstalmentSettings", exposure_limit=limit)
        await world.creditor()
        token = (await world.plan()).url.removeprefix(PREFIX)
    shown = await page(world, token)
    assert list(shown.payable) == []
    assert not shown.HasField("settlement")
    assert not shown.HasField("withdraw_until")
    fields = {"token": token, "amount_minor": 1, "instrument_id": "ins_good"}
    for asked in (
        by_token(world, "PayPlanPage", key="k1", **fields),
        by_token(world, "PayPlanPage", key="k2", number=1, **fields),
        by_token(world, "ReplacePlanPageCard", token=token, instrument_id="ins_good"),
        by_token(world, "WithdrawPlanPage", token=token, confirm=True, **WHO),
    ):
        assert await refusal(asked) in ("plan_not_active", "instalment_closed")


async def test_a_written_off_part_can_still_be_paid(world):
    plan_id, token = await running(world)
    world.say_no(Decline.ADVICE_ASK_SHOPPER)
    assert (await world.collected(plan_id, 2)).state == Part.STATE_MISSED
    await world.call("WriteOffInstalmentPlan", plan_id=plan_id, number=2, **WHY)
    world.say_yes()
    shown = await page(world, token)
    second = next(each for each in shown.payable if each.number == 2)
    paid = await pay(world, token, second.amount_minor, number=2)
    assert paid.plan.instalments[1].state == Part.STATE_PAID


async def test_a_token_opens_only_its_own_plan(world):
    """Each merchant's token opens its own plan, and an unknown token opens none."""
    _, token = await running(world)
    world.merchant_id = ids.new("mer")
    _, other = await running(world)
    assert (await page(world, token)).plan.id != (await page(world, other)).plan.id
    nobody = {"token": other[:-1] + ("A" if other[-1] != "A" else "B")}
    for asked in (
        by_token(world, "PayPlanPage", key="k1", amount_minor=1, **nobody),
        by_token(world, "ReplacePlanPageCard", instrument_id="ins_good", **nobody),
        by_token(world, "WithdrawPlanPage", confirm=True, **WHO, **nobody),
    ):
        assert await refusal(asked) == "plan_not_found"
