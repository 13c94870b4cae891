"""From a request to a link: defaults, and combinations that are not allowed. Pure."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

from libs.dataclass_copies import copy_as
from libs.errors import invalid
from libs.money import Money
from services.paylink.errors import BankAccountMissing
from services.paylink.rules.domain import (
    Channel,
    LineItem,
    Link,
    Merchant,
    Method,
    NewLink,
    Recipient,
)
from services.paylink.rules.states import LINK_INITIAL

EXPIRES_IN_DAYS: Final = 30
INSTALMENT_DAYS: Final = 120  # for a missed part: until long after its plan has defaulted
COD_DAYS: Final = 30  # for a cash-on-delivery order: attempts, storage and the way back
REMINDER_DAYS: Final = (1, 3, 7)
LARGEST_MINOR: Final = 999_999_999_999
TRANSFER_CURRENCY: Final = "EUR"  # SEPA; other currencies only if the merchant asks for it


def draft(
    new: NewLink, *, link_id: str, creditor_reference: str, now: datetime, trace_id: str
) -> Link:
    """A link in state created. Raises InvalidArgument, BankAccountMissing."""
    price = _price(new)
    expires_in_days = new.expires_in_days or EXPIRES_IN_DAYS
    check_channels(new.channels, new.recipient)
    _check_uses(new)
    _check_instalments(new)
    return copy_as(
        Link,
        new,
        id=link_id,
        merchant_id=new.merchant.id,
        state=LINK_INITIAL,
        amount=price,
        deposit_minor=_deposit(new, price),
        channels=tuple(new.channels),
        locale=new.locale or new.merchant.locale,
        line_items=tuple(new.line_items),
        methods=_methods(new.methods, new.merchant, price.currency),
        reminder_days=_reminder_days(new.reminder_days, expires_in_days),
        creditor_reference=creditor_reference,
        trace_id=trace_id,
        expires_in_days=expires_in_days,
        expires_at=now + timedelta(days=expires_in_days),
        issued_at=now,
        created_at=now,
    )


def total(items: Sequence[LineItem]) -> int:
    return sum(item.quantity * item.unit_amount_minor for item in items)


def _price(new: NewLink) -> Money:
    if new.amount is not None:
        if new.currency not in {None, new.amount.currency}:
            raise invalid("currency", "differs from the amount's currency")
        if new.line_items and total(new.line_items) != new.amount.amount_minor:
            raise invalid("line_items", "do not add up to the amount")
        return new.amount
    if not new.line_items:
        raise invalid("amount", "is required without line_items")
    return price(new.line_items, new.currency or new.merchant.default_currency)


def price(line_items: Sequence[LineItem], currency: str) -> Money:
    """The sum of the lines, discounts included. Raises InvalidArgument if it cannot be paid."""
    price_minor = total(line_items)
    if not 1 <= price_minor <= LARGEST_MINOR:
        raise invalid("line_items", f"must add up to 1 to {LARGEST_MINOR}")
    return Money(price_minor, currency)


def _deposit(new: NewLink, price: Money) -> int | None:
    if new.deposit is None:
        return None
    if new.reusable:
        raise invalid("deposit", "cannot be combined with a reusable link")
    if new.deposit.currency != price.currency:
        raise invalid("deposit.currency", "differs from the amount's currency")
    if new.deposit.amount_minor >= price.amount_minor:
        raise invalid("deposit.amount_minor", "must be below the amount")
    return new.deposit.amount_minor


def check_channels(channels: Sequence[Channel], recipient: Recipient) -> None:
    """Each channel once, with an address of the recipient."""
    for index, channel in enumerate(channels):
        if channel in channels[:index]:
            raise invalid(f"channels.{index}", "is a duplicate")
        if not recipient.reachable_by(channel):
            address = "email" if channel is Channel.EMAIL else "phone"
            raise invalid(f"recipient.{address}", f"is required by channel {channel.value}")


def _check_uses(new: NewLink) -> None:
    if new.max_uses is not None and not new.reusable:
        raise invalid("max_uses", "needs a reusable link")
    if new.quote is not None and new.reusable:
        raise invalid("quote", "is accepted by one person; a reusable link has many")


def _check_instalments(new: NewLink) -> None:
    """A plan pays the full price."""
    if Method.INSTALMENTS not in new.methods:
        return
    if new.reusable or new.deposit is not None:
        raise invalid("methods", "instalments pay one full price: no deposit, no reusable link")


def _methods(asked: Sequence[Method], merchant: Merchant, currency: str) -> tuple[Method, ...]:
    if asked:
        if len(set(asked)) != len(asked):
            raise invalid("methods", "contains a duplicate")
        if Method.BANK_TRANSFER in asked and merchant.bank_account is None:
            raise BankAccountMissing
        return tuple(asked)
    return usual_methods(merchant, currency)


def usual_methods(merchant: Merchant, currency: str) -> tuple[Method, ...]:
    """For a link that asks for none."""
    if merchant.bank_account is not None and currency == TRANSFER_CURRENCY:
        return (Method.CARD, Method.BANK_TRANSFER)
    return (Method.CARD,)


def _reminder_days(asked: Sequence[int] | None, expires_in_days: int) -> tuple[int, ...]:
    """Those before the expiry, in order."""
    days = REMINDER_DAYS if asked is None else asked
    return tuple(sorted({day for day in days if day < expires_in_days}))
