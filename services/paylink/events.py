"""What the outside sees: resources as protobuf, for answers and events alike, and the events."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from incasso.paylink.v1 import events_pb2, paylink_pb2
from incasso.payments.v1 import payments_pb2
from libs import outbox, wire
from libs.db import Conn
from libs.money import Money
from libs.outbox import NewEvent
from libs.pieces import Piece
from services.paylink.rules.domain import Link, LinkPayment, Reason

LINK: Final = "incasso.paylink.payment_link"
SATISFACTION: Final = "incasso.paylink.satisfaction.given"

# What is told of a link, by the last part of its subject.
LINK_MESSAGES: Final[Mapping[str, Any]] = {
    "created": events_pb2.PaymentLinkCreated,
    "message_requested": events_pb2.PaymentLinkMessageRequested,
    "sent": events_pb2.PaymentLinkSent,
    "seen": events_pb2.PaymentLinkSeen,
    "quote_accepted": events_pb2.PaymentLinkQuoteAccepted,
    "paying": events_pb2.PaymentLinkPaying,
    "payment_failed": events_pb2.PaymentLinkPaymentFailed,
    "paid": events_pb2.PaymentLinkPaid,
    "expired": events_pb2.PaymentLinkExpired,
    "cancelled": events_pb2.PaymentLinkCancelled,
    "reissued": events_pb2.PaymentLinkReissued,
}
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


def link_pb(link: Link, *, url: str | None = None) -> paylink_pb2.PaymentLink:
    """Events never have the url: whoever has it can pay."""
    deposit_minor = link.deposit_minor
    return wire.message(
        paylink_pb2.PaymentLink,
        link,
        url=url,
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


async def link_created(
    conn: Conn, link: Link, now: datetime, *, sent: Link, reason: Reason
) -> None:
    """`sent`: the same once it was handed to its channels, if it has any."""
    first = _sent(sent, reason, now) if sent.channels else []
    await outbox.tell(conn, _of_link(link, "created", now), *first)


async def link_sent(conn: Conn, link: Link, reason: Reason, now: datetime) -> None:
    """Sent is what has been handed to notify, by the event that asks for the messages."""
    await outbox.tell(conn, *_sent(link, reason, now))


async def link_seen(conn: Conn, link: Link, now: datetime) -> None:
    await outbox.tell(conn, _of_link(link, "seen", now))


async def quote_accepted(conn: Conn, link: Link, now: datetime) -> None:
    await outbox.tell(conn, _of_link(link, "quote_accepted", now))


def link_paying(link: Link, payment: LinkPayment, now: datetime) -> Piece:
    return outbox.appended([_of_link(link, "paying", now, link_payment=payment_pb(payment))])


def payment_failed(link: Link, payment: LinkPayment, now: datetime) -> Piece:
    return outbox.appended(
        [_of_link(link, "payment_failed", now, link_payment=payment_pb(payment))]
    )


def link_paid(link: Link, payment: LinkPayment, now: datetime) -> Piece:
    return outbox.appended([_of_link(link, "paid", now, link_payment=payment_pb(payment))])


async def link_expired(conn: Conn, link: Link, now: datetime) -> None:
    await outbox.tell(conn, _of_link(link, "expired", now))


async def link_cancelled(conn: Conn, link: Link, now: datetime) -> None:
    await outbox.tell(conn, _of_link(link, "cancelled", now))


async def link_reissued(conn: Conn, link: Link, now: datetime, *, reason: Reason) -> None:
    """And sent, where it has channels."""
    sent = _sent(link, reason, now) if link.channels else []
    await outbox.tell(conn, _of_link(link, "reissued", now), *sent)


async def satisfaction_given(conn: Conn, payment: LinkPayment, now: datetime) -> None:
    body = events_pb2.SatisfactionGiven(link_payment=payment_pb(payment)).SerializeToString()
    await outbox.tell(conn, NewEvent(payment.merchant_id, payment.link_id, SATISFACTION, body, now))


def _sent(link: Link, reason: Reason, now: datetime) -> Sequence[NewEvent]:
    return (
        _of_link(link, "message_requested", now, reason=_REASONS[reason]),
        _of_link(link, "sent", now),
    )


def _of_link(link: Link, verb: str, now: datetime, **more: object) -> NewEvent:
    event = LINK_MESSAGES[verb](payment_link=link_pb(link), **more)
    return NewEvent(link.merchant_id, link.id, f"{LINK}.{verb}", event.SerializeToString(), now)
