"""Messages to shoppers for each event of a link or a payment."""

from dataclasses import replace
from datetime import datetime
from typing import Any, Final

from incasso.paylink.v1 import events_pb2 as link_events
from incasso.paylink.v1 import paylink_pb2
from incasso.payments.v1 import events_pb2 as payment_events
from libs import ids, wire
from libs.bus import Event
from libs.money import Money
from services.notify.messages.paylink_client import about_link
from services.notify.messages.rules.domain import PHONES, About, Channel, Kind, Message

LINK_METHOD: Final = "link"
_REQUESTED: Final = link_events.PaymentLinkMessageRequested
_KIND: Final = {
    _REQUESTED.REASON_ISSUED: Kind.LINK,
    _REQUESTED.REASON_REMINDER: Kind.LINK_REMINDER,
    _REQUESTED.REASON_REISSUED: Kind.LINK_REISSUED,
    _REQUESTED.REASON_CART: Kind.CART,
    _REQUESTED.REASON_BALANCE: Kind.BALANCE,
}
_CHANNEL: Final = wire.members(Channel, paylink_pb2.Channel)


def message_of(event: Event, now: datetime, kind: Kind, about: About) -> Message:
    """By default an e-mail, to a contact that is looked up when it is sent."""
    return Message(
        id=ids.new("msg"),
        merchant_id=event.merchant_id,
        event_id=event.event_id,
        kind=kind,
        channel=Channel.EMAIL,
        about=about,
        created_at=event.occurred_at,
        queued_at=now,
    )


def _link_messages(event: Event, now: datetime) -> list[Message]:
    """One per channel of the link; none for a kind or channel that this version does not know."""
    requested = _REQUESTED.FromString(event.body)
    link = requested.payment_link
    kind = _KIND.get(requested.reason)
    channels = [_CHANNEL[channel] for channel in link.channels if channel in _CHANNEL]
    return [
        replace(
            _of_link(event, now, kind, about_link(link), link), channel=channel, recipient=recipient
        )
        for channel in channels
        if kind and (recipient := _address(link.recipient, channel))
    ]


def _link_receipt(event: Event, now: datetime) -> list[Message]:
    """To the payer: by e-mail, otherwise to the phone that the link was sent to.

    For a plan, each part has its own receipt.
    """
    paid = link_events.PaymentLinkPaid.FromString(event.body)
    link, paying = paid.payment_link, paid.link_payment
    if paying.method == paylink_pb2.METHOD_INSTALMENTS:
        return []
    known = paylink_pb2.Recipient() if link.reusable else link.recipient
    phones = [_CHANNEL[c] for c in link.channels if _CHANNEL.get(c) in PHONES]
    email = paying.payer_email or known.email
    recipient = email or (known.phone if phones else "")
    if not recipient and not link.plan_id:  # the plan's customer is looked up when it is sent
        return []
    about = About(
        amount=wire.money_of(paying.amount),
        order_reference=link.order_reference,
        description=link.description,
        name=known.name,
        happened_at=event.occurred_at,
    )
    receipt = replace(
        _of_link(event, now, Kind.RECEIPT, about, link),
        channel=Channel.EMAIL if email or not recipient else phones[0],
        recipient=recipient,
        payment_id=paying.payment_id or None,
    )
    return [receipt]


def _of_link(
    event: Event, now: datetime, kind: Kind, about: About, link: paylink_pb2.PaymentLink
) -> Message:
    return replace(
        message_of(event, now, kind, about),
        locale=link.locale,
        payment_link_id=link.id,
        customer_id=link.customer_id or None,
    )


def _address(recipient: paylink_pb2.Recipient, channel: Channel) -> str:
    return recipient.email if channel is Channel.EMAIL else recipient.phone


def _payment_receipt(event: Event, now: datetime) -> list[Message]:
    """A link's receipt follows from the link's own event, which knows the payer."""
    captured = payment_events.PaymentCaptured.FromString(event.body)
    if captured.payment.method == LINK_METHOD:
        return []
    return [_of_payment(event, now, Kind.RECEIPT, captured.payment, captured.amount_minor)]


def _payment_pending(event: Event, now: datetime) -> list[Message]:
    payment = payment_events.PaymentPending.FromString(event.body).payment
    return [_of_payment(event, now, Kind.PENDING, payment, payment.amount.amount_minor)]


def _payment_refund(event: Event, now: datetime) -> list[Message]:
    refunded = payment_events.PaymentRefunded.FromString(event.body)
    amount_minor = refunded.refund.amount_minor
    return [_of_payment(event, now, Kind.REFUND, refunded.payment, amount_minor)]


def _of_payment(
    event: Event, now: datetime, kind: Kind, payment: Any, amount_minor: int
) -> Message:
    about = About(
        amount=Money(amount_minor, payment.amount.currency),
        order_reference=payment.order_reference,
        happened_at=event.occurred_at,
    )
    return replace(
        message_of(event, now, kind, about),
        payment_id=payment.id,
        customer_id=payment.customer_id or None,
    )


MESSAGES: Final = {
    "incasso.paylink.payment_link.message_requested": _link_messages,
    "incasso.paylink.payment_link.paid": _link_receipt,
    "incasso.payments.payment.captured": _payment_receipt,
    "incasso.payments.payment.pending": _payment_pending,
    "incasso.payments.payment.refunded": _payment_refund,
}
