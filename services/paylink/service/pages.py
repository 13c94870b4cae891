# ruff: noqa: N802 - RPCs have the names of the protos
"""The gRPC door of shoppers: their token is all the proof there is. Decides nothing."""

from typing import Any, TypeAlias

import grpc

from incasso.paylink.v1 import pages_pb2 as pb
from incasso.paylink.v1.pages_pb2_grpc import PayPagesServiceServicer
from libs import wire
from libs.errors import invalid
from libs.idempotency import needed_key_of
from services.paylink.deps import Deps
from services.paylink.events import LINK_STATES
from services.paylink.flows import giving_up, page, pay, pay_form, reissue, transfers, visiting
from services.paylink.flows.opening import open_link, use_of
from services.paylink.rules.cards import NewCard
from services.paylink.service import shop_pages
from services.paylink.service.page_messages import page_payment_pb, page_pb

Rpc: TypeAlias = grpc.aio.ServicerContext[Any, Any]


def _new_card(request: pb.PayByCardRequest, psp_account: str) -> NewCard | None:
    token = wire.opt(request, "card_token")
    if token is None:
        return None
    if not token:
        raise invalid("card_token", "is required, or else instrument_id")
    return NewCard(psp_account, token, request.brand, request.last4)


class PayPages(PayPagesServiceServicer):
    def __init__(self, deps: Deps) -> None:
        self._deps = deps

    async def GetPayPage(self, request: pb.GetPayPageRequest, rpc: Rpc) -> pb.GetPayPageResponse:
        view = await page.get_pay_page(self._deps, request.token, request.use)
        return pb.GetPayPageResponse(page=page_pb(view))

    async def WaitForPayPage(
        self, request: pb.WaitForPayPageRequest, rpc: Rpc
    ) -> pb.WaitForPayPageResponse:
        link = await page.wait_for_pay_page(
            self._deps,
            request.token,
            version=request.version,
            timeout_seconds=request.timeout_ms / 1000,
        )
        return pb.WaitForPayPageResponse(version=link.version, state=LINK_STATES[link.state])

    async def MarkSeen(self, request: pb.MarkSeenRequest, rpc: Rpc) -> pb.MarkSeenResponse:
        await visiting.mark_seen(self._deps, await open_link(self._deps, request.token))
        return pb.MarkSeenResponse()

    async def AcceptQuote(self, request: pb.AcceptQuoteRequest, rpc: Rpc) -> pb.AcceptQuoteResponse:
        await visiting.accept_quote(
            self._deps,
            await open_link(self._deps, request.token),
            text_sha256=request.text_sha256,
            ip=request.ip or None,
            user_agent=request.user_agent or None,
        )
        return pb.AcceptQuoteResponse()

    async def PayByCard(self, request: pb.PayByCardRequest, rpc: Rpc) -> pb.PayByCardResponse:
        ip = wire.opt(request, "ip")
        request.ClearField("ip")  # a form that is sent again from elsewhere is the same form
        link = await open_link(self._deps, request.token)
        key = needed_key_of(request, "PayByCard")  # of the link's merchant
        offer = pay_form.opened(self._deps, request.offer, link, key)
        cmd = wire.read(
            pay.PayByCard,
            request,
            new_card=_new_card(request, offer.psp_account),
            shown_minor=offer.due_minor,
            ip=ip,
        )
        payment = await pay.pay_by_card(self._deps, link, cmd, key)
        use = use_of(self._deps, payment)
        return pb.PayByCardResponse(payment=page_payment_pb(payment, use=use))

    async def AnnounceBankTransfer(
        self, request: pb.AnnounceBankTransferRequest, rpc: Rpc
    ) -> pb.AnnounceBankTransferResponse:
        link = await open_link(self._deps, request.token)
        payment = await transfers.announce_bank_transfer(self._deps, link)
        use = use_of(self._deps, payment)
        return pb.AnnounceBankTransferResponse(payment=page_payment_pb(payment, use=use))

    async def WithdrawBankTransfer(
        self, request: pb.WithdrawBankTransferRequest, rpc: Rpc
    ) -> pb.WithdrawBankTransferResponse:
        link = await open_link(self._deps, request.token)
        await transfers.withdraw_bank_transfer(self._deps, link)
        return pb.WithdrawBankTransferResponse()

    async def GiveUpPayment(
        self, request: pb.GiveUpPaymentRequest, rpc: Rpc
    ) -> pb.GiveUpPaymentResponse:
        link = await open_link(self._deps, request.token)
        await giving_up.give_up_payment(self._deps, link, request.use)
        return pb.GiveUpPaymentResponse()

    async def RateSatisfaction(
        self, request: pb.RateSatisfactionRequest, rpc: Rpc
    ) -> pb.RateSatisfactionResponse:
        link = await open_link(self._deps, request.token)
        await visiting.rate_satisfaction(self._deps, link, use=request.use, score=request.score)
        return pb.RateSatisfactionResponse()

    async def StopReminders(
        self, request: pb.StopRemindersRequest, rpc: Rpc
    ) -> pb.StopRemindersResponse:
        await visiting.stop_reminders(self._deps, await open_link(self._deps, request.token))
        return pb.StopRemindersResponse()

    async def RequestNewLink(
        self, request: pb.RequestNewLinkRequest, rpc: Rpc
    ) -> pb.RequestNewLinkResponse:
        opened = await open_link(self._deps, request.token)
        link, channel = await reissue.request_new_link(self._deps, opened)
        return pb.RequestNewLinkResponse(recipient=link.recipient.masked(channel))

    async def GetReturnPage(
        self, request: pb.GetReturnPageRequest, rpc: Rpc
    ) -> pb.GetReturnPageResponse:
        token, use = await page.get_return_page(self._deps, request.reference)
        return pb.GetReturnPageResponse(token=token, use=use)

    async def GetShopPage(self, request: pb.GetShopPageRequest, rpc: Rpc) -> pb.GetShopPageResponse:
        return await shop_pages.get_shop_page(self._deps, request)

    async def BuyProduct(self, request: pb.BuyProductRequest, rpc: Rpc) -> pb.BuyProductResponse:
        return await shop_pages.buy_product(self._deps, request)
