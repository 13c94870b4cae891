"""The gRPC servicer of plans."""

from typing import Final

from incasso.instalments.v1 import plans_pb2 as pb
from libs import context, pages, servicer, wire
from services.instalments.deps import Deps
from services.instalments.errors import PlanNotFound
from services.instalments.events import (
    document_pb,
    plan_pb,
    settlement_pb,
    withdrawal_pb,
)
from services.instalments.flows import (
    cancelling,
    documents,
    financing,
    paying,
    plans,
    refunding,
    rescheduling,
    reviewing,
    settling,
    signing,
    withdrawing,
    writing_off,
)
from services.instalments.flows import page as page_flow
from services.instalments.flows.plans import Filter
from services.instalments.flows.withdrawing import WithdrawPlan
from services.instalments.refund_events import refund_pb, repayment_pb
from services.instalments.rules.plans import Document, DocumentKind, Shown
from services.instalments.rules.repaying import PlanRefund
from services.instalments.rules.settling import Figure
from services.instalments.store.plans import PLANS
from services.instalments.store.refunds import REFUNDS, of_refunds

_KINDS: Final = wire.members(DocumentKind, pb.InstalmentDocument.Kind)


async def _list_plans(
    deps: Deps, request: pb.ListInstalmentPlansRequest
) -> pb.ListInstalmentPlansResponse:
    wanted, page = wire.read(Filter, request), pages.asked(request, "pln")
    found, cursor = await plans.list_plans(deps, context.merchant_id(), wanted, page)
    return pb.ListInstalmentPlansResponse(data=map(plan_pb, found), next_cursor=cursor)


async def _list_reviews(
    deps: Deps, request: pb.ListInstalmentReviewsRequest
) -> pb.ListInstalmentReviewsResponse:
    page = pages.asked(request, "pln")
    found, cursor = await reviewing.list_reviews(deps, context.merchant_id(), page)
    return pb.ListInstalmentReviewsResponse(data=map(plan_pb, found), next_cursor=cursor)


async def _get_document(deps: Deps, request: pb.GetInstalmentDocumentRequest) -> Document:
    return await documents.get_document(deps, request.plan_id, _KINDS[request.kind])


async def _withdraw(
    deps: Deps, request: pb.WithdrawInstalmentPlanRequest
) -> pb.WithdrawInstalmentPlanResponse:
    shown, due = await withdrawing.withdraw(deps, wire.read(WithdrawPlan, request))
    return pb.WithdrawInstalmentPlanResponse(plan=plan_pb(shown), withdrawal=withdrawal_pb(due))


async def _add_repayments(deps: Deps, answer: pb.ListInstalmentRefundsResponse) -> None:
    listed = {refund.id: refund for refund in answer.data}
    for one in await deps.db.run(of_refunds, context.merchant_id(), list(listed)):
        listed[one.refund_id or ""].repayments.append(repayment_pb(one))


async def _add_url(deps: Deps, answer: pb.CreateInstalmentPlanResponse) -> None:
    """Adds the page's URL, which the stored answer lacks: the token is sealed elsewhere."""
    answer.plan.url = await page_flow.get_address(deps, answer.plan.id)


InstalmentPlans: Final = servicer.of(
    "incasso.instalments.v1.InstalmentPlansService",
    shows={
        Shown: plan_pb,
        Document: document_pb,
        Figure: settlement_pb,
        PlanRefund: refund_pb,
    },
    CreateInstalmentPlan=servicer.Completed(plans.create_plan, _add_url),
    GetInstalmentPlan=plans.get_plan,
    ListInstalmentPlans=_list_plans,
    GetInstalmentDocument=_get_document,
    SignInstalmentPlan=signing.sign_plan,
    PayInstalmentPlanByPartner=financing.pay_by_partner,
    PayInstalment=paying.pay_instalment,
    ReplacePlanInstrument=paying.replace_instrument,
    CancelInstalmentPlan=cancelling.cancel_plan,
    GetInstalmentSettlement=settling.get_settlement,
    SettleInstalmentPlan=settling.settle_plan,
    WithdrawInstalmentPlan=_withdraw,
    WriteOffInstalmentPlan=writing_off.write_off,
    RescheduleInstalmentPlan=rescheduling.reschedule,
    RefundInstalmentPlan=refunding.refund_plan,
    RetryInstalmentRefunds=refunding.retry_refunds,
    ListInstalmentRefunds=servicer.Completed(
        servicer.Rows(
            REFUNDS, "prf", within=servicer.Row(PLANS, PlanNotFound), columns={"plan_id": "plan_id"}
        ),
        _add_repayments,
    ),
    ListInstalmentReviews=_list_reviews,
    ReviewInstalmentPlan=reviewing.review_plan,
)
