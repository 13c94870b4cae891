"""A file that arrives piece by piece, kept on disk until it is read, so that memory does not grow
with it.

It has no name and disappears with the process. It is processed off the event loop.
"""

import hashlib
import os
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import BinaryIO, Final, Self

from libs import threads

_HELD: Final = 2**20  # bytes buffered before a write


class Spool:
    """Written once, then read as often as needed."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._held = bytearray()
        self._hash = hashlib.sha256()
        self.size_bytes = 0

    @classmethod
    @asynccontextmanager
    async def opened(cls) -> AsyncIterator[Self]:
        file: BinaryIO = await threads.run(tempfile.TemporaryFile)
        try:
            yield cls(file)
        finally:
            await threads.run(file.close)

    @property
    def sha256(self) -> str:
        """SHA-256 of everything written."""
        return self._hash.hexdigest()

    async def write(self, piece: bytes) -> None:
        self.size_bytes += len(piece)
        self._held += piece
        if len(self._held) >= _HELD:
            await self.flush()

    async def flush(self) -> None:
        """To be called after the last write."""
        held, self._held = bytes(self._held), bytearray()
        await threads.run(self._write, held)

    def _write(self, held: bytes) -> None:
        self._hash.update(held)
        self._file.write(held)
        self._file.flush()

    def read(self) -> BinaryIO:
        """Reads from the beginning; the caller closes it."""
        copy = os.fdopen(os.dup(self._file.fileno()), "rb")
        copy.seek(0)
        return copy
