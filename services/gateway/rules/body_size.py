r"""The maximum size of a call's body: follows from the maximum sizes of its fields.

Limits apply to content, not to its JSON spelling: one character may take twelve bytes
(`\ud83d\ude00`), so a text within its limit is never refused for its spelling.
"""

import functools
from typing import Final

from google.protobuf.descriptor import Descriptor, FieldDescriptor

from libs import json_values, validation
from libs.web.limits import MOST_BYTES

LEAST_BYTES: Final = 64 * 1024
_CHARACTER: Final = 12
_SLASHES: Final = 16  # some encoders escape each base64 slash, one of 64 characters, as two bytes
_OTHER: Final = 64  # numbers, times, words
_AROUND: Final = 8  # quotes, colon, comma and some whitespace


def of_call(descriptor: Descriptor) -> int:
    """Maximum bytes of the body that fills `descriptor`, including files."""
    rest = min(max(of_message(descriptor), LEAST_BYTES), MOST_BYTES)
    files = validation.most_file_bytes(descriptor)
    return rest + files + files // _SLASHES


@functools.cache
def of_message(descriptor: Descriptor) -> int:
    """Bytes of the longest object with these fields, without its files; at least MOST_BYTES if the
    message contains itself.
    """
    return _of_message(descriptor, ())


def _of_message(descriptor: Descriptor, within: tuple[Descriptor, ...]) -> int:
    if descriptor in within:
        return MOST_BYTES
    inside = (*within, descriptor)
    return _AROUND + sum(_of_field(field, inside) for field in descriptor.fields)


def _of_field(field: FieldDescriptor, within: tuple[Descriptor, ...]) -> int:
    rules = validation.rules_of(field)
    text = _CHARACTER * (rules.max_length or validation.MAX_LENGTH) + _AROUND
    if json_values.is_map(field):
        one = _CHARACTER * validation.MAX_KEY_LENGTH + text
    elif field.message_type is not None and not json_values.is_time(field):
        one = _of_message(field.message_type, within)
    elif field.type == FieldDescriptor.TYPE_STRING:
        one = _AROUND if validation.is_file(field) else text
    else:
        one = _OTHER
    count = validation.most_items(field) if field.is_repeated else 1
    return len(field.name) + _AROUND + count * one
