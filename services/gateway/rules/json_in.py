"""Requests: parsed JSON bodies, query parameters and headers into protobuf messages.

Stricter than proto3's mapping, since this is money: whole numbers only as numbers, no unknown
names, no null. Every invalid field is reported with its path, up to MAX_WRONG; a list beyond its
limit is not inspected. Converters are compiled once per message.
"""

import functools
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, Final

from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message import Message

from libs import json_values, validation
from libs.errors import FieldViolation, InvalidArgument
from libs.json_values import WrongValueError
from libs.text import spelt_out

MAX_WRONG: Final = validation.MAX_WRONG
NOT_A_PARAMETER: Final = "is not a parameter of this call"
NOTHING: Final[Mapping[str, str]] = MappingProxyType({})
_INTEGER = re.compile(r"-?\d{1,16}")

Wrong = list[FieldViolation]
Read = Callable[[Any], Any]
Fill = Callable[[Message, Any, str, Wrong], None]
HeaderValues = Callable[[str, Sequence[str]], Sequence[str]]


def fill_body(message: Message, value: Any, *, elsewhere: Mapping[str, str] = NOTHING) -> None:
    """Sets the fields of `message` from a parsed object. `elsewhere` as in Route.

    Raises InvalidArgument that names every invalid field.
    """
    wrong: Wrong = []
    if isinstance(value, dict):
        taken = [name for name in elsewhere if name in value]
        wrong += [FieldViolation(name, elsewhere[name]) for name in taken]
        if taken:
            value = {name: item for name, item in value.items() if name not in taken}
    _filler(message.DESCRIPTOR)(message, value, "", wrong)
    _refuse(wrong)


def fill_path(message: Message, values: Mapping[str, str]) -> None:
    """Sets fields from the variables of the path."""
    known = _parameters(message.DESCRIPTOR)
    for name, value in values.items():
        try:
            known[name](message, [value])
        except WrongValueError as error:
            _refuse([FieldViolation(name, str(error))])


def fill_headers(message: Message, fields: Mapping[str, str], given: HeaderValues) -> None:
    """Sets text fields from their headers; `given` are a header's values."""
    for name, header in fields.items():
        values = given(header, ())
        if len(values) > 1:
            _refuse([FieldViolation(name, f"needs the header {header} once")])
        elif values:
            fill_path(message, {name: values[0]})


def fill_query(
    message: Message,
    pairs: Iterable[tuple[str, str]],
    *,
    elsewhere: Mapping[str, str] = NOTHING,
) -> None:
    """Sets fields from query parameters; a repeated one makes a list. `elsewhere` as in Route."""
    given: dict[str, list[str]] = {}
    for name, value in pairs:
        given.setdefault(name, []).append(value)
    wrong: Wrong = []
    known = _parameters(message.DESCRIPTOR)
    for name, values in given.items():
        if name not in known or name in elsewhere:
            detail = elsewhere.get(name, NOT_A_PARAMETER)
            wrong.append(FieldViolation(spelt_out(name), detail))
            continue
        try:
            known[name](message, values)
        except WrongValueError as error:
            wrong.append(FieldViolation(name, str(error)))
    _refuse(wrong)


def _refuse(wrong: Wrong) -> None:
    if wrong:
        raise InvalidArgument(violations=wrong[:MAX_WRONG])


@functools.cache
def _filler(descriptor: Descriptor) -> Fill:
    setters: dict[str, Fill] = {field.name: _setter(field) for field in descriptor.fields}

    def fill(message: Message, value: Any, path: str, wrong: Wrong) -> None:
        if not isinstance(value, dict):
            wrong.append(FieldViolation(path.removesuffix("."), "must be an object"))
            return
        for name, item in value.items():
            if len(wrong) >= MAX_WRONG:
                return
            setter = setters.get(name)
            if setter is None:
                wrong.append(FieldViolation(f"{path}{spelt_out(name)}", "is not a known field"))
            elif item is None:
                detail = "must not be null; leave the field out"
                wrong.append(FieldViolation(f"{path}{name}", detail))
            else:
                setter(message, item, f"{path}{name}", wrong)

    return fill


def _setter(field: FieldDescriptor) -> Fill:
    if json_values.is_map(field):
        return _map_setter(field)
    if field.is_repeated:
        return _list_setter(field)
    if field.message_type is not None and not json_values.is_time(field):
        return _message_setter(field)
    return _value_setter(field)


def _value_setter(field: FieldDescriptor) -> Fill:
    name, read, is_message = field.name, _reader(field), field.message_type is not None

    def fill(message: Message, value: Any, path: str, wrong: Wrong) -> None:
        try:
            found = read(value)
        except WrongValueError as error:
            wrong.append(FieldViolation(path, str(error)))
            return
        if is_message:
            getattr(message, name).CopyFrom(found)
        else:
            setattr(message, name, found)

    return fill


def _message_setter(field: FieldDescriptor) -> Fill:
    name, inner = field.name, field.message_type

    def fill(message: Message, value: Any, path: str, wrong: Wrong) -> None:
        found = getattr(message, name)
        found.SetInParent()
        _filler(inner)(found, value, f"{path}.", wrong)

    return fill


def _list_setter(field: FieldDescriptor) -> Fill:
    name, inner = field.name, field.message_type
    read = None if inner is not None else _reader(field)
    most = validation.most_items(field)

    def fill(message: Message, value: Any, path: str, wrong: Wrong) -> None:
        if not isinstance(value, list):
            wrong.append(FieldViolation(path, "must be a list"))
            return
        if len(value) > most:
            wrong.append(FieldViolation(path, f"must have at most {most} elements"))
            return
        found = getattr(message, name)
        for index, item in enumerate(value):
            if read is None:
                _filler(inner)(found.add(), item, f"{path}.{index}.", wrong)
                continue
            try:
                found.append(read(item))
            except WrongValueError as error:
                wrong.append(FieldViolation(f"{path}.{index}", str(error)))

    return fill


def _map_setter(field: FieldDescriptor) -> Fill:
    name, read = field.name, _reader(json_values.map_value(field))
    most = validation.most_items(field)

    def fill(message: Message, value: Any, path: str, wrong: Wrong) -> None:
        if not isinstance(value, dict):
            wrong.append(FieldViolation(path, "must be an object"))
            return
        if len(value) > most:
            wrong.append(FieldViolation(path, f"must have at most {most} keys"))
            return
        found = getattr(message, name)
        for key, item in value.items():
            try:
                found[json_values.text_of(key)] = read(item)
            except WrongValueError as error:
                wrong.append(FieldViolation(f"{path}.{spelt_out(key)}", str(error)))

    return fill


def _reader(field: FieldDescriptor) -> Read:
    """Converts one JSON value into one of the field, or raises WrongValueError."""
    if json_values.is_time(field):
        return json_values.time_of
    if field.enum_type is not None:
        words = json_values.enum_words(field.enum_type)
        return lambda value: _word(value, words)
    if (limits := json_values.integer_range(field)) is not None:
        least, most = limits
        return lambda value: json_values.whole_number_of(value, least, most)
    if field.type == FieldDescriptor.TYPE_BOOL:
        return json_values.flag_of
    if field.type == FieldDescriptor.TYPE_STRING:
        return json_values.text_of
    raise TypeError(f"{field.full_name} has a type without a form in our JSON")


def _word(value: Any, words: Mapping[str, int]) -> int:
    if not isinstance(value, str) or value not in words:
        raise WrongValueError(f"must be one of {', '.join(words)}")
    return words[value]


@functools.cache
def _parameters(descriptor: Descriptor) -> dict[str, Callable[[Message, list[str]], None]]:
    """Query parameters of a message: all fields that can be written as text."""
    return {
        field.name: _parameter(field)
        for field in descriptor.fields
        if field.message_type is None or json_values.is_time(field)
    }


def _parameter(field: FieldDescriptor) -> Callable[[Message, list[str]], None]:
    name, read, is_time = field.name, _reader(field), json_values.is_time(field)
    is_list, from_text = field.is_repeated, _from_text(field)

    def fill(message: Message, values: list[str]) -> None:
        found = [read(from_text(value)) for value in values]
        if is_list:
            getattr(message, name).extend(found)
        elif len(found) > 1:
            raise WrongValueError("must be given once")
        elif is_time:
            getattr(message, name).CopyFrom(found[0])
        else:
            setattr(message, name, found[0])

    return fill


def _from_text(field: FieldDescriptor) -> Read:
    """Converts a parameter's text to the JSON value that it stands for."""
    if json_values.integer_range(field) is not None:
        return lambda text: int(text) if text.isascii() and _INTEGER.fullmatch(text) else text
    if field.type == FieldDescriptor.TYPE_BOOL:
        return lambda text: {"true": True, "false": False}.get(text, text)
    return lambda text: text
