"""The public view of refunds of plans: amounts refunded and repaid, and the events."""

from google.protobuf.message import Message

from incasso.instalments.v1 import events_pb2, plans_pb2
from libs import wire
from services.instalments.events import plan_pb
from services.instalments.rules.plans import Plan, Shown
from services.instalments.rules.repaying import PlanRefund, Repayment


def refund_pb(refund: PlanRefund) -> plans_pb2.InstalmentRefund:
    return wire.message(plans_pb2.InstalmentRefund, refund)


def repayment_pb(repayment: Repayment) -> plans_pb2.InstalmentRepayment:
    return wire.message(
        plans_pb2.InstalmentRepayment,
        repayment,
        payment_id=repayment.payment_id or None,
        numbers=[share.number for share in repayment.shares],
        reason=repayment.refusal.reason if repayment.refusal else None,
    )


def plan_refunded(shown: Shown, refund: PlanRefund) -> Message:
    return events_pb2.PlanRefunded(plan=plan_pb(shown), refund=refund_pb(refund))


def refund_failed(plan: Plan, repayment: Repayment) -> Message:
    return events_pb2.InstalmentRefundFailed(
        plan_id=plan.id,
        order_reference=plan.order_reference,
        payment_id=repayment.payment_id,
        amount=wire.money(repayment.amount),
        reason=repayment.refusal.reason if repayment.refusal else None,
    )
