"""Changes to an instalment plan: review, cancel, charge, settle, withdraw, refund, write off, reschedule."""

from typing import Final

from google.protobuf.message import Message

from incasso.common.v1 import money_pb2
from incasso.instalments.v1 import plans_pb2
from libs.clock import world_now
from libs.errors import invalid
from libs.money import Money
from services.console.areas.instalments import AREA, PARTS, READS, one, plan_of
from services.console.errors import ReauthenticationNeeded
from services.console.listing import enum_value
from services.console.page import Handler, Html, Page, See, get, post
from services.console.rules.amounts import amount_of, typed
from services.console.rules.proving import needs_proof, proof_is_fresh
from services.console.visit import KEY, Visit

MAX_NAME: Final = 100  # of the person who decided


async def review(visit: Visit) -> See:
    """Approves or refuses, with the reason."""
    decision = enum_value(plans_pb2.Review.Decision, visit.typed("decision"))
    if decision is None:
        raise invalid("decision", visit.word("decision_missing"))
    request = plans_pb2.ReviewInstalmentPlanRequest(
        plan_id=visit.part("plan_id"),
        decision=decision,
        reason=visit.typed("reason"),
        decided_by=_decider(visit),
    )
    return await _changed(visit, request, "decided")


async def cancel(visit: Visit) -> See:
    request = plans_pb2.CancelInstalmentPlanRequest(plan_id=visit.part("plan_id"))
    return await _changed(visit, request, "cancelled")


async def pay(visit: Visit) -> See:
    """Charges one part now, at the customer's request."""
    request = plans_pb2.PayInstalmentRequest(
        plan_id=visit.part("plan_id"), number=visit.number("number")
    )
    return await _changed(visit, request, "paid", unless="not_paid")


async def settle_form(visit: Visit) -> Html:
    """The cost of settling the plan today, before it is charged."""
    wanted = plans_pb2.GetInstalmentSettlementRequest(plan_id=visit.part("plan_id"))
    settlement = (await visit.ask(wanted)).settlement
    return Html("plan_settle.html", {"plan": await plan_of(visit), "settlement": settlement})


async def settle(visit: Visit) -> See:
    request = plans_pb2.SettleInstalmentPlanRequest(plan_id=visit.part("plan_id"))
    return await _changed(visit, request, "settled", unless="not_paid")


async def refund_form(visit: Visit) -> Html:
    plan = await plan_of(visit)
    left = Money(plan.amount.amount_minor - plan.price_refunded_minor, plan.amount.currency)
    return Html("plan_refund.html", {"plan": plan, "left": left, "typed": typed(left)})


async def refund(visit: Visit) -> See:
    """Refunds part of the price. Above a limit, the person has to prove their identity first."""
    plan = await plan_of(visit)
    amount = amount_of(visit.typed("amount"), plan.amount.currency)
    if amount is None:
        raise invalid("amount", visit.word("amount_unreadable"))
    if needs_proof(amount) and not proof_is_fresh(visit.who.proved_at, world_now()):
        raise ReauthenticationNeeded
    request = plans_pb2.RefundInstalmentPlanRequest(
        plan_id=plan.id,
        amount=money_pb2.Money(amount_minor=amount.amount_minor, currency=amount.currency),
        reason=visit.typed("reason") or None,
    )
    return await _changed(visit, request, "refunded")


async def withdraw_form(visit: Visit) -> Html:
    return Html("plan_withdraw.html", {"plan": await plan_of(visit), "withdrawal": None})


async def withdraw(visit: Visit) -> Html | See:
    """At the customer's request: shows what they owe, then records the withdrawal."""
    plan = await plan_of(visit)
    confirmed = visit.typed("do") == "confirm"
    request = plans_pb2.WithdrawInstalmentPlanRequest(
        plan_id=plan.id,
        name=visit.typed("name"),
        sent_to=visit.typed("sent_to"),
        confirm=confirmed,
    )
    answer = await visit.change(request, subject=plan.id, before=plan)
    if confirmed:
        return See(f"/instalments/{plan.id}", notice="withdrawn")
    visit.form = {**visit.form, KEY: ""}  # the confirmation is another change
    return Html("plan_withdraw.html", {"plan": plan, "withdrawal": answer.withdrawal})


async def retry_refunds(visit: Visit) -> See:
    request = plans_pb2.RetryInstalmentRefundsRequest(plan_id=visit.part("plan_id"))
    return await _changed(visit, request, "retried")


async def write_off(visit: Visit) -> See:
    """Writes off the balance, or one missed part."""
    request = plans_pb2.WriteOffInstalmentPlanRequest(
        plan_id=visit.part("plan_id"),
        number=visit.number("number") or None,
        reason=visit.typed("reason"),
        decided_by=_decider(visit),
    )
    return await _changed(visit, request, "written_off")


async def reschedule(visit: Visit) -> See:
    """Postpones the next part and those after it."""
    request = plans_pb2.RescheduleInstalmentPlanRequest(
        plan_id=visit.part("plan_id"),
        number=visit.number("number"),
        due_on=visit.typed("due_on"),
        reason=visit.typed("reason"),
        decided_by=_decider(visit),
    )
    return await _changed(visit, request, "rescheduled")


async def _changed(visit: Visit, request: Message, notice: str, *, unless: str = "") -> See:
    """`unless`: the message instead of `notice` if the payment was declined or needs the customer."""
    plan = await plan_of(visit)
    answer = await visit.change(request, subject=plan.id, before=plan)
    unpaid = answer.plan.HasField("decline") or answer.plan.HasField("next_action")
    return See(f"/instalments/{plan.id}", notice=unless if unless and unpaid else notice)


def _decider(visit: Visit) -> str:
    return (visit.who.person.name or visit.who.person.email)[:MAX_NAME]


def _page(name: str, handle: Handler, rpc: str) -> Page:
    calls = (*READS, f"instalments.{rpc}")
    return post(f"/instalments/{{plan_id}}/{name}", handle, AREA, *calls, parts=PARTS, again=one)


SETTLES: Final = (
    *READS,
    "instalments.GetInstalmentSettlement",
    "instalments.SettleInstalmentPlan",
)
WITHDRAWS: Final = (*READS, "instalments.WithdrawInstalmentPlan")
REFUNDS: Final = (*READS, "instalments.RefundInstalmentPlan")
PAGES: Final[tuple[Page, ...]] = (
    _page("review", review, "ReviewInstalmentPlan"),
    _page("cancel", cancel, "CancelInstalmentPlan"),
    _page("pay", pay, "PayInstalment"),
    _page("write-off", write_off, "WriteOffInstalmentPlan"),
    _page("reschedule", reschedule, "RescheduleInstalmentPlan"),
    _page("retry-refunds", retry_refunds, "RetryInstalmentRefunds"),
    get("/instalments/{plan_id}/settle", settle_form, AREA, *SETTLES),
    post("/instalments/{plan_id}/settle", settle, AREA, *SETTLES, again=settle_form),
    get("/instalments/{plan_id}/withdraw", withdraw_form, AREA, *WITHDRAWS),
    post("/instalments/{plan_id}/withdraw", withdraw, AREA, *WITHDRAWS, again=withdraw_form),
    get("/instalments/{plan_id}/refund", refund_form, AREA, *REFUNDS),
    post("/instalments/{plan_id}/refund", refund, AREA, *REFUNDS, again=refund_form),
)
