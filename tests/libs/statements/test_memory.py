"""Memory does not grow with the file, whether it is read or refused."""

import io
import tracemalloc
from collections.abc import Iterator

import pytest

from libs.statements import reading
from libs.statements.refusals import RefusedError
from tests.libs.statements.files import balance, camt, detail, entry, statement

MOST_BYTES = 1_500_000  # all entries together would take several times as much
ENTRY = entry("1.00", reference="B%d", details=detail("1.00", text="Order")).encode()
HEAD, TAIL = camt(statement(balance("OPBD", "0.00"), "CUT", balance("CLBD", "%d.00"))).split(b"CUT")


class Long(io.RawIOBase):
    """A file generated while it is read."""

    def __init__(self, entries: int, *, closing: int) -> None:
        self._parts = self._made(entries, closing)
        self._held = b""

    def _made(self, entries: int, closing: int) -> Iterator[bytes]:
        yield HEAD
        for number in range(entries):
            yield ENTRY % number
        yield TAIL % closing

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        while len(self._held) < size and (part := next(self._parts, b"")):
            self._held += part
        found, self._held = self._held[:size], self._held[size:]
        return found


def peak_of(work) -> int:
    tracemalloc.start()
    try:
        work()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@pytest.fixture(autouse=True)
def _small_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    """Uses small pieces, so that a short file shows what a long one would."""
    monkeypatch.setattr(reading, "CHUNK_BYTES", 2**12)
    monkeypatch.setattr(reading, "BLOCK_ENTRIES", 50)


def proven(entries: int, *, closing: int) -> None:
    reading.proven(lambda: Long(entries, closing=closing))


def test_refusing_a_long_file_at_its_end_uses_bounded_memory():
    def refused() -> None:
        with pytest.raises(RefusedError, match="does not add up"):
            proven(1000, closing=999)

    assert peak_of(refused) < MOST_BYTES


def test_entries_are_read_in_blocks_with_bounded_memory():
    def opened() -> Long:
        return Long(1000, closing=1000)

    found = reading.proven(opened)
    sizes: list[int] = []
    peak = peak_of(
        lambda: sizes.extend(len(block.entries) for block in reading.blocks(opened, found))
    )
    assert sizes == [50] * 20
    assert peak < MOST_BYTES
