"""Reads a bank's or PSP's file in two passes: the first checks it as a whole, the second yields its
entries.

Meant for a thread beside the event loop: it blocks on nothing but the file. Its memory use does not
grow with the file.
"""

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import BinaryIO, Final

from libs.statements import proving, sniffing
from libs.statements.identity import Identities
from libs.statements.model import (
    Contents,
    Detail,
    Ending,
    Entry,
    Event,
    Format,
    Heading,
    Statement,
)
from libs.statements.refusals import RefusedError

CHUNK_BYTES: Final = 2**16
BLOCK_ENTRIES: Final = 1000  # or as many payments in batches
BLOCK_BYTES: Final = 4 * 2**20  # of the file

Opened = Callable[[], BinaryIO]  # opens the file from its beginning, each time
Progress = Callable[[int], None]  # receives the number of further bytes read


def _nobody(_: int) -> None:
    pass


@dataclass(frozen=True, slots=True)
class Block:
    """Some entries of `statements[statement]`, in the file's order."""

    statement: int
    entries: tuple[Entry, ...]


def proven(opened: Opened, progress: Progress = _nobody) -> Contents:
    """The file's contents without its entries. Raises RefusedError if any of it cannot be read."""
    found: list[Statement] = []
    kind: Format | None = None
    with opened() as file:
        source = _Source(file, progress)
        for event in proving.statements(source.events()):
            match event:
                case Format():
                    kind = event
                case Statement():
                    found.append(event)
    assert kind is not None
    return Contents(kind, source.sha256, source.size_bytes, tuple(found))


def blocks(opened: Opened, contents: Contents, progress: Progress = _nobody) -> Iterator[Block]:
    """The entries of a checked file. Raises RefusedError if the file has changed since."""
    with opened() as file:
        source = _Source(file, progress)
        yield from _blocks(source, contents.statements)
        if source.sha256 != contents.sha256:
            raise RefusedError("was changed while it was read")


class _Source:
    def __init__(self, file: BinaryIO, progress: Progress) -> None:
        self._file = file
        self._progress = progress
        self._hash = hashlib.sha256()
        self.size_bytes = 0

    @property
    def sha256(self) -> str:
        return self._hash.hexdigest()

    def events(self) -> Iterator[Event]:
        head = self._file.read(sniffing.HEAD_BYTES)
        return sniffing.reader(head)(self._chunks(head))

    def _chunks(self, chunk: bytes) -> Iterator[bytes]:
        while chunk:
            self._hash.update(chunk)
            self.size_bytes += len(chunk)
            self._progress(len(chunk))
            yield chunk
            chunk = self._file.read(CHUNK_BYTES)


def _blocks(source: _Source, statements: tuple[Statement, ...]) -> Iterator[Block]:
    identities = Identities()
    number, held, size, begun = -1, [], 0, 0
    for event in source.events():
        match event:
            case Heading():
                number += 1
                if number >= len(statements):
                    raise RefusedError("was changed while it was read", line=event.line)
                identities.begin(statements[number])
            case Entry():
                turns = statements[number].turns_reversals and event.is_reversal
                held.append(identities.named(_turned(event) if turns else event))
                size += max(1, len(event.details))
            case Ending():
                if held:
                    yield Block(number, tuple(held))
                held, size, begun = [], 0, source.size_bytes
        if size >= BLOCK_ENTRIES or (held and source.size_bytes - begun >= BLOCK_BYTES):
            yield Block(number, tuple(held))
            held, size, begun = [], 0, source.size_bytes


def _turned(entry: Entry) -> Entry:
    """The entry with its sign inverted: its bank gives reversals the sign of the original."""

    def turned(detail: Detail) -> Detail:
        minor = detail.amount_minor
        return replace(detail, amount_minor=None if minor is None else -minor)

    return replace(
        entry,
        amount_minor=-entry.amount_minor,
        gross_minor=None if entry.gross_minor is None else -entry.gross_minor,
        fee_minor=-entry.fee_minor,
        unexplained_minor=-entry.unexplained_minor,
        details=tuple(map(turned, entry.details)),
    )
