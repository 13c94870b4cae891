"""Messages to customers of instalment plans, in the language of the plan: by e-mail, or by SMS if
there is only a phone.
"""

from dataclasses import replace
from datetime import date, datetime
from typing import Final

from incasso.instalments.v1 import events_pb2
from libs import wire
from libs.bus import Event
from services.notify.messages.rules.domain import About, Channel, Kind, Message, channel_of
from services.notify.messages.shopper_events import message_of

_REQUESTED: Final = events_pb2.PlanMessageRequested
_KIND: Final = {
    _REQUESTED.REASON_SIGNED: Kind.PLAN_SIGNED,
    _REQUESTED.REASON_DUE: Kind.INSTALMENT_DUE,
    _REQUESTED.REASON_MISSED: Kind.INSTALMENT_MISSED,
    _REQUESTED.REASON_CARD_NEEDED: Kind.CARD_NEEDED,
    _REQUESTED.REASON_MAY_WITHDRAW: Kind.MAY_WITHDRAW,
    _REQUESTED.REASON_WITHDRAWN: Kind.PLAN_WITHDRAWN,
    _REQUESTED.REASON_COMPLETED: Kind.PLAN_COMPLETED,
    _REQUESTED.REASON_RESCHEDULED: Kind.INSTALMENT_RESCHEDULED,
}


def _plan_message(event: Event, now: datetime) -> list[Message]:
    """No message for a reason that this version does not know."""
    asked = _REQUESTED.FromString(event.body)
    kind = _KIND.get(asked.reason)
    if kind is None:
        return []
    about = About(
        amount=wire.money_of(asked.amount),
        order_reference=asked.order_reference,
        happened_at=event.occurred_at if kind is Kind.PLAN_WITHDRAWN else None,
        due_on=date.fromisoformat(asked.due_on) if asked.due_on else None,
        plan=asked.label,
        paragraphs=tuple(asked.paragraphs),
        warning=asked.warning,
    )
    message = replace(
        message_of(event, now, kind, about),
        channel=channel_of(asked.recipient) if asked.recipient else Channel.EMAIL,
        recipient=asked.recipient,
        locale=asked.locale,
        plan_id=asked.plan_id,
        customer_id=asked.customer_id,
        payment_link_id=asked.payment_link_id or None,
    )
    return [message]


MESSAGES: Final = {"incasso.instalments.plan.message_requested": _plan_message}
