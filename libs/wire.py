"""Plain values to and from protobuf's own types: times and money."""

from datetime import UTC, datetime

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


def money(amount: Money) -> money_pb2.Money:
    return money_pb2.Money(amount_minor=amount.amount_minor, currency=amount.currency)


def money_of(amount: money_pb2.Money) -> Money:
    """After validation: ValueError when the currency is unknown."""
    return Money(amount.amount_minor, amount.currency)
