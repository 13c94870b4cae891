"""Writes protobuf messages as the JSON that storefronts read, in answers and webhooks alike.

Fields without presence are always written, absent ones are left out. A browser only gets fields
whose rules allow it. Compiled once per message and kind of reader.
"""

import functools
import json
from collections.abc import Callable
from typing import Any

from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message import Message

from libs import json_values, validation

Write = Callable[[Any], Any]

_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), check_circular=False).encode


def dump(value: Any) -> bytes:
    """Plain values to JSON bytes."""
    return _encode(value).encode()


def body_of(message: Message, response_body: str = "", *, browser: bool = False) -> bytes:
    """JSON of a message, or of the field that is the answer."""
    if response_body:
        message = getattr(message, response_body)
    return dump(_writer(message.DESCRIPTOR, browser=browser)(message))


def plain(message: Message) -> dict[str, Any]:
    """A message as dictionaries, lists and texts."""
    return _writer(message.DESCRIPTOR, browser=False)(message)


def texts_of(field: FieldDescriptor) -> Callable[[Any], str]:
    """Writes values of a field as JSON texts."""
    writer = _field_writer(field, browser=False)
    return lambda value: _encode(writer(value) if writer is not None else value)


@functools.cache
def _writer(descriptor: Descriptor, *, browser: bool) -> Callable[[Message], dict[str, Any]]:
    fields = [
        (f.name, _field_writer(f, browser=browser), f.has_presence)
        for f in descriptor.fields
        if not browser or validation.rules_of(f).browser
    ]

    def write(message: Message) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for name, writer, optional in fields:
            if optional and not message.HasField(name):
                continue
            value = getattr(message, name)
            found[name] = writer(value) if writer is not None else value
        return found

    return write


def _message_writer(descriptor: Descriptor, *, browser: bool) -> Write:
    """Compiled on first use: a message may contain itself."""

    def write(message: Message) -> dict[str, Any]:
        return _writer(descriptor, browser=browser)(message)

    return write


def _field_writer(field: FieldDescriptor, *, browser: bool) -> Write | None:
    if json_values.is_map(field):
        inner = _value_writer(json_values.map_value(field), browser=browser)
        return lambda values: {key: inner(v) if inner else v for key, v in sorted(values.items())}
    one = _value_writer(field, browser=browser)
    if field.is_repeated:
        return lambda values: [one(value) if one else value for value in values]
    return one


def _value_writer(field: FieldDescriptor, *, browser: bool) -> Write | None:
    """None if the value is already what JSON needs."""
    if json_values.is_time(field):
        return json_values.time_text
    if json_values.is_any(field):
        return lambda packed: plain(json_values.unpacked(packed))
    if (inner := field.message_type) is not None:
        return _message_writer(inner, browser=browser)
    if field.enum_type is not None:
        names = json_values.enum_names(field.enum_type)
        return lambda number: names.get(number, names[0])
    if field.type in (FieldDescriptor.TYPE_BOOL, FieldDescriptor.TYPE_STRING):
        return None
    if json_values.integer_range(field) is not None:
        return None
    raise TypeError(f"{field.full_name} has a type without a form in our JSON")
