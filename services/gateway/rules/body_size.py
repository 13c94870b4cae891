r"""How large a call's body may be: follows from what its fields may hold.

Limits are of content, not of how JSON spells it: one character may take twelve bytes (`\ud83d\ude00`),
so that a text within its limit is never refused for its spelling.
"""

import functools
from typing import Final

from google.protobuf.descriptor import Descriptor, FieldDescriptor

from libs import json_values, validation

LEAST_BYTES: Final = 64 * 1024
MOST_BYTES: Final = 1024 * 1024  # what any call may take, whatever its lists could hold
_CHARACTER: Final = 12
_SLASHES: Final = 16  # some write each slash of base64, of 64 characters one, as two bytes
_OTHER: Final = 64  # numbers, times, words
_AROUND: Final = 8  # quotes, colon, comma and some blanks


def of_call(descriptor: Descriptor) -> int:
    """Bytes of the body that fills `descriptor`, with its files."""
    rest = min(max(of_message(descriptor), LEAST_BYTES), MOST_BYTES)
    files = validation.most_file_bytes(descriptor)
    return rest + files + files // _SLASHES


@functools.cache
def of_message(descriptor: Descriptor) -> int:
    """Bytes of the longest object of these fields, without its files; of one that holds itself MOST_BYTES
    at least.
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
