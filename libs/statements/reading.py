"""A file of a bank or PSP, in two goes: it is proven as a whole, then its entries are handed out.

For a thread beside the event loop: nothing here waits for anything but the file. Memory does not grow
with it.
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
BLOCK_ENTRIES: Final = 1000  # or as many payments of batches
BLOCK_BYTES: Final = 4 * 2**20  # of the file

Opened = Callable[[], BinaryIO]  # the file from its beginning, each time
Progress = Callable[[int], None]  # told how many bytes more were read


def _nobody(_: int) -> None:
    pass


@dataclass(frozen=True, slots=True)
class Block:
    """Some entries of `statements[statement]`, in the file's order."""

    statement: int
    entries: tuple[Entry, ...]


def proven(opened: Opened, progress: Progress = _nobody) -> Contents:
    """What the file holds, without its entries. Raises RefusedError for one that is not read as a whole."""
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
    """The entries of a proven file. Raises RefusedError when it is another by now."""
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
    """With the other sign: its bank writes that of what was reversed."""

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
