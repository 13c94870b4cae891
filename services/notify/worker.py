"""The other doors of messages: events that people are told of, and messages that are due."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final, TypeAlias

from incasso.oneclick.v1 import events_pb2 as oneclick_pb
from incasso.paylink.v1 import events_pb2 as link_events
from incasso.paylink.v1 import paylink_pb2
from incasso.payments.v1 import events_pb2 as payment_events
from libs import context
from libs.bus import Event
from libs.consumer import Handler, Together, grouped
from libs.db import Conn
from libs.due import DueWorker, Room
from libs.errors import Refusal
from libs.logs import log
from libs.money import Money
from libs.process import Loop
from services.notify import metrics, retry
from services.notify.deps import Deps
from services.notify.domain import PHONES, About, Channel, Kind, Message
from services.notify.flows import feed, queue
from services.notify.flows.send import send_message
from services.notify.flows.settle import settle_message
from services.notify.paylink_client import about_link
from services.notify.store import deliveries, tries
from services.notify.store.tries import Due

ACTOR: Final = "notify"
LINK_METHOD: Final = "link"
MAIL_PLACES: Final = 16
PHONE_PLACES: Final = 8
WATCH_SECONDS: Final = 5.0

Telling: TypeAlias = Callable[[Deps, Event], list[Message]]

_REQUESTED: Final = link_events.PaymentLinkMessageRequested
_KIND: Final = {
    _REQUESTED.REASON_ISSUED: Kind.LINK,
    _REQUESTED.REASON_REMINDER: Kind.LINK_REMINDER,
    _REQUESTED.REASON_REISSUED: Kind.LINK_REISSUED,
    _REQUESTED.REASON_CART: Kind.CART,
    _REQUESTED.REASON_BALANCE: Kind.BALANCE,
}
_CHANNEL: Final = {
    paylink_pb2.CHANNEL_EMAIL: Channel.EMAIL,
    paylink_pb2.CHANNEL_SMS: Channel.SMS,
    paylink_pb2.CHANNEL_WHATSAPP: Channel.WHATSAPP,
}


def merged(*readers: Mapping[str, Handler]) -> dict[str, Handler]:
    """One handler of all subjects that gives each reader its events, in one transaction."""

    async def handle(conn: Conn, events: Sequence[Event]) -> None:
        for reader in readers:
            mine = [event for event in events if event.subject in reader]
            together, alone = grouped(reader, mine)
            for handler, group in together.items():
                await handler.handle(conn, group)
            for event in alone:
                await reader[event.subject](conn, event)

    every = Together(handle)
    return {subject: every for reader in readers for subject in reader}


def handlers(deps: Deps) -> dict[str, Handler]:
    """What is done with each event, by subject. Handlers write rows; nothing is sent in them."""
    return {
        **dict.fromkeys(_TOLD, queueing(deps, _TOLD)),
        "incasso.oneclick.customer.erased": _customer_erased,
    }


def queueing(deps: Deps, told: Mapping[str, Telling]) -> Together:
    """Queues what is told of each event."""

    async def handle(conn: Conn, events: Sequence[Event]) -> None:
        made = [message for event in events for message in told[event.subject](deps, event)]
        await queue.queue_messages(conn, made)

    return Together(handle)


def loops(deps: Deps) -> Sequence[Loop]:
    """What runs until the process stops."""
    return [
        mail_worker(deps).run,
        phone_worker(deps).run,
        lambda: watch(deps),
    ]


def mail_worker(deps: Deps, *, interval_seconds: float = 1.0) -> DueWorker[Due]:
    """E-mail that is due."""
    return _sender("mail", deps, (Channel.EMAIL,), interval_seconds, MAIL_PLACES)


def phone_worker(deps: Deps, *, interval_seconds: float = 1.0) -> DueWorker[Due]:
    """Text messages that are due: apart, so that neither waits for the other's server."""
    return _sender("text messages", deps, PHONES, interval_seconds, PHONE_PLACES)


def _sender(
    name: str, deps: Deps, channels: Sequence[Channel], interval_seconds: float, places: int
) -> DueWorker[Due]:
    async def claim(conn: Conn, room: Room) -> Sequence[Due]:
        return await tries.claim(conn, room, channels=channels, lease=retry.LEASE)

    async def work(due: Due) -> None:
        context.set_current(
            context.Call(
                merchant_id=due.message.merchant_id,
                actor=ACTOR,
                clock_offset_seconds=due.clock_offset_seconds,
            )
        )
        if due.doubtful:
            await settle_message(deps, due.message)
        else:
            # A process that stops ends the try, so that no message is left between yes and no.
            await deps.sending.finish(send_message(deps, due.message))

    return DueWorker(
        name, deps.db, claim, work, interval_seconds=interval_seconds, concurrency=places
    )


async def watch(deps: Deps) -> None:
    """Keep the gauges of what waits."""
    while True:
        try:
            async with deps.db.connection() as conn:
                metrics.OLDEST_QUEUED.set(await tries.oldest_queued_seconds(conn))
                metrics.OLDEST_WEBHOOK.set(await deliveries.oldest_pending_seconds(conn))
        except Refusal as refusal:
            log.warning("what waits was not counted", reason=refusal.reason)
        await asyncio.sleep(WATCH_SECONDS)


def _link_messages(deps: Deps, event: Event) -> list[Message]:
    """One per channel of the link; a kind or channel that this version does not know is none."""
    asked = _REQUESTED.FromString(event.body)
    link = asked.payment_link
    kind = _KIND.get(asked.reason)
    channels = [_CHANNEL[channel] for channel in link.channels if channel in _CHANNEL]
    return [
        _about(deps, event, kind, channel, link, recipient=recipient)
        for channel in channels
        if kind and (recipient := _reached(link.recipient, channel))
    ]


def _link_receipt(deps: Deps, event: Event) -> list[Message]:
    """To who paid: by e-mail, else on the phone that the link was sent to."""
    paid = link_events.PaymentLinkPaid.FromString(event.body)
    link, paying = paid.payment_link, paid.link_payment
    about = About(
        amount=Money(paying.amount.amount_minor, paying.amount.currency),
        order_reference=link.order_reference,
        description=link.description,
        name="" if link.reusable else link.recipient.name,
        happened_at=event.occurred_at,
    )
    email = paying.payer_email or ("" if link.reusable else link.recipient.email)
    if email:
        channel, recipient = Channel.EMAIL, email
    else:
        phones = [_CHANNEL[c] for c in link.channels if _CHANNEL.get(c) in PHONES]
        if not phones or not link.recipient.phone or link.reusable:
            return []
        channel, recipient = phones[0], link.recipient.phone
    made = _about(deps, event, Kind.RECEIPT, channel, link, recipient=recipient, about=about)
    return [replace(made, payment_id=paying.payment_id or None)]


def _about(
    deps: Deps,
    event: Event,
    kind: Kind,
    channel: Channel,
    link: paylink_pb2.PaymentLink,
    *,
    recipient: str,
    about: About | None = None,
) -> Message:
    return queue.message_about(
        merchant_id=event.merchant_id,
        event_id=event.event_id,
        kind=kind,
        channel=channel,
        recipient=recipient,
        locale=link.locale,
        payment_link_id=link.id,
        customer_id=link.customer_id,
        about=about or about_link(link),
        created_at=event.occurred_at,
        queued_at=deps.now(),
    )


def _reached(recipient: paylink_pb2.Recipient, channel: Channel) -> str:
    return recipient.email if channel is Channel.EMAIL else recipient.phone


def _payment_receipt(deps: Deps, event: Event) -> list[Message]:
    """A link's receipt follows from the link's own event, which knows who paid."""
    captured = payment_events.PaymentCaptured.FromString(event.body)
    if captured.payment.method == LINK_METHOD:
        return []
    return [_of_payment(deps, event, Kind.RECEIPT, captured.payment, captured.amount_minor)]


def _payment_pending(deps: Deps, event: Event) -> list[Message]:
    pending = payment_events.PaymentPending.FromString(event.body).payment
    return [_of_payment(deps, event, Kind.PENDING, pending, pending.amount.amount_minor)]


def _payment_refund(deps: Deps, event: Event) -> list[Message]:
    refunded = payment_events.PaymentRefunded.FromString(event.body)
    amount_minor = refunded.refund.amount_minor
    return [_of_payment(deps, event, Kind.REFUND, refunded.payment, amount_minor)]


def _of_payment(deps: Deps, event: Event, kind: Kind, payment: Any, amount_minor: int) -> Message:
    """By e-mail, to a contact that is looked up when it is sent."""
    return queue.message_about(
        merchant_id=event.merchant_id,
        event_id=event.event_id,
        kind=kind,
        channel=Channel.EMAIL,
        about=About(
            amount=Money(amount_minor, payment.amount.currency),
            order_reference=payment.order_reference,
            happened_at=event.occurred_at,
        ),
        payment_id=payment.id,
        customer_id=payment.customer_id,
        created_at=event.occurred_at,
        queued_at=deps.now(),
    )


async def _customer_erased(conn: Conn, event: Event) -> None:
    erased = oneclick_pb.CustomerErased.FromString(event.body)
    await queue.forget_customer(conn, event.merchant_id, erased.customer_id)
    await feed.forget_customer(conn, event.merchant_id, erased.customer_id)


_TOLD: Final[Mapping[str, Telling]] = {
    "incasso.paylink.payment_link.message_requested": _link_messages,
    "incasso.paylink.payment_link.paid": _link_receipt,
    "incasso.payments.payment.captured": _payment_receipt,
    "incasso.payments.payment.pending": _payment_pending,
    "incasso.payments.payment.refunded": _payment_refund,
}
