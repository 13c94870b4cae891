"""Single values in our JSON: whole numbers, enums in lower case, RFC 3339 times."""

import functools
import re
from calendar import timegm
from datetime import datetime, time, timedelta
from typing import Any, Final

from google.protobuf import message_factory
from google.protobuf.any_pb2 import Any as AnyMessage
from google.protobuf.descriptor import Descriptor, EnumDescriptor, FieldDescriptor
from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp

from libs import descriptors

MOST: Final = 2**53 - 1  # represented exactly by every JSON reader
_TIME = re.compile(
    r"(\d{4}-\d\d-\d\d)[Tt](\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?(?:([Zz])|([+-])(\d\d):(\d\d))"
)
_EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001 - "Z" is written by hand

_RANGES: Final = {
    FieldDescriptor.CPPTYPE_INT32: (-(2**31), 2**31 - 1),
    FieldDescriptor.CPPTYPE_UINT32: (0, 2**32 - 1),
    FieldDescriptor.CPPTYPE_INT64: (-MOST, MOST),
    FieldDescriptor.CPPTYPE_UINT64: (0, MOST),
}


class WrongValueError(ValueError):
    """What is wrong, as a sentence without a subject: `must be a whole number`."""


def is_map(field: FieldDescriptor) -> bool:
    return bool(field.message_type and field.message_type.GetOptions().map_entry)


def message_of(field: FieldDescriptor) -> Descriptor:
    """The message type of a field that has one."""
    found = field.message_type
    assert found is not None
    return found


def map_value(field: FieldDescriptor) -> FieldDescriptor:
    """The value field of a map."""
    return message_of(field).fields_by_name["value"]


def is_time(field: FieldDescriptor) -> bool:
    found = field.message_type
    return found is not None and found.full_name == Timestamp.DESCRIPTOR.full_name


def is_any(field: FieldDescriptor) -> bool:
    """Whether a field is an Any, which is written like the message in it."""
    found = field.message_type
    return found is not None and found.full_name == AnyMessage.DESCRIPTOR.full_name


def unpacked(packed: AnyMessage) -> Message:
    """The message in an Any. Raises KeyError if the type is not in the contracts."""
    inner = message_factory.GetMessageClass(descriptors.message(packed.TypeName()))()
    packed.Unpack(inner)
    return inner


def integer_range(field: FieldDescriptor) -> tuple[int, int] | None:
    """Minimum and maximum of an integer field; None for other types."""
    return _RANGES.get(field.cpp_type)


@functools.cache
def enum_names(enum: EnumDescriptor) -> dict[int, str]:
    """Number → name without the prefix that buf requires: STATE_CAPTURED is `captured`."""
    prefix = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", enum.name).upper() + "_"
    return {value.number: value.name.removeprefix(prefix).lower() for value in enum.values}


@functools.cache
def enum_words(enum: EnumDescriptor) -> dict[str, int]:
    """The words accepted in a request; "unspecified" is expressed by omitting the field."""
    return {name: number for number, name in enum_names(enum).items() if number != 0}


def text_of(value: Any) -> str:
    if not isinstance(value, str):
        raise WrongValueError("must be a string")
    if not value.isascii():
        try:
            value.encode()
        except UnicodeEncodeError:
            raise WrongValueError("must be valid Unicode text") from None
    return value


def flag_of(value: Any) -> bool:
    if not isinstance(value, bool):
        raise WrongValueError("must be true or false")
    return value


def whole_number_of(value: Any, least: int, most: int) -> int:
    if type(value) is not int:  # a bool is an int to Python only
        raise WrongValueError("must be a whole number")
    if not least <= value <= most:
        raise WrongValueError(f"must be a whole number from {least} to {most}")
    return value


def time_of(value: Any) -> Timestamp:
    if not isinstance(value, str) or not (match := _TIME.fullmatch(value)):
        raise WrongValueError("must be an RFC 3339 time such as 2026-11-21T10:00:00Z")
    date, clock, fraction, _, sign, hours, minutes = match.groups()
    try:
        at = datetime.fromisoformat(f"{date}T{clock}+00:00")
        offset = time(int(hours or 0), int(minutes or 0))  # rejects hours and minutes beyond a day
        ahead = timedelta(hours=offset.hour, minutes=offset.minute)
        at = at + ahead if sign == "-" else at - ahead
    except (ValueError, OverflowError):
        raise WrongValueError("must be a time that exists, from year 1 to 9999") from None
    return Timestamp(seconds=timegm(at.utctimetuple()), nanos=int((fraction or "0").ljust(9, "0")))


def time_text(stamp: Timestamp) -> str:
    """UTC with "Z"; a fraction of 3, 6 or 9 digits only if there is one."""
    base = (_EPOCH + timedelta(seconds=stamp.seconds)).isoformat()
    if not stamp.nanos:
        return f"{base}Z"
    fraction = f"{stamp.nanos:09d}"
    while fraction.endswith("000"):
        fraction = fraction[:-3]
    return f"{base}.{fraction}Z"
