"""Checks a request against the rules in its proto (incasso.rest.v1.field), before any servicer.

Texts of a well-known format first get their normal form, in place: servicers and idempotency keys
see the same value however it was typed. Rules are compiled once per message type. Returns
violations with their fields' paths.
"""

import functools
import itertools
import re
from collections.abc import Callable, Iterator
from typing import Any, Final, TypeAlias

from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message import Message

from incasso.rest.v1 import options_pb2
from libs import text
from libs.errors import FieldViolation, InvalidArgument
from libs.formats import CHECKS
from libs.normal_forms import MOST, NORMAL_FORMS

MAX_WRONG: Final = 50  # fields named in one refusal
MAX_LENGTH: Final = 255  # default for text fields
MAX_ITEMS: Final = 50  # default for lists and maps
MAX_KEY_LENGTH: Final = 40  # of a map's keys
MAX_MAP_BYTES: Final = 32 * 1024  # of all keys and values of a map, in UTF-8

Check: TypeAlias = Callable[[Any], str | None]
Checks: TypeAlias = Callable[[Message, str], Iterator[FieldViolation]]


def check(request: Message) -> None:
    """Normalises formats, then checks.

    Raises InvalidArgument that names every invalid field, up to MAX_WRONG.
    """
    found = _message_checks(request.DESCRIPTOR)(request, "")
    violations = tuple(itertools.islice(found, MAX_WRONG))
    if violations:
        raise InvalidArgument(violations=violations)


def check_of_browser(request: Message) -> None:
    """Raises InvalidArgument that names every field that only the merchant's server may set."""
    violations = tuple(
        FieldViolation(path, "can only be set with a secret key")
        for path in itertools.islice(_beyond_browser(request, ""), MAX_WRONG)
    )
    if violations:
        raise InvalidArgument(violations=violations)


def _beyond_browser(message: Message, path: str) -> Iterator[str]:
    for field, value in message.ListFields():
        rules = rules_of(field)
        if not (rules.browser or rules.browser_address):
            yield f"{path}{field.name}"
        elif field.message_type is None or _is_map(field):
            continue
        elif field.is_repeated:
            for index, inner in enumerate(value):
                yield from _beyond_browser(inner, f"{path}{field.name}.{index}.")
        else:
            yield from _beyond_browser(value, f"{path}{field.name}.")


def rules_of(field: FieldDescriptor) -> options_pb2.FieldRules:
    return field.GetOptions().Extensions[options_pb2.field]


def is_file(field: FieldDescriptor) -> bool:
    """Whether it holds a base64 file, which may be far longer than any text."""
    return rules_of(field).format == options_pb2.FORMAT_BASE64


def most_file_bytes(message: Descriptor) -> int:
    """Maximum size of all files in a message, in base64."""
    return sum(rules_of(field).max_length for field in message.fields if is_file(field))


def most_items(field: FieldDescriptor) -> int:
    """Maximum number of elements or keys of a list or map."""
    return rules_of(field).max_items or MAX_ITEMS


@functools.cache
def _message_checks(descriptor: Descriptor) -> Checks:
    if descriptor.full_name.startswith("google.protobuf."):
        return _no_checks
    fields = [(field.name, _field_checks(field)) for field in descriptor.fields]

    def run(message: Message, path: str) -> Iterator[FieldViolation]:
        for name, checks in fields:
            yield from checks(message, f"{path}{name}")

    return run


def _no_checks(_: Message, __: str) -> Iterator[FieldViolation]:
    return iter(())


def _field_checks(field: FieldDescriptor) -> Checks:
    if field.is_repeated:
        return _map_checks(field) if _is_map(field) else _list_checks(field)
    return _single_checks(field)


def _is_map(field: FieldDescriptor) -> bool:
    return bool(field.message_type and field.message_type.GetOptions().map_entry)


def _single_checks(field: FieldDescriptor) -> Checks:
    name, required, present = field.name, rules_of(field).required, _presence(field)
    value_checks, normal = _value_checks(field), _normal_form(field)

    def run(message: Message, path: str) -> Iterator[FieldViolation]:
        if normal is not None and (value := getattr(message, name)):
            setattr(message, name, normal(value))
        if present(message):
            yield from value_checks(getattr(message, name), path)
        elif required:
            yield FieldViolation(path, "is required")

    return run


def _normal_form(field: FieldDescriptor) -> Callable[[str], str] | None:
    """None if the format has no normal form. A text too long for any format stays unchanged."""
    normal = NORMAL_FORMS.get(options_pb2.Format.Name(rules_of(field).format))
    if normal is None:
        return None
    return lambda text: normal(text) if len(text) <= MOST else text


def _presence(field: FieldDescriptor) -> Callable[[Message], bool]:
    """Whether there is a value to check. Numbers without presence are always checked."""
    name = field.name
    if field.has_presence:
        return lambda message: message.HasField(name)
    if field.cpp_type in (FieldDescriptor.CPPTYPE_STRING, FieldDescriptor.CPPTYPE_ENUM):
        return lambda message: bool(getattr(message, name))
    return lambda message: True


def _list_checks(field: FieldDescriptor) -> Checks:
    name, rules, value_checks = field.name, rules_of(field), _value_checks(field)
    most, normal = most_items(field), _normal_form(field)

    def run(message: Message, path: str) -> Iterator[FieldViolation]:
        values = getattr(message, name)
        if rules.required and not values:
            yield FieldViolation(path, "must have at least one element")
        if len(values) > most:
            yield FieldViolation(path, f"must have at most {most} elements")
            return
        if normal is not None:
            values[:] = [normal(value) for value in values]
        for index, value in enumerate(values):
            yield from value_checks(value, f"{path}.{index}")

    return run


def _map_checks(field: FieldDescriptor) -> Checks:
    name, rules = field.name, rules_of(field)
    most = most_items(field)
    value_check = _text_check(rules)

    def run(message: Message, path: str) -> Iterator[FieldViolation]:
        values = getattr(message, name)
        if len(values) > most:
            yield FieldViolation(path, f"must have at most {most} keys")
            return
        for key, value in values.items():
            if not 1 <= len(key) <= MAX_KEY_LENGTH:
                yield FieldViolation(path, f"keys must have 1 to {MAX_KEY_LENGTH} characters")
            elif wrong := text.wrong_character(key, multiline=False):
                yield FieldViolation(path, f"keys {wrong}")
            elif wrong := value_check(value):
                yield FieldViolation(f"{path}.{key}", wrong)
        if sum(len(key.encode()) + len(value.encode()) for key, value in values.items()) > (
            MAX_MAP_BYTES
        ):
            yield FieldViolation(path, f"must have at most {MAX_MAP_BYTES} bytes in all")

    return run


def _value_checks(field: FieldDescriptor) -> Callable[[Any, str], Iterator[FieldViolation]]:
    if field.message_type is not None:
        inner = field.message_type
        return lambda value, path: _message_checks(inner)(value, f"{path}.")
    check_value = _scalar_check(field)

    def run(value: Any, path: str) -> Iterator[FieldViolation]:
        if wrong := check_value(value):
            yield FieldViolation(path, wrong)

    return run


def _scalar_check(field: FieldDescriptor) -> Check:
    rules = rules_of(field)
    if field.enum_type is not None:
        known, required = frozenset(field.enum_type.values_by_number), rules.required
        return lambda value: (
            "is not a known value"
            if value not in known
            else ("is required" if required and value == 0 else None)
        )
    if field.cpp_type == FieldDescriptor.CPPTYPE_STRING:
        if is_file(field):
            return _file_check(rules)
        return _text_check(rules) if field.type == FieldDescriptor.TYPE_STRING else _anything
    return _number_check(rules)


def _anything(_: Any) -> str | None:
    return None


def _text_check(rules: options_pb2.FieldRules) -> Check:
    least, most = rules.min_length, rules.max_length or MAX_LENGTH
    multiline = rules.multiline
    pattern = re.compile(rules.pattern) if rules.pattern else None
    format_check = CHECKS.get(options_pb2.Format.Name(rules.format))

    def run(value: str) -> str | None:
        if len(value) > most:
            return f"must have at most {most} characters"
        if wrong := text.wrong_character(value, multiline=multiline):
            return wrong
        if len(value) < least:
            return f"must have at least {least} characters"
        if pattern and not pattern.fullmatch(value):
            return f"must match {rules.pattern}"
        return format_check(value) if format_check else None

    return run


def _file_check(rules: options_pb2.FieldRules) -> Check:
    """Only quick checks: decoding the file, off the event loop, finds the rest."""
    most = rules.max_length

    def run(value: str) -> str | None:
        if len(value) > most:
            return f"must have at most {most} characters"
        return None if value.isascii() else "must be base64"

    return run


def _number_check(rules: options_pb2.FieldRules) -> Check:
    least = rules.minimum if rules.HasField("minimum") else None
    most = rules.maximum if rules.HasField("maximum") else None

    def run(value: int) -> str | None:
        if least is not None and value < least:
            return f"must be at least {least}"
        if most is not None and value > most:
            return f"must be at most {most}"
        return None

    return run
