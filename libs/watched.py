"""Files that may be replaced while the process runs: keys and certificates of mounted secrets."""

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final, Generic, TypeVar

from libs.logs import log

LOOK_SECONDS: Final = 1.0

T = TypeVar("T")
Fingerprint = tuple[tuple[str, int, int, int], ...]


class FileError(ValueError):
    """A file is invalid; the message names it."""


class Watched(Generic[T]):
    """What `read` returns for files or a folder's files; reread once they have changed.

    While they cannot be read, as in the middle of a replacement, the last value stays. The first
    reading raises what `read` raises: OSError, FileError.
    """

    def __init__(self, paths: Sequence[Path], read: Callable[[], T]) -> None:
        self._paths = tuple(paths)
        self._read = read
        self._seen = _fingerprint(self._paths)
        self._value = read()
        self._look_at = time.monotonic() + LOOK_SECONDS

    def get(self) -> T:
        """The same object as long as the files are unchanged. Checks at most once a second."""
        if time.monotonic() >= self._look_at:
            self._look()
        return self._value

    def _look(self) -> None:
        self._look_at = time.monotonic() + LOOK_SECONDS
        try:
            seen = _fingerprint(self._paths)
            if seen != self._seen:
                self._value = self._read()
                self._seen = seen
                log.info("files reloaded", path=str(self._paths[0]))
        except (OSError, FileError) as error:
            log.warning("files cannot be read", path=str(self._paths[0]), error=str(error))


def _fingerprint(paths: Sequence[Path]) -> Fingerprint:
    files = [
        file
        for path in paths
        for file in (sorted(path.iterdir()) if path.is_dir() else [path])
        if file.is_file()
    ]
    stats = [(str(file), file.stat()) for file in files]
    return tuple((name, s.st_mtime_ns, s.st_ino, s.st_size) for name, s in stats)
