"""What the outside sees: resources as protobuf, for answers and events alike, and the events."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from google.protobuf.timestamp_pb2 import Timestamp

from incasso.common.v1 import money_pb2
from incasso.paylink.v1 import events_pb2, paylink_pb2
from incasso.payments.v1 import payments_pb2
from libs import outbox, wire
from libs.db import Conn
from libs.money import Money
from libs.outbox import NewEvent
from services.paylink.rules.domain import (
    Acceptance,
    Channel,
    LineItem,
    Link,
    LinkPayment,
    Method,
    Origin,
    Quote,
    Reason,
    Recipient,
)
from services.paylink.rules.states import LinkState, PaymentState

LINK: Final = "incasso.paylink.payment_link"
SATISFACTION: Final = "incasso.paylink.satisfaction.given"

_APPEND: Final = outbox.insert_sql(1) + "true"
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
LINK_STATES: Final = {
    LinkState.CREATED: paylink_pb2.PaymentLink.STATE_CREATED,
    LinkState.SENT: paylink_pb2.PaymentLink.STATE_SENT,
    LinkState.SEEN: paylink_pb2.PaymentLink.STATE_SEEN,
    LinkState.QUOTE_ACCEPTED: paylink_pb2.PaymentLink.STATE_QUOTE_ACCEPTED,
    LinkState.PAYING: paylink_pb2.PaymentLink.STATE_PAYING,
    LinkState.PAID: paylink_pb2.PaymentLink.STATE_PAID,
    LinkState.EXPIRED: paylink_pb2.PaymentLink.STATE_EXPIRED,
    LinkState.CANCELLED: paylink_pb2.PaymentLink.STATE_CANCELLED,
}
CHANNELS: Final = {
    Channel.EMAIL: paylink_pb2.CHANNEL_EMAIL,
    Channel.SMS: paylink_pb2.CHANNEL_SMS,
    Channel.WHATSAPP: paylink_pb2.CHANNEL_WHATSAPP,
}
METHODS: Final = {
    Method.CARD: paylink_pb2.METHOD_CARD,
    Method.BANK_TRANSFER: paylink_pb2.METHOD_BANK_TRANSFER,
}
_PAYMENT_STATES: Final = {
    PaymentState.PROCESSING: paylink_pb2.LinkPayment.STATE_PROCESSING,
    PaymentState.SUCCEEDED: paylink_pb2.LinkPayment.STATE_SUCCEEDED,
    PaymentState.DECLINED: paylink_pb2.LinkPayment.STATE_DECLINED,
    PaymentState.CANCELLED: paylink_pb2.LinkPayment.STATE_CANCELLED,
}
_ORIGINS: Final = {
    Origin.API: paylink_pb2.PaymentLink.ORIGIN_API,
    Origin.SHOP: paylink_pb2.PaymentLink.ORIGIN_SHOP,
    Origin.CART: paylink_pb2.PaymentLink.ORIGIN_CART,
    Origin.BALANCE: paylink_pb2.PaymentLink.ORIGIN_BALANCE,
}
_REASONS: Final = {
    Reason.ISSUED: events_pb2.PaymentLinkMessageRequested.REASON_ISSUED,
    Reason.REMINDER: events_pb2.PaymentLinkMessageRequested.REASON_REMINDER,
    Reason.REISSUED: events_pb2.PaymentLinkMessageRequested.REASON_REISSUED,
    Reason.CART: events_pb2.PaymentLinkMessageRequested.REASON_CART,
    Reason.BALANCE: events_pb2.PaymentLinkMessageRequested.REASON_BALANCE,
}


def _stamp(at: datetime | None) -> Timestamp | None:
    return None if at is None else wire.timestamp(at)


def _money(amount_minor: int | None, currency: str) -> money_pb2.Money | None:
    return None if amount_minor is None else wire.money(Money(amount_minor, currency))


def recipient_pb(recipient: Recipient) -> paylink_pb2.Recipient:
    return paylink_pb2.Recipient(name=recipient.name, email=recipient.email, phone=recipient.phone)


def line_items_pb(items: Sequence[LineItem]) -> Sequence[paylink_pb2.LineItem]:
    return [
        paylink_pb2.LineItem(
            name=item.name, quantity=item.quantity, unit_amount_minor=item.unit_amount_minor
        )
        for item in items
    ]


def _quote_pb(quote: Quote, acceptance: Acceptance | None) -> paylink_pb2.Quote:
    made = paylink_pb2.Quote(
        title=quote.title, text=quote.text, version=quote.version, text_sha256=quote.sha256
    )
    if acceptance is not None:
        made.acceptance.CopyFrom(
            paylink_pb2.QuoteAcceptance(
                accepted_at=wire.timestamp(acceptance.accepted_at),
                text_sha256=acceptance.text_sha256,
                version=acceptance.version,
                ip=acceptance.ip,
                user_agent=acceptance.user_agent,
            )
        )
    return made


def link_pb(link: Link, *, url: str | None = None) -> paylink_pb2.PaymentLink:
    """Events never have the url: whoever has it can pay."""
    currency = link.amount.currency
    return paylink_pb2.PaymentLink(
        id=link.id,
        state=LINK_STATES[link.state],
        url=url,
        amount=wire.money(link.amount),
        amount_due=wire.money(link.due),
        paid_minor=link.paid_minor,
        description=link.description,
        order_reference=link.order_reference,
        recipient=recipient_pb(link.recipient),
        channels=[CHANNELS[channel] for channel in link.channels],
        locale=link.locale,
        line_items=line_items_pb(link.line_items),
        deposit=_money(link.deposit_minor, currency),
        quote=None if link.quote is None else _quote_pb(link.quote, link.acceptance),
        reusable=link.reusable,
        max_uses=link.max_uses,
        uses=link.uses,
        methods=[METHODS[method] for method in link.methods],
        reminder_days=link.reminder_days,
        next_reminder_at=_stamp(link.next_reminder_at),
        reissue_on_expiry=link.reissue_on_expiry,
        reissues=link.reissues,
        creditor_reference=link.creditor_reference,
        customer_id=link.customer_id,
        payment_id=link.payment_id,
        origin=_ORIGINS[link.origin],
        balance_of=link.balance_of,
        cart_id=link.cart_id,
        success_url=link.success_url,
        metadata=link.metadata,
        trace_id=link.trace_id,
        expires_at=wire.timestamp(link.expires_at),
        sent_at=_stamp(link.sent_at),
        seen_at=_stamp(link.seen_at),
        paid_at=_stamp(link.paid_at),
        created_at=wire.timestamp(link.created_at),
    )


def payment_pb(payment: LinkPayment) -> paylink_pb2.LinkPayment:
    decline = payment.decline
    return paylink_pb2.LinkPayment(
        id=payment.id,
        state=_PAYMENT_STATES[payment.state],
        payment_link_id=payment.link_id,
        method=METHODS[payment.method],
        amount=wire.money(payment.amount),
        payment_id=payment.payment_id,
        bank_transfer_id=payment.bank_transfer_id,
        payer_email=payment.payer_email,
        satisfaction=payment.satisfaction,
        decline=None
        if decline is None
        else payments_pb2.Decline(
            code=payments_pb2.DeclineCode.ValueType(decline.code),
            message=decline.message,
            psp_code=decline.psp_code,
        ),
        created_at=wire.timestamp(payment.created_at),
        ended_at=_stamp(payment.ended_at),
    )


async def link_created(
    conn: Conn, link: Link, now: datetime, *, sent: Link, reason: Reason
) -> None:
    """`sent`: the same once it was handed to its channels, if it has any."""
    first = _sent(sent, reason, now) if sent.channels else []
    await _tell(conn, _of_link(link, "created", now), *first)


async def link_sent(conn: Conn, link: Link, reason: Reason, now: datetime) -> None:
    """Sent is what has been handed to notify, by the event that asks for the messages."""
    await _tell(conn, *_sent(link, reason, now))


async def link_seen(conn: Conn, link: Link, now: datetime) -> None:
    await _tell(conn, _of_link(link, "seen", now))


async def quote_accepted(conn: Conn, link: Link, now: datetime) -> None:
    await _tell(conn, _of_link(link, "quote_accepted", now))


async def link_paying(conn: Conn, link: Link, payment: LinkPayment, now: datetime) -> None:
    await _tell(conn, _of_link(link, "paying", now, link_payment=payment_pb(payment)))


async def payment_failed(conn: Conn, link: Link, payment: LinkPayment, now: datetime) -> None:
    await _tell(conn, _of_link(link, "payment_failed", now, link_payment=payment_pb(payment)))


async def link_paid(conn: Conn, link: Link, payment: LinkPayment, now: datetime) -> None:
    await _tell(conn, _of_link(link, "paid", now, link_payment=payment_pb(payment)))


async def link_expired(conn: Conn, link: Link, now: datetime) -> None:
    await _tell(conn, _of_link(link, "expired", now))


async def link_cancelled(conn: Conn, link: Link, now: datetime) -> None:
    await _tell(conn, _of_link(link, "cancelled", now))


async def link_reissued(conn: Conn, link: Link, now: datetime, *, reason: Reason) -> None:
    """And sent, where it has channels."""
    sent = _sent(link, reason, now) if link.channels else []
    await _tell(conn, _of_link(link, "reissued", now), *sent)


async def satisfaction_given(conn: Conn, payment: LinkPayment, now: datetime) -> None:
    body = events_pb2.SatisfactionGiven(link_payment=payment_pb(payment)).SerializeToString()
    await _tell(conn, NewEvent(payment.merchant_id, payment.link_id, SATISFACTION, body, now))


def _sent(link: Link, reason: Reason, now: datetime) -> Sequence[NewEvent]:
    return (
        _of_link(link, "message_requested", now, reason=_REASONS[reason]),
        _of_link(link, "sent", now),
    )


def _of_link(link: Link, verb: str, now: datetime, **more: object) -> NewEvent:
    event = LINK_MESSAGES[verb](payment_link=link_pb(link), **more)
    return NewEvent(link.merchant_id, link.id, f"{LINK}.{verb}", event.SerializeToString(), now)


async def _tell(conn: Conn, *told: NewEvent) -> None:
    await conn.execute(_APPEND, *outbox.insert_values(told))
