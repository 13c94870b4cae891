"""The door for news of a merchant itself: its owner is told by mail. Nothing is sent in handlers."""

from functools import partial
from typing import Any

from incasso.merchants.v1 import events_pb2
from libs import wire
from libs.bus import Event
from libs.consumer import Handler
from libs.money import Money
from services.notify.deps import Deps
from services.notify.domain import About, Channel, Kind, Message
from services.notify.flows import queue
from services.notify.owner_letters import account_text
from services.notify.worker import queueing

_SUBJECTS = {
    "incasso.merchants.merchant.bank_account_change_requested": (
        Kind.BANK_ACCOUNT_CHANGE,
        events_pb2.BankAccountChangeRequested,
    ),
    "incasso.merchants.merchant.bank_account_changed": (
        Kind.BANK_ACCOUNT_CHANGED,
        events_pb2.BankAccountChanged,
    ),
}


def handlers(deps: Deps) -> dict[str, Handler]:
    """What is done with each event, by subject."""
    told = {subject: partial(_notices, *what) for subject, what in _SUBJECTS.items()}
    return dict.fromkeys(told, queueing(deps, told))


def _notices(kind: Kind, message: Any, deps: Deps, event: Event) -> list[Message]:
    told = message.FromString(event.body)
    merchant, change = told.merchant, told.change
    recipient = merchant.contact_email or merchant.branding.reply_to
    if not recipient:
        return []
    notice = queue.message_about(
        merchant_id=event.merchant_id,
        event_id=event.event_id,
        kind=kind,
        channel=Channel.EMAIL,
        recipient=recipient,
        locale=merchant.locale,
        about=About(
            amount=Money(0, merchant.default_currency),
            account=account_text(change.bank_account.holder, change.bank_account.iban),
            happened_at=wire.time_of(change.effective_at),
        ),
        created_at=event.occurred_at,
        queued_at=deps.now(),
    )
    return [notice]
