"""The comments in protos/, by the full name of what they describe: the texts of the document."""

import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any, Final

from google.protobuf import descriptor_pb2

STUBS: Final = Path(__file__).resolve().parents[3] / "libs" / "pb" / "incasso.binpb"
_ERROR = re.compile(r"\b([a-z][a-z0-9_]*) \((\d{3})\)")
_SENTENCE = re.compile(r"(?<=[.!?])\s")

# Field numbers in descriptor.proto, which make up the paths of source info.
_MESSAGES, _ENUMS, _SERVICES = 4, 5, 6
_FIELDS, _NESTED, _NESTED_ENUMS = 2, 3, 4
_METHODS = 2


@cache
def comments() -> dict[str, str]:
    """`incasso.payments.v1.Payment.state` → its comment, with paragraphs separated by an empty
    line.
    """
    files = descriptor_pb2.FileDescriptorSet.FromString(STUBS.read_bytes())
    found: dict[str, str] = {}
    for file in files.file:
        names = dict(_names(file))
        for location in file.source_code_info.location:
            name = names.get(tuple(location.path))
            if name and location.leading_comments:
                found[name] = _clean(location.leading_comments)
    return found


def of(full_name: str) -> str:
    return comments().get(full_name, "")


def summary(full_name: str) -> str:
    """The first sentence, without its full stop."""
    first = of(full_name).split("\n\n")[0]
    return _SENTENCE.split(first.replace("\n", " "))[0].rstrip(".")


def description(full_name: str) -> str:
    """Everything but the line of errors."""
    paragraphs = of(full_name).split("\n\n")
    return "\n\n".join(p for p in paragraphs if not p.startswith("Errors:"))


def errors(full_name: str) -> list[tuple[int, str]]:
    """(HTTP status, code) of each error named in the comment, in order."""
    for paragraph in of(full_name).split("\n\n"):
        if paragraph.startswith("Errors:"):
            return [(int(status), code) for code, status in _ERROR.findall(paragraph)]
    return []


def _clean(comment: str) -> str:
    lines = [line.removeprefix(" ").rstrip() for line in comment.strip("\n").split("\n")]
    paragraphs = "\n".join(lines).strip().split("\n\n")
    return "\n\n".join(" ".join(paragraph.split("\n")) for paragraph in paragraphs)


def _names(file: Any) -> Iterator[tuple[tuple[int, ...], str]]:
    package = f"{file.package}."
    for index, message in enumerate(file.message_type):
        yield from _message_names(message, (_MESSAGES, index), package)
    for index, enum in enumerate(file.enum_type):
        yield (_ENUMS, index), package + enum.name
        yield from _value_names(enum, (_ENUMS, index), package + enum.name)
    for index, service in enumerate(file.service):
        full_name = package + service.name
        yield (_SERVICES, index), full_name
        for number, method in enumerate(service.method):
            yield (_SERVICES, index, _METHODS, number), f"{full_name}.{method.name}"


def _message_names(
    message: Any, path: tuple[int, ...], prefix: str
) -> Iterator[tuple[tuple[int, ...], str]]:
    full_name = prefix + message.name
    yield path, full_name
    for index, field in enumerate(message.field):
        yield (*path, _FIELDS, index), f"{full_name}.{field.name}"
    for index, nested in enumerate(message.nested_type):
        yield from _message_names(nested, (*path, _NESTED, index), f"{full_name}.")
    for index, enum in enumerate(message.enum_type):
        yield (*path, _NESTED_ENUMS, index), f"{full_name}.{enum.name}"
        yield from _value_names(enum, (*path, _NESTED_ENUMS, index), f"{full_name}.{enum.name}")


def _value_names(
    enum: Any, path: tuple[int, ...], full_name: str
) -> Iterator[tuple[tuple[int, ...], str]]:
    for index, value in enumerate(enum.value):
        yield (*path, 2, index), f"{full_name}.{value.name}"
