"""Files that only their owner can read: keys, passwords."""

import secrets
from pathlib import Path


def private_folder(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o700)
    return folder


def write_private(file: Path, text: str) -> None:
    """Replaces the file atomically."""
    fresh = file.with_name(f"{file.name}.new")
    fresh.unlink(missing_ok=True)
    fresh.touch(mode=0o600)
    fresh.write_text(text)
    fresh.replace(file)


def ensure_secret(file: Path) -> str:
    """A random text, created once."""
    if not file.exists():
        write_private(file, f"{secrets.token_urlsafe(24)}\n")
    return file.read_text().strip()
