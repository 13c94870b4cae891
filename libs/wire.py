"""Converts between the domain and protobuf, for all services.

`read` makes a dataclass from a message, `message` a message from a dataclass, both by field names.
Fields with another name, or only sent in some cases, are passed in by the caller. Times, days,
money, enums (by the names of their members), maps, lists and nested messages are converted by type.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import MISSING, fields
from datetime import UTC, date, datetime
from enum import Enum
from functools import cache
from operator import attrgetter
from typing import Any, Final, TypeVar

from google.protobuf.descriptor import Descriptor, EnumDescriptor, FieldDescriptor
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass
from google.protobuf.timestamp_pb2 import Timestamp

from incasso.common.v1 import money_pb2
from libs.errors import invalid
from libs.hints import bare, element_of, hints_of
from libs.money import Money

T = TypeVar("T")
M = TypeVar("M", bound=Message)
E = TypeVar("E", bound=Enum)
Convert = Callable[[Any], Any]

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_TIMESTAMP: Final = "google.protobuf.Timestamp"
_MONEY: Final = "incasso.common.v1.Money"


def timestamp(at: datetime) -> Timestamp:
    """Aware time to protobuf. An event has half a dozen, and protobuf's own conversion takes more than twice as long."""
    since = at - _EPOCH
    seconds = since.days * 86_400 + since.seconds
    return Timestamp(seconds=seconds, nanos=since.microseconds * 1_000)


def opt_timestamp(at: datetime | None) -> Timestamp | None:
    return None if at is None else timestamp(at)


def time_of(stamp: Timestamp) -> datetime:
    """Aware UTC time of a protobuf one."""
    return stamp.ToDatetime(UTC)


def money(amount: Money) -> money_pb2.Money:
    return money_pb2.Money(amount_minor=amount.amount_minor, currency=amount.currency)


def money_of(amount: money_pb2.Money) -> Money:
    """For validated messages: raises ValueError if the currency is unknown."""
    return Money(amount.amount_minor, amount.currency)


def opt(message: Message, name: str) -> Any:
    """An optional field: its value, with time and money as ours; None if it was not sent."""
    if not message.HasField(name):
        return None
    value = getattr(message, name)
    if isinstance(value, Timestamp):
        return time_of(value)
    return money_of(value) if isinstance(value, money_pb2.Money) else value


def numbers(kind: type[E], values: Any) -> Mapping[E, Any]:
    """The number of each member in a protobuf enum, e.g. `Payment.State`; members that are never
    shown have none.
    """
    return _numbers(kind, values.DESCRIPTOR)


def members(kind: type[E], values: Any) -> Mapping[int, E]:
    """The member for each number; none for UNSPECIFIED."""
    return _members(kind, values.DESCRIPTOR)


def each_of(known: Mapping[int, E], sent: Iterable[int], field: str) -> tuple[E, ...]:
    """The members of a repeated enum. Raises InvalidArgument for an unspecified one."""
    found = []
    for at, number in enumerate(sent):
        if number not in known:
            raise invalid(f"{field}.{at}", "is required")
        found.append(known[number])
    return tuple(found)


def read(kind: Callable[..., T], message: Message, /, **given: Any) -> T:
    """A dataclass from a message. A field that was not sent is None if the type allows it,
    otherwise the default.
    """
    values = given
    for name, get in _readers(kind, message.DESCRIPTOR).items():
        if name not in given:
            value = get(message)
            if value is not MISSING:
                values[name] = value
    return kind(**values)


def message(kind: type[M], of: Any, /, **given: Any) -> M:
    """A message from a dataclass. None, and an empty text of an optional field, are not sent."""
    made: Any = kind
    names, get, writers = _writers(made, of.__class__)
    found_values = dict(zip(names, get(of), strict=True)) | given
    for name, write in writers:
        if name not in given and (value := found_values[name]) is not None:
            found_values[name] = write(value)
    return kind(**found_values)


def reader(field: FieldDescriptor, hint: Any) -> Convert:
    """Reads one field of a message, as `read` does for a dataclass field of this type."""
    return _reader(field, hint, None if hint is not bare(hint) else MISSING)


@cache
def _numbers(kind: Any, values: EnumDescriptor) -> Mapping[Any, int]:
    start = values.values[0].name.removesuffix("UNSPECIFIED")
    known = values.values_by_name
    return {
        member: known[start + member.name].number for member in kind if start + member.name in known
    }


@cache
def _members(kind: Any, values: EnumDescriptor) -> Mapping[int, Any]:
    return {number: member for member, number in _numbers(kind, values).items()}


@cache
def _readers(kind: Any, message: Descriptor) -> dict[str, Convert]:
    defaults = {field.name: field.default for field in fields(kind)}
    found = {}
    for name, hint in hints_of(kind).items():
        field = message.fields_by_name.get(name)
        if field is not None:
            found[name] = _reader(field, hint, None if hint is not bare(hint) else defaults[name])
    return found


def _reader(field: FieldDescriptor, hint: Any, absent: Any) -> Convert:
    """`absent`: the value for an optional field or an enum that is not set."""
    name, get = field.name, attrgetter(field.name)
    if field.is_repeated:
        if field.message_type is not None and field.message_type.GetOptions().map_entry:
            return lambda message: dict(get(message))
        if field.enum_type is not None:
            known = _members(element_of(hint), field.enum_type)
            return lambda message: each_of(known, get(message), name)
        each = _value_reader(field, element_of(hint), None)
        return lambda message: tuple(each(value) for value in get(message))
    optional, convert = hint is not bare(hint), _value_reader(field, bare(hint), absent)
    if field.has_presence and (optional or (field.message_type is None and absent is not MISSING)):
        return lambda message: convert(get(message)) if message.HasField(name) else absent
    if optional and field.enum_type is None:
        return lambda message: convert(get(message)) or None
    return lambda message: convert(get(message))


def _value_reader(field: FieldDescriptor, kind: Any, absent: Any) -> Convert:
    if field.enum_type is not None:
        known = _members(kind, field.enum_type)
        return lambda number: known.get(number, absent)
    if field.message_type is None:
        return _day if kind is date else _same
    return _PARTS.get(field.message_type.full_name) or (lambda part: read(kind, part))


@cache
def _writers(kind: Any, of: type) -> tuple[Sequence[str], Convert, Sequence[tuple[str, Convert]]]:
    """The names of the fields that both have, a getter for all of them at once, and writers for those that
    need converting.
    """
    known = {name: bare(hint) for name, hint in hints_of(of).items()}
    shared = {n: field for n, field in kind.DESCRIPTOR.fields_by_name.items() if n in known}
    if not shared:
        return (), lambda _: (), ()
    get = attrgetter(*shared)
    written = [(name, _writer(field, known[name])) for name, field in shared.items()]
    return (
        tuple(shared),
        get if len(shared) > 1 else lambda value: (get(value),),
        tuple((name, write) for name, write in written if write is not _same),
    )


def _writer(field: FieldDescriptor, hint: Any) -> Convert:
    if field.is_repeated:
        if field.message_type is not None and field.message_type.GetOptions().map_entry:
            return _same
        each = _value_writer(field, element_of(hint))
        return _same if each is _same else lambda values: [each(value) for value in values]
    convert = _value_writer(field, hint)
    return _unless_empty if convert is _same and field.has_presence else convert


def _unless_empty(value: Any) -> Any:
    return None if value == "" else value


def _value_writer(field: FieldDescriptor, kind: Any) -> Convert:
    if field.enum_type is not None and issubclass(kind, Enum):  # otherwise it is the number
        return _numbers(kind, field.enum_type).__getitem__
    if field.message_type is None:
        if kind is date:
            return date.isoformat
        return attrgetter("value") if isinstance(kind, type) and issubclass(kind, Enum) else _same
    part = GetMessageClass(field.message_type)
    return _WRITERS.get(field.message_type.full_name) or (lambda value: message(part, value))


def _day(text: str) -> date | None:
    return date.fromisoformat(text) if text else None


def _same(value: Any) -> Any:
    return value


_PARTS: Final[Mapping[str, Convert]] = {_TIMESTAMP: time_of, _MONEY: money_of}
_WRITERS: Final[Mapping[str, Convert]] = {_TIMESTAMP: timestamp, _MONEY: money}
