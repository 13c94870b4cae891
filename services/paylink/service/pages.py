"""The gRPC servicer of shoppers: their token is the only proof.

Flows that take the Link, or the Shop, are called after it was opened: from then on the call acts
for its merchant, and its key is one of this merchant's.
"""

from incasso.paylink.v1 import pages_pb2 as pb
from libs import servicer, wire
from libs.errors import invalid
from libs.idempotency import needed_key_of
from services.paylink.deps import Deps
from services.paylink.flows import (
    buying,
    giving_up,
    page,
    page_actions,
    pay,
    pay_form,
    plan,
    reissue,
    transfers,
)
from services.paylink.flows.opening import open_link, use_of
from services.paylink.flows.page import PayPageView
from services.paylink.rules.domain import Link, NewCard
from services.paylink.rules.products import Shop
from services.paylink.service.page_messages import page_payment_pb, page_pb


def _new_card(request: pb.PayByCardRequest, psp_account: str) -> NewCard | None:
    token = wire.opt(request, "card_token")
    if token is None:
        return None
    if not token:
        raise invalid("card_token", "is required without instrument_id")
    return NewCard(psp_account, token, request.brand, request.last4)


async def _wait_for_pay_page(deps: Deps, request: pb.WaitForPayPageRequest) -> Link:
    seconds = request.timeout_ms / 1000
    return await page.wait_for_pay_page(
        deps, request.token, version=request.version, timeout_seconds=seconds
    )


async def _pay_by_card(deps: Deps, opened: Link, request: pb.PayByCardRequest) -> pb.PagePayment:
    ip = wire.opt(request, "ip")
    request.ClearField("ip")  # a form resubmitted from another address is the same form
    key = needed_key_of(request, "PayByCard")
    offer = pay_form.opened(deps, request.offer, opened, key)
    new_card, shown_minor = _new_card(request, offer.psp_account), offer.due_minor
    cmd = wire.read(pay.PayByCard, request, new_card=new_card, shown_minor=shown_minor, ip=ip)
    payment = await pay.pay_by_card(deps, opened, cmd, key)
    return page_payment_pb(payment, use=use_of(deps, payment))


async def _choose_plan(deps: Deps, opened: Link, request: pb.ChoosePlanRequest) -> pb.PagePayment:
    key = needed_key_of(request, "ChoosePlan")
    offer = pay_form.opened(deps, request.offer, opened, key)
    cmd = wire.read(plan.ChoosePlan, request, shown_minor=offer.due_minor)
    payment = await plan.choose_plan(deps, opened, cmd, key)
    url = await page.plan_url(deps, payment)
    return page_payment_pb(payment, use=use_of(deps, payment), plan_url=url)


async def _announce_bank_transfer(deps: Deps, opened: Link) -> pb.PagePayment:
    payment = await transfers.announce_bank_transfer(deps, opened)
    return page_payment_pb(payment, use=use_of(deps, payment))


PayPages = servicer.of(
    "incasso.paylink.v1.PayPagesService",
    shows={PayPageView: page_pb},
    given={Link: open_link, Shop: buying.enter},
    GetPayPage=page.get_pay_page,
    WaitForPayPage=_wait_for_pay_page,
    MarkSeen=page_actions.mark_seen,
    AcceptQuote=page_actions.accept_quote,
    PayByCard=_pay_by_card,
    ChoosePlan=_choose_plan,
    AnnounceBankTransfer=_announce_bank_transfer,
    WithdrawBankTransfer=transfers.withdraw_bank_transfer,
    GiveUpPayment=giving_up.give_up_payment,
    RateSatisfaction=page_actions.rate_satisfaction,
    StopReminders=page_actions.stop_reminders,
    RequestNewLink=reissue.request_new_link,
    GetReturnPage=page.get_return_page,
    GetShopPage=buying.get_shop_page,
    BuyProduct=buying.buy_product,
)
