"""Protobuf messages as plain values, as in the REST API's JSON.

Names in snake_case, integers as numbers, enums in lower case without their prefix, RFC 3339 times;
absent fields are left out.
"""

import re
from collections.abc import Callable, Mapping
from datetime import UTC
from typing import Any

from google.protobuf.descriptor import EnumDescriptor, FieldDescriptor
from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp

from libs.money import Money


def plain(message: Message) -> dict[str, Any]:
    """The message as a JSON object."""
    descriptor: Any = message.DESCRIPTOR  # the stubs have two classes for it
    return {
        field.name: _value(message, field)
        for field in descriptor.fields
        if _is_present(message, field)
    }


def with_amounts(record: Mapping[str, Any], currency: str) -> dict[str, Any]:
    """Amounts as people write them instead of minor units."""
    shown: dict[str, Any] = {}
    for name, value in record.items():
        if name.endswith("_minor"):
            shown[name.removesuffix("_minor")] = Money(value, currency)
        elif name == "amount":
            shown[name] = Money(value["amount_minor"], currency)
        else:
            shown[name] = value
    return shown


def _is_present(message: Message, field: FieldDescriptor) -> bool:
    if field.is_repeated:
        return True
    if field.has_presence:
        return message.HasField(field.name)
    return field.enum_type is None or bool(getattr(message, field.name))


def _value(message: Message, field: FieldDescriptor) -> Any:
    value = getattr(message, field.name)
    if field.message_type is not None and field.message_type.GetOptions().map_entry:
        return dict(value)
    convert = _converter(field)
    return [convert(item) for item in value] if field.is_repeated else convert(value)


def _converter(field: FieldDescriptor) -> Callable[[Any], Any]:
    if field.message_type is not None:
        is_time = field.message_type.full_name == Timestamp.DESCRIPTOR.full_name
        return _time if is_time else plain
    if (enum := field.enum_type) is not None:
        return lambda number: _enum_text(enum, number)
    return lambda value: value


def _time(stamp: Timestamp) -> str:
    return stamp.ToDatetime(UTC).isoformat().replace("+00:00", "Z")


def _enum_text(enum: EnumDescriptor, number: int) -> str:
    prefix = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", enum.name).upper() + "_"
    known = enum.values_by_number.get(number)
    return known.name.removeprefix(prefix).lower() if known else str(number)
