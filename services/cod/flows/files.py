"""A courier's file: its bytes, and its lines or all of its faults."""

import base64
from collections.abc import Sequence
from typing import TypeVar

from libs import threads
from libs.errors import FieldViolation, Refusal, invalid
from libs.sheets import reading
from libs.sheets.limits import Fault, UnreadableError
from services.cod.rules.courier_files import Reading

L = TypeVar("L")


async def bytes_of(text: str, unreadable: type[Refusal]) -> bytes:
    """The bytes of a base64 table. Raises InvalidArgument, or `unreadable`."""
    return await threads.run(_bytes_of, text, unreadable)


def _bytes_of(text: str, unreadable: type[Refusal]) -> bytes:
    try:
        data = base64.b64decode(text, validate=True)
    except ValueError:
        raise invalid("file", "must be base64") from None
    try:
        reading.opened(data)
    except UnreadableError as found:
        raise _refusal([found.fault], unreadable) from None
    return data


def lines_of(read: Reading[L], unreadable: type[Refusal]) -> Sequence[L]:
    """Raises `unreadable` with line, column and reason of each fault."""
    if read.faults:
        raise _refusal(read.faults, unreadable)
    return read.lines


def _refusal(faults: Sequence[Fault], unreadable: type[Refusal]) -> Refusal:
    return unreadable(violations=[_violation(fault) for fault in faults])


def _violation(fault: Fault) -> FieldViolation:
    place = f"line {fault.line}" if fault.line else "the file"
    column = f", column {fault.column!r}" if fault.column else ""
    return FieldViolation("file", f"{place}{column}: {fault.reason}")
