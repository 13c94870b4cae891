"""Messages with a value in every field, for tests of conversions that take any message."""

from typing import Any

from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message

from incasso.common.v1 import file_pb2
from libs import json_values
from libs.upstreams import message_class

TEXT = "=1+1"  # a formula, for spreadsheets
DAY = "2026-11-26"
DEPTH = 3  # of recursive messages


def filled(descriptor: Any, number: int, depth: int = 0) -> Message:
    """The `number`th message; no two are the same."""
    message = message_class(descriptor)()
    for field in descriptor.fields:
        _fill(message, field, number, depth)
    return message


def _fill(message: Message, field: FieldDescriptor, number: int, depth: int) -> None:
    name = field.name
    if json_values.is_map(field):
        if json_values.map_value(field).type == FieldDescriptor.TYPE_STRING:
            getattr(message, name)[TEXT] = TEXT
    elif json_values.is_any(field):
        getattr(message, name).Pack(file_pb2.FileHeading(name=TEXT))
    elif json_values.is_time(field):
        getattr(message, name).FromJsonString(f"2026-11-26T10:00:{number % 60:02d}.250Z")
    elif field.message_type is not None:
        if depth < DEPTH:
            inner = filled(field.message_type, number, depth + 1)
            target = getattr(message, name)
            target.append(inner) if field.is_repeated else target.CopyFrom(inner)
    elif field.is_repeated:
        getattr(message, name).append(_value(field, number))
    else:
        setattr(message, name, _value(field, number))


def _value(field: FieldDescriptor, number: int) -> Any:
    if field.enum_type is not None:
        return field.enum_type.values[-1].number
    if field.type == FieldDescriptor.TYPE_BOOL:
        return True
    if field.type == FieldDescriptor.TYPE_STRING:
        if field.name == "currency":
            return "EUR"
        return DAY if field.name.endswith("_on") else f"{TEXT} {number}"
    return number
