"""Folders for throw-away data, in memory if there is room. Creating a database there takes an eighth
of the time.
"""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

# A container has 64 MB by default.
MEMORY: Final = Path("/dev/shm")  # noqa: S108 - folders in it get unpredictable names
ROOM_BYTES: Final = 4_000_000_000


@contextmanager
def throw_away_folder(*, in_memory: bool) -> Iterator[Path]:
    has_room = MEMORY.is_dir() and shutil.disk_usage(MEMORY).free >= ROOM_BYTES
    where = MEMORY if in_memory and has_room else None
    folder = Path(tempfile.mkdtemp(prefix="incasso-", dir=where))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def data_in_memory(root: Path) -> Iterator[Path]:
    """Prepares `root` for a stack; its data is removed afterwards, its logs stay."""
    with throw_away_folder(in_memory=True) as folder:
        (root / "data").symlink_to(folder, target_is_directory=True)
        yield root
