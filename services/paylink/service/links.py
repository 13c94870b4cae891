"""The gRPC servicer of merchants: links, and the money that arrives for them."""

from typing import Any, Final

from incasso.common.v1 import offer_pb2
from incasso.paylink.v1 import paylink_pb2 as pb
from libs import servicer, wire
from libs.errors import invalid
from libs.idempotency import Key
from services.paylink.deps import Deps
from services.paylink.errors import BankTransferNotFound, PaymentLinkNotFound
from services.paylink.events import link_pb, payment_pb, transfer_pb
from services.paylink.flows import create, giving_up, links, reissue, transfers, transfers_by_hand
from services.paylink.payments_client import METHOD
from services.paylink.rules.domain import Link, LinkPayment, NewLink, Quote
from services.paylink.rules.transfers import BankTransfer
from services.paylink.store.links import LINKS
from services.paylink.store.payments import ATTEMPTS
from services.paylink.store.transfers import TRANSFERS

_LINK: Final = servicer.Row(LINKS, PaymentLinkNotFound)
_OF_LINK: Final = {"payment_link_id": "link_id"}


def with_url(what: servicer.Implementation) -> servicer.Completed:
    """Adds the links' URLs to answers. Stored answers omit them: the token is sealed elsewhere."""
    return servicer.Completed(what, _add_urls)


async def _add_urls(deps: Deps, answer: Any) -> None:
    shown = answer.data if "data" in answer.DESCRIPTOR.fields_by_name else [answer.payment_link]
    urls = await links.urls_of(deps, [link.id for link in shown])
    for link in shown:
        if link.id in urls:
            link.url = urls[link.id]


def _quote_of(quote: pb.Quote | None) -> Quote | None:
    """The fields that a shop may send; the others are for answers only."""
    if quote is None:
        return None
    for field in ("text_sha256", "acceptance"):
        if quote.HasField(field):
            raise invalid(f"quote.{field}", "is read-only; leave it out")
    return wire.read(Quote, quote)


async def _create_payment_link(
    deps: Deps, request: pb.CreatePaymentLinkRequest, key: Key | None
) -> bytes:
    new = wire.read(
        NewLink,
        request,
        merchant=await deps.merchants.get_current(),
        quote=_quote_of(wire.opt(request, "quote")),
        reminder_days=list(request.reminders.after_days) if request.HasField("reminders") else None,
    )
    return await create.create_payment_link(deps, new, key)


async def _get_payment_link_address(
    deps: Deps, payment_link_id: str
) -> pb.GetPaymentLinkAddressResponse:
    link, url = await links.get_payment_link_address(deps, payment_link_id)
    return pb.GetPaymentLinkAddressResponse(url=url, payment_link=link_pb(link))


async def _get_offer(deps: Deps, request: pb.GetOfferRequest) -> offer_pb2.Offer:
    """The same for any cart."""
    return offer_pb2.Offer(method=METHOD, available=True, label=await links.get_offer(deps))


PaymentLinks = servicer.of(
    "incasso.paylink.v1.PaymentLinksService",
    shows={Link: link_pb, LinkPayment: payment_pb, BankTransfer: transfer_pb},
    CreatePaymentLink=with_url(_create_payment_link),
    GetPaymentLink=with_url(_LINK),
    ListPaymentLinks=with_url(servicer.Rows(LINKS, "lnk")),
    GetLinkUsage=create.get_link_usage,
    CancelPaymentLink=with_url(giving_up.cancel_payment_link),
    SendPaymentLink=with_url(links.send_payment_link),
    ReissuePaymentLink=with_url(reissue.reissue_payment_link),
    CreateBalanceLink=with_url(reissue.create_balance_link),
    GetPaymentLinkQrCode=links.get_payment_link_qr_code,
    ListLinkPayments=servicer.Rows(ATTEMPTS, "lpy", _OF_LINK, within=_LINK),
    RecordBankTransfer=transfers.record_bank_transfer,
    ListBankTransfers=servicer.Rows(TRANSFERS, "trf", _OF_LINK),
    GetBankTransfer=servicer.Row(TRANSFERS, BankTransferNotFound),
    SettleBankTransfer=transfers_by_hand.settle_bank_transfer,
    GiveBackBankTransfer=transfers_by_hand.give_back_bank_transfer,
    CreateInstalmentLink=create.create_instalment_link,
    CloseInstalmentLink=giving_up.close_asked_link,
    CreateCodLink=create.create_cod_link,
    CloseCodLink=giving_up.close_asked_link,
    GetPaymentLinkAddress=_get_payment_link_address,
    GetOffer=_get_offer,
)
