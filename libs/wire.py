"""Plain values to and from protobuf's own types: times, money, and what may be absent."""

from datetime import UTC, datetime
from typing import Any

from google.protobuf.timestamp_pb2 import Timestamp

from incasso.common.v1 import money_pb2
from libs.money import Money


def timestamp(at: datetime) -> Timestamp:
    """Aware UTC time to protobuf."""
    stamp = Timestamp()
    stamp.FromDatetime(at)
    return stamp


def time_of(stamp: Timestamp) -> datetime:
    """Aware UTC time of a protobuf one."""
    return stamp.ToDatetime(UTC)


def opt(message: Any, name: str) -> Any:
    """The value of an optional field; None when it was not sent."""
    return getattr(message, name) if message.HasField(name) else None


def opt_time(message: Any, name: str) -> datetime | None:
    """Of an optional field that is a time."""
    return time_of(getattr(message, name)) if message.HasField(name) else None


def opt_timestamp(at: datetime | None) -> Timestamp | None:
    return None if at is None else timestamp(at)


def money(amount: Money) -> money_pb2.Money:
    return money_pb2.Money(amount_minor=amount.amount_minor, currency=amount.currency)


def money_of(amount: money_pb2.Money) -> Money:
    """After validation: ValueError when the currency is unknown."""
    return Money(amount.amount_minor, amount.currency)
