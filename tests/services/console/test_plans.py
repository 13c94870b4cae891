"""Instalment plans in the console: what is offered in which state, decisions with reasons, documents."""

from datetime import date, timedelta

import pytest

from incasso.instalments.v1 import plans_pb2
from incasso.payments.v1 import payments_pb2
from libs.errors import Kind, RemoteRefusal
from libs.roles import Role
from services.console.rules.dunning import steps
from tests.services.console.conftest import Console
from tests.services.console.plan_samples import PDF, PLAN, PLAN_ID, in_review, plan
from tests.services.console.samples import MEMBER_ID

PATH = f"/instalments/{PLAN_ID}"


def show(console: Console, found: plans_pb2.InstalmentPlan) -> None:
    answer = plans_pb2.GetInstalmentPlanResponse(plan=found)
    console.services.answers["GetInstalmentPlan"] = answer


async def test_plans_are_filtered_by_state_order_and_customer(console: Console):
    await console.page("/instalments?state=defaulted&order_reference=A-2002&customer_id=cus_1")
    asked = console.services.last("ListInstalmentPlans").request
    assert asked.state == PLAN.STATE_DEFAULTED
    assert (asked.order_reference, asked.customer_id) == ("A-2002", "cus_1")


async def test_a_decision_carries_its_reason_and_who_decided(console: Console):
    show(console, in_review())
    assert "would owe more than your limit" in await console.page(PATH)
    sent = {"decision": "refuse", "reason": "Two plans open"}
    status, place, _ = await console.post(f"{PATH}/review", sent)
    assert (status, place) == (303, f"{PATH}?notice=decided")
    asked = console.services.last("ReviewInstalmentPlan")
    assert asked.request.decision == plans_pb2.Review.DECISION_REFUSE
    assert (asked.request.reason, asked.request.decided_by) == ("Two plans open", "Anna Bianchi")
    assert asked.call.actor == MEMBER_ID
    intent = console.services.last("RecordIntent").request
    assert (intent.action, intent.subject_id) == ("instalments.ReviewInstalmentPlan", PLAN_ID)
    assert '"state":"in_review"' in intent.before


async def test_a_review_without_a_decision_is_refused(console: Console):
    show(console, in_review())
    status, _, page = await console.post(f"{PATH}/review", {"decision": "", "reason": "because"})
    assert status == 400
    assert "Choose whether to approve" in page
    assert 'value="because"' in page
    assert console.services.calls("ReviewInstalmentPlan") == 0


ACTIONS = {
    "in_review": {"review", "cancel"},
    "offered": {"cancel"},
    "active": {"pay", "settle", "refund", "reschedule"},
    "defaulted": {"pay", "settle", "refund", "write-off"},
    "completed": {"refund"},
    "refused": set[str](),
}


@pytest.mark.parametrize("state", ACTIONS)
async def test_a_plan_offers_what_its_state_allows(console: Console, state: str):
    show(console, plan(state=PLAN.State.Value(f"STATE_{state.upper()}")))
    page = await console.page(PATH)
    every = {action for actions in ACTIONS.values() for action in actions}
    assert {action for action in every if f'"{PATH}/{action}"' in page} == ACTIONS[state]


async def test_a_viewer_is_offered_no_actions(console: Console):
    console.act_as(Role.VIEWER)
    page = await console.page(PATH)
    assert f'action="{PATH}' not in page
    assert f'href="{PATH}/refund"' not in page


async def test_a_declined_charge_is_not_reported_as_paid(console: Console):
    declined = plan(decline=payments_pb2.Decline(message="insufficient funds"))
    console.services.answers["PayInstalment"] = plans_pb2.PayInstalmentResponse(plan=declined)
    _, place, _ = await console.post(f"{PATH}/pay", {"number": "2"})
    assert place == f"{PATH}?notice=not_paid"
    console.services.answers["PayInstalment"] = plans_pb2.PayInstalmentResponse(plan=plan())
    _, place, _ = await console.post(f"{PATH}/pay", {"number": "2"})
    assert place == f"{PATH}?notice=paid"
    assert console.services.last("PayInstalment").request.number == 2


async def test_a_plan_is_rescheduled_with_a_reason_and_who_decided(console: Console):
    page = await console.page(PATH)
    assert "Part 3 is due on" in page
    sent = {"number": "3", "due_on": "2026-12-30", "reason": "Salary comes later"}
    status, place, _ = await console.post(f"{PATH}/reschedule", sent)
    assert (status, place) == (303, f"{PATH}?notice=rescheduled")
    asked = console.services.last("RescheduleInstalmentPlan").request
    assert (asked.number, asked.due_on) == (3, "2026-12-30")
    assert (asked.reason, asked.decided_by) == ("Salary comes later", "Anna Bianchi")
    refusal = RemoteRefusal(Kind.UNPROCESSABLE, "deferral_too_long", "for developers")
    console.services.answers["RescheduleInstalmentPlan"] = refusal
    status, _, page = await console.post(f"{PATH}/reschedule", sent)
    assert status == 422
    assert "would become consumer credit" in page
    assert 'value="2026-12-30"' in page


async def test_a_plan_is_refunded_with_its_remaining_price_as_the_default(console: Console):
    status, place, _ = await console.post(f"{PATH}/refund", {"amount": "20,00", "reason": "reso"})
    assert (status, place) == (303, f"{PATH}?notice=refunded")
    asked = console.services.last("RefundInstalmentPlan").request
    assert (asked.amount.amount_minor, asked.amount.currency) == (2000, "EUR")
    assert 'value="119.00"' in await console.page(f"{PATH}/refund")  # 10.00 were refunded before


async def test_a_document_is_downloaded_unchanged(console: Console):
    async with console.request("GET", f"{PATH}/documents/agreement") as response:
        assert await response.read() == PDF
        assert response.content_type == "application/pdf"
        disposition = response.headers["Content-Disposition"]
        assert disposition.startswith(f'attachment; filename="agreement-{PLAN_ID}.pdf"')
    async with console.request("GET", f"{PATH}/documents/secret") as response:
        assert response.status == 400


def test_the_next_reminder_and_default_dates_are_given_until_the_default():
    due_on = date(2026, 11, 1)
    terms = {"remind_after": [1, 8, 15], "default_after": 60}
    found = steps(due_on, due_on + timedelta(days=2), **terms)
    assert (found.reminder_on, found.default_on) == (date(2026, 11, 9), date(2026, 12, 31))
    late = steps(due_on, due_on + timedelta(days=61), **terms)
    assert (late.reminder_on, late.default_on) == (None, None)


async def test_a_withdrawal_shows_what_is_owed_before_it_is_confirmed(console: Console):
    path = f"/instalments/{PLAN_ID}/withdraw"
    typed = {"name": "Giulia Bianchi", "sent_to": "giulia@example.com", "do": "look"}
    _, _, page = await console.post(path, typed)
    assert "€85.60" in page
    looked = console.services.last("WithdrawInstalmentPlan").request
    assert (looked.name, looked.sent_to, looked.confirm) == (
        typed["name"],
        typed["sent_to"],
        False,
    )
    _, place, _ = await console.post(path, {**typed, "do": "confirm"})
    assert place == f"/instalments/{PLAN_ID}?notice=withdrawn"
    assert console.services.last("WithdrawInstalmentPlan").request.confirm


async def test_previewing_a_withdrawal_issues_a_new_form_key(console: Console):
    path = f"/instalments/{PLAN_ID}/withdraw"
    first = "form-06f2kz0d-1x8q-5v7m-3n4b-6c9a2e000000"
    sent = {"key": first, "name": "G", "sent_to": "g@example.com", "do": "look"}
    _, _, page = await console.post(path, sent)
    assert first not in page
