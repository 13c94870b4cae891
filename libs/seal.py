"""Seals short texts so that only we can read them: for data that must not be in clear text
in a database or URL.

Fernet of the `cryptography` package: encrypted, signed, dated. The first key seals, every key
opens, so a key is rotated by putting a new one in front.
"""

from collections.abc import Sequence
from datetime import timedelta

from cryptography.fernet import Fernet, InvalidToken, MultiFernet


class SealBrokenError(ValueError):
    """Not sealed by one of our keys, altered, or too old."""


class Seal:
    """`keys` are Fernet keys (32 bytes in URL-safe base64). Raises ValueError for an invalid
    one.
    """

    def __init__(self, keys: Sequence[str]) -> None:
        self._fernet = MultiFernet([Fernet(key) for key in keys])

    def close(self, text: str) -> str:
        """The sealed text: URL-safe, about 100 characters plus 4/3 of the text's length."""
        return self.close_bytes(text.encode()).decode()

    def close_bytes(self, data: bytes) -> bytes:
        """Like `close`, for bytes."""
        return self._fernet.encrypt(data)

    def open(self, sealed: str, *, max_age: timedelta | None = None) -> str:
        """The text. Raises SealBrokenError."""
        try:
            return self.open_bytes(sealed.encode(), max_age=max_age).decode()
        except UnicodeError as error:
            raise SealBrokenError("not one of our seals") from error

    def open_bytes(self, sealed: bytes, *, max_age: timedelta | None = None) -> bytes:
        """The bytes. Raises SealBrokenError."""
        seconds = int(max_age.total_seconds()) if max_age is not None else None
        try:
            return self._fernet.decrypt(sealed, ttl=seconds)
        except InvalidToken as error:
            raise SealBrokenError("not one of our seals") from error


def keys_of(text: str) -> tuple[str, ...]:
    """Keys in a setting: comma-separated, newest first."""
    return tuple(part.strip() for part in text.split(",") if part.strip())
