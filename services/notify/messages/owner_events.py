"""Messages to a merchant's owner when an API key changes the merchant itself."""

from dataclasses import replace
from datetime import datetime
from functools import partial
from typing import Any, Final

from incasso.merchants.v1 import events_pb2
from libs import wire
from libs.bus import Event
from libs.money import Money
from services.notify.messages.rules.domain import About, Kind, Message
from services.notify.messages.rules.emails import account_text
from services.notify.messages.shopper_events import message_of


def _bank_account(kind: Kind, contract: Any, event: Event, now: datetime) -> list[Message]:
    change = contract.FromString(event.body)
    merchant, account = change.merchant, change.change.bank_account
    recipient = merchant.contact_email or merchant.branding.reply_to
    if not recipient:
        return []
    about = About(
        amount=Money(0, merchant.default_currency),
        account=account_text(account.holder, account.iban),
        happened_at=wire.time_of(change.change.effective_at),
    )
    message = message_of(event, now, kind, about)
    return [replace(message, recipient=recipient, locale=merchant.locale)]


MESSAGES: Final = {
    "incasso.merchants.merchant.bank_account_change_requested": partial(
        _bank_account, Kind.BANK_ACCOUNT_CHANGE, events_pb2.BankAccountChangeRequested
    ),
    "incasso.merchants.merchant.bank_account_changed": partial(
        _bank_account, Kind.BANK_ACCOUNT_CHANGED, events_pb2.BankAccountChanged
    ),
}
