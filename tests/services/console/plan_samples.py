"""What instalments answers in the console's tests: a plan with a missed part, and one to review."""

import base64
from typing import Any

from incasso.common.v1 import offer_pb2
from incasso.instalments.v1 import instalments_pb2, plans_pb2
from tests.services.console.samples import PAYMENT_ID, TRACE, money, stamp

PLAN_ID = "pln_06f2kz0d1x8q5v7m3n4b6c9a2e"
PDF = b"%PDF-1.7 the agreement"
PLAN = plans_pb2.InstalmentPlan


def part(number: int, state: int, **more: Any) -> plans_pb2.Instalment:
    values = {
        "number": number,
        "state": state,
        "due_on": f"2026-{9 + number}-15",
        "principal_minor": 4300,
        "amount_minor": 4300,
    }
    return plans_pb2.Instalment(**(values | more))


def plan(**more: Any) -> plans_pb2.InstalmentPlan:
    states = plans_pb2.Instalment
    values = {
        "id": PLAN_ID,
        "state": PLAN.STATE_ACTIVE,
        "order_reference": "A-2002",
        "customer_id": "cus_1",
        "amount": money(12900),
        "offer": offer_pb2.InstalmentOffer(terms_id="trm_1", name="Tre rate", payments=3),
        "instalments": [
            part(1, states.STATE_PAID, paid_at=stamp(), payment_id=PAYMENT_ID),
            part(2, states.STATE_MISSED, missed_at=stamp(), due_at=stamp(), late_fee_minor=300),
            part(3, states.STATE_PLANNED, due_at=stamp(), interest_minor=40),
        ],
        "paid_minor": 4300,
        "outstanding_minor": 8600,
        "price_refunded_minor": 1000,
        "acceptance": plans_pb2.Acceptance(accepted_at=stamp()),
        "trace_id": TRACE,
        "created_at": stamp(),
    }
    return PLAN(**(values | more))


def in_review() -> plans_pb2.InstalmentPlan:
    concerns = [
        plans_pb2.Review.CONCERN_EXPOSURE_LIMIT,
        plans_pb2.Review.CONCERN_SCORE_UNAVAILABLE,
    ]
    review = plans_pb2.Review(concerns=concerns, opened_at=stamp())
    return plan(state=PLAN.STATE_IN_REVIEW, review=review, price_refunded_minor=0)


def of_instalments() -> dict[str, Any]:
    """Answers by RPC."""
    found = plans_pb2.GetInstalmentPlanResponse(plan=plan())
    back = plans_pb2.InstalmentRepayment(
        payment_id=PAYMENT_ID,
        state=plans_pb2.InstalmentRepayment.STATE_SUCCEEDED,
        amount=money(400),
    )
    refund = plans_pb2.InstalmentRefund(
        id="irf_1", amount=money(1000), reason="reso", created_at=stamp(), repayments=[back]
    )
    settlement = plans_pb2.InstalmentSettlement(
        on="2026-11-27",
        principal_minor=8600,
        interest_minor=120,
        interest_rebate_minor=80,
        amount=money(8640),
    )
    dunning = instalments_pb2.Dunning(remind_after=[1, 8, 400], default_after=500)
    terms = instalments_pb2.InstalmentTerms(id="trm_1", dunning=dunning)
    document = plans_pb2.InstalmentDocument(content=base64.b64encode(PDF).decode())
    return {
        "ListInstalmentPlans": plans_pb2.ListInstalmentPlansResponse(
            data=[plan(), in_review()], next_cursor="more"
        ),
        "ListInstalmentReviews": plans_pb2.ListInstalmentReviewsResponse(data=[in_review()]),
        "WithdrawInstalmentPlan": plans_pb2.WithdrawInstalmentPlanResponse(
            plan=plan(),
            withdrawal=plans_pb2.Withdrawal(
                noticed_on="2026-11-27",
                repay_by="2026-12-27",
                capital_minor=8600,
                paid_back_minor=40,
                owed_minor=8560,
            ),
        ),
        "GetInstalmentPlan": found,
        "ListInstalmentRefunds": plans_pb2.ListInstalmentRefundsResponse(data=[refund]),
        "GetInstalmentTerms": instalments_pb2.GetInstalmentTermsResponse(terms=terms),
        "GetInstalmentSettlement": plans_pb2.GetInstalmentSettlementResponse(settlement=settlement),
        "GetInstalmentDocument": plans_pb2.GetInstalmentDocumentResponse(document=document),
        "RescheduleInstalmentPlan": plans_pb2.RescheduleInstalmentPlanResponse(plan=plan()),
        "PayInstalment": plans_pb2.PayInstalmentResponse(plan=plan()),
    }
