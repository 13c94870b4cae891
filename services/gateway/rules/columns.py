"""The columns of a list as a file, derived from the message of its elements. Pure.

Columns of a nested message are prefixed with its name: `recipient_email`. An amount is one column
in major units, whether it is a Money or a `…_minor` beside a currency, and its currency another.
Maps, repeated fields and recursive messages are JSON texts, empty if they have no content.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import Any, Final

from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message import Message

from libs import json_out, json_values
from libs.tables.model import Column, Kind

Get = Callable[[Message], Any]  # returns None for an empty cell

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MINOR: Final = "_minor"
_MONEY: Final = "incasso.common.v1.Money"


@dataclass(frozen=True, slots=True)
class Source:
    """A column, and its value in an element of the list."""

    column: Column
    value: Get


@lru_cache(maxsize=1024)
def of_elements(descriptor: Descriptor, currency: str = "") -> tuple[Source, ...]:
    """`currency` is the whole list's, if its elements do not state their own. Raises ValueError if
    two columns would have the same name.
    """
    found = tuple(_Part(descriptor).sources())
    if currency and "currency" not in {source.column.name for source in found}:
        whole = _Part(descriptor, currency=lambda _: currency)
        found = (*whole.sources(), Source(Column("currency"), lambda _: currency))
    names = [name for source in found for name in _names(source.column)]
    if twice := {name for name in names if names.count(name) > 1}:
        raise ValueError(f"{descriptor.full_name} has two columns {sorted(twice)}")
    return found


def _names(column: Column) -> Iterator[str]:
    yield column.name
    if column.currency_name:
        yield column.currency_name


@dataclass(frozen=True, slots=True)
class _Part:
    """A message within an element: its path, the messages around it, and their currency."""

    descriptor: Descriptor
    path: tuple[str, ...] = ()
    around: tuple[Descriptor, ...] = ()
    currency: Get | None = None

    def sources(self) -> Iterator[Source]:
        currency = self._currency()
        for field in self.descriptor.fields:
            if self._is_part(field):
                yield from self._inner(field, currency).sources()
            else:
                yield self._source(field, currency)

    def _is_part(self, field: FieldDescriptor) -> bool:
        inner = field.message_type
        is_value = field.is_repeated or json_values.is_time(field) or json_values.is_any(field)
        if inner is None or is_value or _is_money(field):
            return False
        return inner not in (self.descriptor, *self.around)

    def _inner(self, field: FieldDescriptor, currency: Get | None) -> "_Part":
        return _Part(
            json_values.message_of(field),
            (*self.path, field.name),
            (*self.around, self.descriptor),
            currency,
        )

    def _source(self, field: FieldDescriptor, currency: Get | None) -> Source:
        name = "_".join((*self.path, field.name))
        if _is_amount(field) and currency is not None:
            column = Column(name.removesuffix(_MINOR), Kind.MONEY, states_currency=False)
            return Source(column, self._get(field, _amount_in(currency)))
        kind, convert = _kind_of(field)
        return Source(Column(name, kind), self._get(field, lambda value, _: convert(value)))

    def _get(self, field: FieldDescriptor, convert: Callable[[Any, Message], Any]) -> Get:
        name, optional, path = field.name, field.has_presence, self.path

        def get(element: Message) -> Any:
            message = _at(element, path)
            if message is None or (optional and not message.HasField(name)):
                return None
            return convert(getattr(message, name), element)

        return get

    def _currency(self) -> Get | None:
        """The currency of amounts without their own: the one beside them, or around them."""
        fields, path = self.descriptor.fields, self.path
        texts = [f.name for f in fields if f.name == "currency" and f.type == f.TYPE_STRING]
        amounts = [f.name for f in fields if _is_money(f) and not f.is_repeated]
        if not texts and not amounts:
            return self.currency

        def get(element: Message) -> str | None:
            message = _at(element, path)
            if message is None:
                return None
            stated = (getattr(message, name).currency for name in amounts if message.HasField(name))
            return (getattr(message, texts[0]) if texts else next(stated, None)) or None

        return get


@dataclass(frozen=True, slots=True)
class _Amount:
    amount_minor: int
    currency: str


def _amount_in(currency: Get) -> Callable[[Any, Message], Any]:
    def amount(minor: int, element: Message) -> _Amount | None:
        """None for zero without a currency. Raises ValueError for any other amount without one."""
        code = currency(element)
        if code is None and minor:
            raise ValueError("an amount has no currency")
        return _Amount(minor, code) if code else None

    return amount


def _at(element: Message, path: tuple[str, ...]) -> Message | None:
    for name in path:
        if not element.HasField(name):
            return None
        element = getattr(element, name)
    return element


def _is_money(field: FieldDescriptor) -> bool:
    found = field.message_type
    return found is not None and found.full_name == _MONEY


def _is_amount(field: FieldDescriptor) -> bool:
    whole = json_values.integer_range(field) is not None and not field.is_repeated
    return whole and field.name.endswith(_MINOR)


def _kind_of(field: FieldDescriptor) -> tuple[Kind, Callable[[Any], Any]]:
    if field.is_repeated or json_values.is_any(field):
        write = json_out.texts_of(field)
        return Kind.TEXT, lambda value: write(value) if value else None
    if _is_money(field):
        return Kind.MONEY, lambda amount: amount
    if json_values.is_time(field):
        return Kind.TIME, _time
    if field.message_type is not None:
        return Kind.TEXT, json_out.texts_of(field)
    if field.enum_type is not None:
        names = json_values.enum_names(field.enum_type)
        return Kind.TEXT, lambda number: names.get(number, names[0])
    if field.name.endswith("_on") and field.type == FieldDescriptor.TYPE_STRING:
        return Kind.DATE, lambda day: date.fromisoformat(day) if day else None
    is_whole = json_values.integer_range(field) is not None
    is_flag = field.type == FieldDescriptor.TYPE_BOOL
    kind = Kind.INTEGER if is_whole else Kind.FLAG if is_flag else Kind.TEXT
    return kind, lambda value: value


def _time(stamp: Any) -> datetime:
    return _EPOCH + timedelta(seconds=stamp.seconds, microseconds=stamp.nanos // 1000)
