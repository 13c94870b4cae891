"""Messages to recipients of cash-on-delivery orders: by SMS, or by e-mail if there is no phone."""

from dataclasses import replace
from datetime import datetime
from typing import Final

from incasso.cod.v1 import events_pb2
from libs import wire
from libs.bus import Event
from services.notify.messages.rules.domain import About, Channel, Kind, Message
from services.notify.messages.shopper_events import message_of

_REQUESTED: Final = events_pb2.CodMessageRequested
_CHANNEL: Final = wire.members(Channel, _REQUESTED.Channel)
_KIND: Final = {
    _REQUESTED.REASON_CODE: Kind.COD_CODE,
    _REQUESTED.REASON_CHANGED: Kind.COD_CHANGED,
    _REQUESTED.REASON_DISPATCHED: Kind.COD_DISPATCHED,
    _REQUESTED.REASON_REFUSED: Kind.COD_REFUSED,
    _REQUESTED.REASON_CONVERTED: Kind.COD_CONVERTED,
    _REQUESTED.REASON_REFUND_ACCOUNT: Kind.COD_REFUND_ACCOUNT,
    _REQUESTED.REASON_REFUND_EXPORTED: Kind.COD_REFUND_EXPORTED,
    _REQUESTED.REASON_REFUND_PAID: Kind.COD_REFUND_PAID,
    _REQUESTED.REASON_DEPOSIT: Kind.COD_DEPOSIT,
    _REQUESTED.REASON_EXPIRED: Kind.COD_EXPIRED,
}


def _cod_message(event: Event, now: datetime) -> list[Message]:
    """No message for a reason or channel that this version does not know."""
    asked = _REQUESTED.FromString(event.body)
    kind, channel = _KIND.get(asked.reason), _CHANNEL.get(asked.channel)
    if kind is None or channel is None:
        return []
    about = About(
        amount=wire.money_of(asked.amount), order_reference=asked.order_reference, name=asked.name
    )
    message = replace(
        message_of(event, now, kind, about),
        channel=channel,
        recipient=asked.recipient,
        locale=asked.locale,
        cod_order_id=asked.cod_order_id,
        customer_id=asked.customer_id or None,
    )
    return [message]


MESSAGES: Final = {"incasso.cod.order.message_requested": _cod_message}
