"""The public view of orders: resources as protobuf, and their events."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from enum import Enum
from typing import Any, Final

from incasso.cod.v1 import events_pb2, orders_pb2
from incasso.common.v1 import offer_pb2
from libs import erasing, outbox, wire
from libs.money import Money
from libs.outbox import NewEvent
from libs.payments.repayments import RepaymentState
from services.cod.paylink_client import QrCode
from services.cod.rules import converting, deposits, expiring
from services.cod.rules.couriers import CollectionMode
from services.cod.rules.fee_shares import fee_share
from services.cod.rules.online_refunds import OnlineRefund
from services.cod.rules.order_links import OrderLink
from services.cod.rules.orders import Order
from services.cod.rules.parcels import Parcel
from services.cod.rules.states import OrderState, ParcelState

_Requested: Final = events_pb2.CodMessageRequested
_MODES: Final = wire.numbers(CollectionMode, offer_pb2.CollectionMode)
_EVENTS: Final[Mapping[OrderState, Any]] = {
    OrderState.CONFIRMED: events_pb2.CodOrderConfirmed,
    OrderState.DISPATCHED: events_pb2.CodOrderDispatched,
    OrderState.OUT_FOR_DELIVERY: events_pb2.CodOrderOutForDelivery,
    OrderState.REFUSED: events_pb2.CodOrderRefused,
    OrderState.RETURNED: events_pb2.CodOrderReturned,
}
# Personal data in logged events and stored answers.
PERSONAL: Final[erasing.Personal] = {
    "incasso.cod.v1.CodOrder": ("recipient", "address", "metadata"),
    "incasso.cod.v1.CodMessageRequested": ("recipient", "name"),
}
ANSWERING_ORDERS: Final = (
    "CreateCodOrder",
    "ChangeCodOrder",
    "SendCodCode",
    "ConfirmCodOrder",
    "SendCodPageCode",
    "ConfirmCodPage",
)


class Reason(Enum):
    """The reason for a message to the recipient."""

    CODE = "code"
    CHANGED = "changed"
    DISPATCHED = "dispatched"
    REFUSED = "refused"
    CONVERTED = "converted"
    REFUND_ACCOUNT = "refund_account"
    REFUND_EXPORTED = "refund_exported"
    REFUND_PAID = "refund_paid"
    DEPOSIT = "deposit"
    EXPIRED = "expired"


_REASONS: Final = wire.numbers(Reason, _Requested.Reason)


def order_pb(order: Order) -> orders_pb2.CodOrder:
    """Without page_url and deposit_url: anyone who has them can see or pay the order."""
    shown = converting.shown(order)
    return wire.message(
        orders_pb2.CodOrder,
        shown,
        total_minor=shown.total_minor,
        deposit=deposit_pb(order),
    )


def deposit_pb(order: Order) -> orders_pb2.CodOrderDeposit | None:
    deposit = deposits.shown(order)
    return None if deposit is None else wire.message(orders_pb2.CodOrderDeposit, deposit)


def conversion_pb(
    order: Order, link: OrderLink, code: QrCode | None
) -> orders_pb2.ConvertCodOrderResponse:
    """`code`: while the link can be paid."""
    shown = wire.message(orders_pb2.CodPaymentLink, link)
    if code is not None:
        shown.url, shown.qr_svg, shown.qr_png_data_url = code.url, code.svg, code.png_data_url
    return orders_pb2.ConvertCodOrderResponse(order=order_pb(order), payment_link=shown)


def proposed(order: Order, now: datetime) -> NewEvent:
    return outbox.event_of(order, events_pb2.CodOrderProposed(order=order_pb(order)), now)


def changed(before: Order, after: Order, now: datetime) -> NewEvent:
    event = events_pb2.CodOrderChanged(
        order=order_pb(after), to_collect_before_minor=before.to_collect_minor
    )
    return outbox.event_of(after, event, now)


def for_change(before: Order, after: Order, now: datetime) -> Sequence[NewEvent]:
    """Events for the change between the two, made by us or by a courier's event about one
    parcel.
    """
    messages = [
        _parcel_collected(before, after, parcel)
        for was, parcel in zip(before.parcels, after.parcels, strict=True)
        if was.state is not ParcelState.COLLECTED and parcel.collected_minor
    ]
    shown = order_pb(after)
    if after.attempts > before.attempts:
        messages.append(events_pb2.CodOrderAttemptFailed(order=shown))
    elif after.state is not before.state:
        if after.state is OrderState.COLLECTED:
            collected = wire.money(Money(after.collected_minor, after.amount.currency))
            messages.append(events_pb2.CodOrderCollected(order=shown, collected=collected))
        elif after.state is OrderState.CANCELLED:
            expired = expiring.has_expired(after)
            messages.append(events_pb2.CodOrderCancelled(order=shown, expired=expired))
        elif after.state in _EVENTS:
            messages.append(_EVENTS[after.state](order=shown))
    return [outbox.event_of(after, message, now) for message in messages]


def _parcel_collected(before: Order, after: Order, parcel: Parcel) -> Any:
    """The amount collected, with what the ledger needs of its order."""
    share = fee_share(before, after)
    return wire.message(
        events_pb2.CodParcelCollected,
        parcel,
        cod_order_id=after.id,
        order_reference=after.order_reference,
        customer_id=after.customer_id,
        collected=wire.money(Money(parcel.collected_minor, after.amount.currency)),
        fee_minor=share.fee_minor,
        fee_vat_minor=share.vat_minor,
        mode=_MODES[parcel.collected_in or after.mode],
        remit_due_at=wire.opt_timestamp(after.remit_due_at),
    )


def paid_online(before: Order, after: Order, link: OrderLink, now: datetime) -> Sequence[NewEvent]:
    """One of its links was paid. Refunds of what the order did not need: see for_refund."""
    if after.converted_at != before.converted_at:
        return _converted(before, after, link, now)
    if deposits.kept_minor(after) and before.kept_deposit is None:
        event = events_pb2.CodOrderDepositPaid(
            order=order_pb(after),
            payment_link_id=link.payment_link_id or "",
            payment_id=link.payment_id,
            paid=wire.money(Money(link.paid_minor, after.amount.currency)),
        )
        return [outbox.event_of(after, event, now)]
    return ()


def _converted(before: Order, after: Order, link: OrderLink, now: datetime) -> Sequence[NewEvent]:
    """Paid online: the recipient is notified, and so is the courier that was to collect."""
    to_collect = [parcel for parcel in after.parcels if parcel.to_collect_minor]
    shown, paid = order_pb(after), Money(link.paid_minor, after.amount.currency)
    messages: list[Any] = [
        events_pb2.CodOrderConverted(
            order=shown,
            payment_link_id=link.payment_link_id or "",
            payment_id=link.payment_id,
            paid=wire.money(paid),
            fee_minor=before.fee_minor,
            fee_vat_minor=before.fee_vat_minor,
        )
    ]
    if to_collect:
        parcels = [wire.message(orders_pb2.CodParcel, parcel) for parcel in to_collect]
        messages.append(
            events_pb2.CodOrderCollectionCancelled(
                order=shown, courier_id=after.courier_id, parcels=parcels
            )
        )
    letter = message(after, Reason.CONVERTED, now, paid)
    return [*(outbox.event_of(after, one, now) for one in messages), *letter]


def notifications(before: Order, after: Order, now: datetime) -> Sequence[NewEvent]:
    """Messages to the recipient about the change between the two."""
    if after.state is before.state or after.state is not OrderState.REFUSED:
        return ()
    return message(after, Reason.REFUSED, now)


def deposit_notifications(before: Order, after: Order, now: datetime) -> Sequence[NewEvent]:
    """Asks the recipient of a confirmed order for its deposit, again if it changes. Before
    confirmation, the order's page shows it.
    """
    if after.state is not OrderState.CONFIRMED or not after.owes_deposit:
        return ()
    if (before.state, before.deposit_minor) == (after.state, after.deposit_minor):
        return ()
    amount = Money(after.deposit_minor, after.amount.currency)
    return message(after, Reason.DEPOSIT, now, amount)


def for_refund(order: Order, refund: OnlineRefund, now: datetime) -> Sequence[NewEvent]:
    """The event of a refund that has ended. A PSP may still report a success as failed later."""
    fields: dict[str, Any] = {
        "order": order_pb(order),
        "payment_id": refund.payment_id,
        "amount": wire.money(refund.amount),
    }
    if refund.state is RepaymentState.SUCCEEDED:
        return [outbox.event_of(order, events_pb2.CodOnlinePaymentRefunded(**fields), now)]
    if refund.state is RepaymentState.FAILED:
        reason = refund.refusal.reason if refund.refusal else None
        failed = events_pb2.CodOnlineRefundFailed(**fields, reason=reason)
        return [outbox.event_of(order, failed, now)]
    return ()


def message(
    order: Order, reason: Reason, now: datetime, amount: Money | None = None
) -> Sequence[NewEvent]:
    """A text message if there is a phone, otherwise an e-mail; nothing if the recipient cannot be
    reached. `amount`: the subject of the message, if not the amount to pay at the door.
    """
    phone, email = order.recipient.phone, order.recipient.email
    if not (phone or email):
        return ()
    event = _Requested(
        reason=_REASONS[reason],
        cod_order_id=order.id,
        order_reference=order.order_reference,
        locale=order.locale,
        amount=wire.money(amount or order.to_collect),
        channel=_Requested.CHANNEL_SMS if phone else _Requested.CHANNEL_EMAIL,
        recipient=phone or email or "",
        name=order.recipient.name or "",
        customer_id=order.customer_id,
    )
    return [outbox.event_of(order, event, now)]


def event_left(subject: str, body: bytes) -> bytes:
    """An event's body without personal data."""
    return erasing.event_left(subject, body, PERSONAL)


def order_left(answer: bytes) -> bytes:
    return erasing.clear(orders_pb2.CodOrder.FromString(answer), PERSONAL)
