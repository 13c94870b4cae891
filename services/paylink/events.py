"""The public view: resources as protobuf, for answers and events alike, and the events.

An event's name is the last two parts of its subject, as in `payment_link.seen`.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Final

from incasso.paylink.v1 import events_pb2, paylink_pb2, shop_pb2
from incasso.payments.v1 import payments_pb2
from libs import descriptors, outbox, wire
from libs.combined_writes import Write
from libs.db import Conn
from libs.money import Money
from libs.outbox import NewEvent
from services.paylink.rules.carts import Cart
from services.paylink.rules.domain import Link, LinkPayment, Reason
from services.paylink.rules.products import Product, Shop
from services.paylink.rules.transfers import BankTransfer

MESSAGES: Final = descriptors.messages_of(events_pb2)
_REASONS: Final = wire.numbers(Reason, events_pb2.PaymentLinkMessageRequested.Reason)


def _quote_pb(link: Link) -> paylink_pb2.Quote | None:
    quote = link.quote
    if quote is None:
        return None
    accepted = link.acceptance
    return wire.message(
        paylink_pb2.Quote,
        quote,
        text_sha256=quote.sha256,
        acceptance=accepted and wire.message(paylink_pb2.QuoteAcceptance, accepted),
    )


def link_pb(link: Link) -> paylink_pb2.PaymentLink:
    """Without its URL: anyone who has it can pay."""
    deposit_minor = link.deposit_minor
    return wire.message(
        paylink_pb2.PaymentLink,
        link,
        amount_due=wire.money(link.due),
        deposit=None
        if deposit_minor is None
        else wire.money(Money(deposit_minor, link.amount.currency)),
        quote=_quote_pb(link),
    )


def payment_pb(payment: LinkPayment) -> paylink_pb2.LinkPayment:
    return wire.message(
        paylink_pb2.LinkPayment,
        payment,
        payment_link_id=payment.link_id,
        decline=payment.decline and wire.message(payments_pb2.Decline, payment.decline),
    )


def transfer_pb(transfer: BankTransfer) -> paylink_pb2.BankTransfer:
    return wire.message(
        paylink_pb2.BankTransfer,
        transfer,
        payment_link_id=transfer.link_id,
        open_minor=transfer.open_minor,
        moves=[
            wire.message(paylink_pb2.BankTransferMove, move, payment_link_id=move.link_id)
            for move in transfer.moves
        ],
    )


def cart_pb(cart: Cart) -> shop_pb2.Cart:
    made = wire.message(shop_pb2.Cart, cart)
    made.MergeFrom(wire.message(shop_pb2.Cart, cart.contents))
    return made


def product_pb(product: Product) -> shop_pb2.Product:
    return wire.message(shop_pb2.Product, product)


def shop_pb(shop: Shop, *, public_url: str) -> shop_pb2.Shop:
    return wire.message(shop_pb2.Shop, shop, url=f"{public_url}/shop/{shop.slug}")


async def link_created(
    conn: Conn, link: Link, now: datetime, *, sent: Link, reason: Reason
) -> None:
    """`sent`: the link after it was handed to its channels, if it has any."""
    first = _sent(sent, reason, now) if sent.channels else []
    await outbox.append(conn, _of_link(link, "created", now), *first)


async def link_sent(conn: Conn, link: Link, reason: Reason, now: datetime) -> None:
    """A link is sent once notify has it, by the event that requests the messages."""
    await outbox.append(conn, *_sent(link, reason, now))


async def link_reissued(conn: Conn, link: Link, now: datetime, *, reason: Reason) -> None:
    """Also sent, if it has channels."""
    sent = _sent(link, reason, now) if link.channels else []
    await outbox.append(conn, _of_link(link, "reissued", now), *sent)


async def append_link_event(conn: Conn, link: Link, verb: str, now: datetime) -> None:
    """Events that contain only the link: seen, quote_accepted, expired, cancelled."""
    await outbox.append(conn, _of_link(link, verb, now))


def link_payment(link: Link, verb: str, payment: LinkPayment, now: datetime) -> Write:
    """Events of a payment attempt: paying, payment_failed, paid."""
    return outbox.appended([_of_link(link, verb, now, link_payment=payment_pb(payment))])


async def satisfaction_given(conn: Conn, payment: LinkPayment, now: datetime) -> None:
    given = _event(payment, "satisfaction.given", now, link_payment=payment_pb(payment))
    await outbox.append(conn, replace(given, aggregate_id=payment.link_id))


async def append_transfer_event(
    conn: Conn, transfer: BankTransfer, verb: str, now: datetime
) -> None:
    """recorded, settled, given_back. A transfer that waited is recorded again when its link's
    payment ends.
    """
    resource = transfer_pb(transfer)
    await outbox.append(
        conn, _event(transfer, f"bank_transfer.{verb}", now, bank_transfer=resource)
    )


async def append_cart_event(conn: Conn, cart: Cart, verb: str, now: datetime) -> None:
    """recovery_sent, recovered."""
    await outbox.append(conn, _event(cart, f"cart.{verb}", now, cart=cart_pb(cart)))


def _sent(link: Link, reason: Reason, now: datetime) -> Sequence[NewEvent]:
    return (
        _of_link(link, "message_requested", now, reason=_REASONS[reason]),
        _of_link(link, "sent", now),
    )


def _of_link(link: Link, verb: str, now: datetime, **more: object) -> NewEvent:
    """Its origin is the route: instalments and cod receive only their own links."""
    event = _event(link, f"payment_link.{verb}", now, payment_link=link_pb(link), **more)
    return replace(event, route=link.origin.value)


def _event(
    of: Link | LinkPayment | BankTransfer | Cart, what: str, now: datetime, **fields: object
) -> NewEvent:
    subject = f"incasso.paylink.{what}"
    body = MESSAGES[subject](**fields).SerializeToString()
    return NewEvent(of.merchant_id, of.id, subject, body, now)
