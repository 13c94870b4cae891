"""Messages to people who are invited to the console."""

from dataclasses import replace
from datetime import datetime
from typing import Final

from incasso.merchants.v1 import events_pb2
from libs.bus import Event
from libs.money import Money
from services.notify.messages.rules.domain import About, Kind, Message
from services.notify.messages.shopper_events import message_of


def _invitation(event: Event, now: datetime) -> list[Message]:
    invited = events_pb2.MemberInvited.FromString(event.body)
    about = About(amount=Money(0, "EUR"), member_id=invited.member_id)  # no money involved
    message = message_of(event, now, Kind.INVITATION, about)
    return [replace(message, recipient=invited.email, locale=invited.locale)]


MESSAGES: Final = {"incasso.merchants.member.invited": _invitation}
