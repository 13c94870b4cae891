"""Formats values for pages: amounts, days, times and states, in the reader's language."""

from collections.abc import Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any, Final
from urllib.parse import urlencode

import jinja2
from google.protobuf.descriptor import EnumDescriptor
from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp

from libs import display, json_values
from libs.money import Money

# The tone of a state: good or bad, waiting, over.
_TONES: Final[Mapping[str, frozenset[str]]] = {
    "good": frozenset(
        [
            "captured",
            "paid",
            "active",
            "done",
            "matched",
            "imported",
            "succeeded",
            "won",
            "closed",
            "enabled",
            "delivered",
            "completed",
            "collected",
            "remitted",
            "recovered",
            "committed",
        ]
    ),
    "bad": frozenset(
        ["declined", "refused", "failed", "lost", "overdue", "short", "defaulted", "missed"]
    ),
    "warn": frozenset(
        [
            "authorised",
            "expiring",
            "collecting",
            "recovering",
            "in_review",
            "previewed",
            "queued",
            "running",
            "invited",
            "open",
            "partially_refunded",
            "paying",
            "pending",
            "processing",
            "requires_action",
            "unknown",
        ]
    ),
}


@jinja2.pass_context
def money(context: jinja2.runtime.Context, amount: Any, currency: str = "") -> str:
    """A Money message, or minor units in a currency, as an amount."""
    if isinstance(amount, Message):
        amount, currency = getattr(amount, "amount_minor", 0), getattr(amount, "currency", currency)
    return display.amount(Money(amount, currency), context["language"])


def money_in(amount: Money, language: str) -> str:
    """An amount in a given language, e.g. the shopper's."""
    return display.amount(amount, language)


@jinja2.pass_context
def moment(context: jinja2.runtime.Context, at: Timestamp | datetime) -> str:
    """`27 nov 2026, 10:30`, in the merchant's time zone."""
    return display.short_moment(_time(at), context["language"], timezone=context["zone"])


@jinja2.pass_context
def day(context: jinja2.runtime.Context, on: date | str) -> str:
    """A date, or its ISO text, as a day."""
    return display.short_day(_day(on), context["language"])


@jinja2.pass_context
def day_of_month(context: jinja2.runtime.Context, on: date) -> str:
    """`27 Nov`, for when the year is clear."""
    return display.day_of_month(on, context["language"])


@jinja2.pass_context
def month(context: jinja2.runtime.Context, of: str) -> str:
    """`November 2026` for `2026-11`."""
    return display.month(date.fromisoformat(f"{of}-01"), context["language"])


@jinja2.pass_context
def percent(context: jinja2.runtime.Context, basis_points: int) -> str:
    """`98.5%` for 9850."""
    return display.percent(Decimal(basis_points) / 100, context["language"], places=1)


def iso(at: Timestamp | datetime) -> str:
    """For `<time datetime>`."""
    return _time(at).isoformat(timespec="seconds")


def tone(state: str) -> str:
    """The tone of a state."""
    return next((name for name, states in _TONES.items() if state in states), "over")


def enum(message: Message, field: str) -> str:
    """The name of an enum's value as the API shows it: `captured`."""
    descriptor = message.DESCRIPTOR.fields_by_name[field].enum_type
    assert isinstance(descriptor, EnumDescriptor)
    return json_values.enum_names(descriptor).get(getattr(message, field), "unspecified")


def enums(message: Message, field: str) -> list[str]:
    """Like `enum`, for a repeated field."""
    descriptor = message.DESCRIPTOR.fields_by_name[field].enum_type
    assert isinstance(descriptor, EnumDescriptor)
    names = json_values.enum_names(descriptor)
    return [names.get(value, "unspecified") for value in getattr(message, field)]


def _time(at: Timestamp | datetime) -> datetime:
    return at.ToDatetime(tzinfo=UTC) if isinstance(at, Timestamp) else at


def _day(on: date | str) -> date:
    return date.fromisoformat(on) if isinstance(on, str) else on


FILTERS: Final = {
    "money": money,
    "money_in": money_in,
    "moment": moment,
    "month": month,
    "day": day,
    "day_of_month": day_of_month,
    "percent": percent,
    "iso": iso,
    "card_name": display.card_name,
    "tone": tone,
}


def page_path(path: str, visit: Any, cursor: str) -> str:
    """URL of another page of the list, with the same filters."""
    kept = {name: value for name, value in visit.request.query.items() if name not in _PAGING}
    query = urlencode({**kept, "cursor": cursor} if cursor else kept)
    return f"{path}?{query}" if query else path


_PAGING: Final = frozenset(["cursor", "notice"])
GLOBALS: Final = {"enum": enum, "enums": enums, "page_path": page_path}
