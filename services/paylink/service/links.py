# ruff: noqa: N802 - RPCs have the names of the protos
"""The gRPC door of merchants: message → command → flow → message. Decides nothing."""

from typing import Any, Final, TypeAlias

import grpc

from incasso.common.v1 import offer_pb2
from incasso.paylink.v1 import paylink_pb2 as pb
from incasso.paylink.v1.paylink_pb2_grpc import PaymentLinksServiceServicer
from libs import pages, wire
from libs.errors import invalid
from libs.idempotency import key_of
from services.paylink.deps import Deps
from services.paylink.events import link_pb, payment_pb
from services.paylink.flows import create, giving_up, links, reissue, transfers, transfers_by_hand
from services.paylink.payments_client import METHOD
from services.paylink.rules.domain import Merchant, NewLink, Quote
from services.paylink.rules.states import TransferState
from services.paylink.transfer_events import transfer_pb

Rpc: TypeAlias = grpc.aio.ServicerContext[Any, Any]

_TRANSFER_STATES: Final = wire.members(TransferState, pb.BankTransfer.State)


def _quote_of(quote: pb.Quote | None) -> Quote | None:
    """What a shop may say of it; the rest is only in answers."""
    if quote is None:
        return None
    for field in ("text_sha256", "acceptance"):
        if quote.HasField(field):
            raise invalid(f"quote.{field}", "is only in answers")
    return wire.read(Quote, quote)


def _new_link(request: pb.CreatePaymentLinkRequest, merchant: Merchant) -> NewLink:
    return wire.read(
        NewLink,
        request,
        merchant=merchant,
        quote=_quote_of(wire.opt(request, "quote")),
        reminder_days=list(request.reminders.after_days) if request.HasField("reminders") else None,
    )


async def with_url(deps: Deps, message: bytes) -> pb.PaymentLink:
    """Stored answers have no address: it is sealed in a place of its own."""
    link = pb.PaymentLink.FromString(message)
    url = (await links.urls_of(deps, [link.id])).get(link.id)
    if url is not None:
        link.url = url
    return link


class PaymentLinks(PaymentLinksServiceServicer):
    def __init__(self, deps: Deps) -> None:
        self._deps = deps

    async def CreatePaymentLink(
        self, request: pb.CreatePaymentLinkRequest, rpc: Rpc
    ) -> pb.CreatePaymentLinkResponse:
        new = _new_link(request, await self._deps.merchants.get_current())
        key = key_of(request, "CreatePaymentLink")
        made = await create.create_payment_link(self._deps, new, key)
        return pb.CreatePaymentLinkResponse(payment_link=await with_url(self._deps, made))

    async def GetPaymentLink(
        self, request: pb.GetPaymentLinkRequest, rpc: Rpc
    ) -> pb.GetPaymentLinkResponse:
        link = await links.get_payment_link(self._deps, request.payment_link_id)
        urls = await links.urls_of(self._deps, [link.id])
        return pb.GetPaymentLinkResponse(payment_link=link_pb(link, url=urls.get(link.id)))

    async def ListPaymentLinks(
        self, request: pb.ListPaymentLinksRequest, rpc: Rpc
    ) -> pb.ListPaymentLinksResponse:
        query = wire.read(links.ListPaymentLinks, request, page=pages.asked(request, "lnk"))
        found = await links.list_payment_links(self._deps, query)
        urls = await links.urls_of(self._deps, [link.id for link in found.rows])
        return pb.ListPaymentLinksResponse(
            data=[link_pb(link, url=urls.get(link.id)) for link in found.rows],
            next_cursor=found.next_cursor,
        )

    async def CancelPaymentLink(
        self, request: pb.CancelPaymentLinkRequest, rpc: Rpc
    ) -> pb.CancelPaymentLinkResponse:
        link = await giving_up.cancel_payment_link(self._deps, request.payment_link_id)
        urls = await links.urls_of(self._deps, [link.id])
        return pb.CancelPaymentLinkResponse(payment_link=link_pb(link, url=urls.get(link.id)))

    async def SendPaymentLink(
        self, request: pb.SendPaymentLinkRequest, rpc: Rpc
    ) -> pb.SendPaymentLinkResponse:
        cmd = wire.read(links.SendPaymentLink, request, link_id=request.payment_link_id)
        key = key_of(request, "SendPaymentLink")
        sent = await links.send_payment_link(self._deps, cmd, key)
        return pb.SendPaymentLinkResponse(payment_link=await with_url(self._deps, sent))

    async def ReissuePaymentLink(
        self, request: pb.ReissuePaymentLinkRequest, rpc: Rpc
    ) -> pb.ReissuePaymentLinkResponse:
        link_id, days = request.payment_link_id, wire.opt(request, "expires_in_days")
        key = key_of(request, "ReissuePaymentLink")
        reissued = await reissue.reissue_payment_link(self._deps, link_id, days, key)
        return pb.ReissuePaymentLinkResponse(payment_link=await with_url(self._deps, reissued))

    async def CreateBalanceLink(
        self, request: pb.CreateBalanceLinkRequest, rpc: Rpc
    ) -> pb.CreateBalanceLinkResponse:
        link_id, days = request.payment_link_id, wire.opt(request, "expires_in_days")
        key = key_of(request, "CreateBalanceLink")
        made = await reissue.create_balance_link(self._deps, link_id, days, key)
        return pb.CreateBalanceLinkResponse(payment_link=await with_url(self._deps, made))

    async def GetPaymentLinkQrCode(
        self, request: pb.GetPaymentLinkQrCodeRequest, rpc: Rpc
    ) -> pb.GetPaymentLinkQrCodeResponse:
        code = await links.get_payment_link_qr_code(self._deps, request.payment_link_id)
        return pb.GetPaymentLinkQrCodeResponse(
            url=code.url, svg=code.svg, png_data_url=code.png_data_url
        )

    async def ListLinkPayments(
        self, request: pb.ListLinkPaymentsRequest, rpc: Rpc
    ) -> pb.ListLinkPaymentsResponse:
        page = pages.asked(request, "lpy")
        found = await links.list_link_payments(self._deps, request.payment_link_id, page)
        return pb.ListLinkPaymentsResponse(
            data=[payment_pb(row) for row in found.rows], next_cursor=found.next_cursor
        )

    async def RecordBankTransfer(
        self, request: pb.RecordBankTransferRequest, rpc: Rpc
    ) -> pb.RecordBankTransferResponse:
        cmd = wire.read(transfers.RecordBankTransfer, request)
        key = key_of(request, "RecordBankTransfer")
        recorded = await transfers.record_bank_transfer(self._deps, cmd, key)
        return pb.RecordBankTransferResponse(bank_transfer=pb.BankTransfer.FromString(recorded))

    async def ListBankTransfers(
        self, request: pb.ListBankTransfersRequest, rpc: Rpc
    ) -> pb.ListBankTransfersResponse:
        found = await transfers_by_hand.list_bank_transfers(
            self._deps,
            pages.asked(request, "trf"),
            state=_TRANSFER_STATES.get(request.state),
            link_id=wire.opt(request, "payment_link_id"),
        )
        return pb.ListBankTransfersResponse(
            data=[transfer_pb(row) for row in found.rows], next_cursor=found.next_cursor
        )

    async def GetBankTransfer(
        self, request: pb.GetBankTransferRequest, rpc: Rpc
    ) -> pb.GetBankTransferResponse:
        transfer = await transfers_by_hand.get_bank_transfer(self._deps, request.bank_transfer_id)
        return pb.GetBankTransferResponse(bank_transfer=transfer_pb(transfer))

    async def SettleBankTransfer(
        self, request: pb.SettleBankTransferRequest, rpc: Rpc
    ) -> pb.SettleBankTransferResponse:
        cmd = transfers_by_hand.SettleBankTransfer(
            request.bank_transfer_id, request.payment_link_id, wire.opt(request, "note")
        )
        key = key_of(request, "SettleBankTransfer")
        settled = await transfers_by_hand.settle_bank_transfer(self._deps, cmd, key)
        return pb.SettleBankTransferResponse(bank_transfer=pb.BankTransfer.FromString(settled))

    async def GiveBackBankTransfer(
        self, request: pb.GiveBackBankTransferRequest, rpc: Rpc
    ) -> pb.GiveBackBankTransferResponse:
        cmd = transfers_by_hand.GiveBackBankTransfer(request.bank_transfer_id, request.note)
        key = key_of(request, "GiveBackBankTransfer")
        given_back = await transfers_by_hand.give_back_bank_transfer(self._deps, cmd, key)
        return pb.GiveBackBankTransferResponse(bank_transfer=pb.BankTransfer.FromString(given_back))

    async def GetPaymentLinkAddress(
        self, request: pb.GetPaymentLinkAddressRequest, rpc: Rpc
    ) -> pb.GetPaymentLinkAddressResponse:
        link, url = await links.get_payment_link_address(self._deps, request.payment_link_id)
        return pb.GetPaymentLinkAddressResponse(url=url, payment_link=link_pb(link))

    async def GetOffer(self, request: pb.GetOfferRequest, rpc: Rpc) -> pb.GetOfferResponse:
        label = await links.get_offer(self._deps)
        return pb.GetOfferResponse(
            offer=offer_pb2.Offer(method=METHOD, available=True, label=label)
        )
