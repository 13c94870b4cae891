"""The gRPC servicer for customers: the token of a plan's page is the only credential.

Flows that take the Plan are called after it was opened: from then on the call acts for its
merchant, and its idempotency key is one of that merchant's.
"""

from typing import Final

from incasso.common.v1 import offer_pb2
from incasso.instalments.v1 import pages_pb2 as pb
from incasso.instalments.v1 import plans_pb2
from libs import servicer, wire
from libs.idempotency import needed_key_of
from services.instalments.deps import Deps
from services.instalments.events import document_pb, plan_pb, settlement_pb, withdrawal_pb
from services.instalments.flows import page, page_forms
from services.instalments.flows.page import PlanPage
from services.instalments.flows.page_forms import (
    PayPage,
    PayPageByPartner,
    SaveCard,
    SignPage,
    WithdrawPage,
)
from services.instalments.rules.cards import CardState, NewCard
from services.instalments.rules.plans import UNSIGNED, Document, DocumentKind, Plan, Shown

_KIND_NUMBERS: Final = wire.numbers(DocumentKind, plans_pb2.InstalmentDocument.Kind)
_CARD_NUMBERS: Final = wire.numbers(CardState, pb.GetPlanReturnResponse.Card)
_KINDS: Final = wire.members(DocumentKind, plans_pb2.InstalmentDocument.Kind)


async def _document(deps: Deps, opened: Plan, request: pb.GetPlanPageDocumentRequest) -> Document:
    return await page.get_document(deps, opened, _KINDS[request.kind])


async def _save_card(
    deps: Deps, opened: Plan, request: pb.SavePlanPageCardRequest
) -> pb.SavePlanPageCardResponse:
    ip = wire.opt(request, "ip")
    request.ClearField("ip")  # a form resubmitted from another address is the same form
    key, card = needed_key_of(request, "SavePlanPageCard"), wire.read(NewCard, request)
    saved = await page_forms.save_card(deps, opened, SaveCard(request.token, card, ip), key)
    answer = pb.SavePlanPageCardResponse(instrument_id=saved.instrument_id)
    if saved.challenge_url:
        answer.next_action.type, answer.next_action.url = "redirect", saved.challenge_url
    return answer


async def _sign(deps: Deps, opened: Plan, request: pb.SignPlanPageRequest) -> PlanPage:
    ip = wire.opt(request, "ip")
    request.ClearField("ip")  # a form resubmitted from another address is the same form
    key = needed_key_of(request, "SignPlanPage")
    return await page_forms.sign(deps, opened, wire.read(SignPage, request, ip=ip), key)


async def _pay_by_partner(
    deps: Deps, opened: Plan, request: pb.PayPlanPageByPartnerRequest
) -> PlanPage:
    key = needed_key_of(request, "PayPlanPageByPartner")
    return await page_forms.pay_by_partner(deps, opened, wire.read(PayPageByPartner, request), key)


async def _pay(deps: Deps, opened: Plan, request: pb.PayPlanPageRequest) -> PlanPage:
    key = needed_key_of(request, "PayPlanPage")
    return await page_forms.pay(deps, opened, wire.read(PayPage, request), key)


async def _return(deps: Deps, request: pb.GetPlanReturnRequest) -> pb.GetPlanReturnResponse:
    back = await page_forms.get_return(deps, request.reference)
    answer = pb.GetPlanReturnResponse(token=back.token)
    if back.card is not None:
        answer.card = _CARD_NUMBERS[back.card]
    if back.challenge_url:
        answer.next_action.type, answer.next_action.url = "redirect", back.challenge_url
    return answer


async def _withdraw(
    deps: Deps, opened: Plan, request: pb.WithdrawPlanPageRequest
) -> pb.WithdrawPlanPageResponse:
    shown, due = await page_forms.withdraw(deps, opened, wire.read(WithdrawPage, request))
    return pb.WithdrawPlanPageResponse(page=page_pb(shown), withdrawal=withdrawal_pb(due))


def page_pb(found: PlanPage) -> pb.PlanPage:
    can, plan = found.choices, found.shown.plan
    return wire.message(
        pb.PlanPage,
        found,
        plan=_plan_pb(found.shown),
        merchant=wire.message(pb.PlanMerchant, found.merchant),
        cards=[
            wire.message(pb.PlanCard, card, card=wire.message(offer_pb2.OfferedCard, card))
            for card in found.cards
        ],
        handed_over=[_KIND_NUMBERS[kind] for kind in found.handed_over],
        locale=plan.locale,
        payable=[wire.message(pb.PayablePart, part) for part in can.payable],
        card_field=None
        if found.card_field is None
        else wire.message(pb.PlanCardField, found.card_field),
        settlement=None if can.settlement is None else settlement_pb(can.settlement),
        return_url=(plan.return_url or None) if plan.state in UNSIGNED else None,
        withdraw_until=None if can.withdraw_until is None else can.withdraw_until.isoformat(),
    )


def _plan_pb(shown: Shown) -> plans_pb2.InstalmentPlan:
    """The plan, without anything that the holder of a forwarded URL should not see."""
    plan = plan_pb(shown)
    for name in ("metadata", "trace_id", "customer_id", "quote_id", "review"):
        plan.ClearField(name)
    if plan.HasField("acceptance"):
        plan.acceptance.ClearField("ip")
    return plan


InstalmentPages: Final = servicer.of(
    "incasso.instalments.v1.InstalmentPagesService",
    shows={PlanPage: page_pb, Document: document_pb},
    given={Plan: page.open_plan},
    GetInstalmentPlanAddress=page.get_address,
    GetPlanPage=page.get_page,
    GetPlanPageDocument=_document,
    SavePlanPageCard=_save_card,
    SignPlanPage=_sign,
    PayPlanPageByPartner=_pay_by_partner,
    PayPlanPage=_pay,
    ReplacePlanPageCard=page_forms.replace_card,
    WithdrawPlanPage=_withdraw,
    GetPlanReturn=_return,
)
