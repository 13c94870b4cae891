"""Keeps what was typed into a form while its sender proves their identity.

Sealed in a cookie, for one session, one page and a few minutes. Afterwards the form is shown with
it again, never submitted automatically.
"""

import json
import zlib
from collections.abc import Mapping
from datetime import timedelta
from typing import Final

from libs.seal import Seal, SealBrokenError
from services.console.cookies import MAX_VALUE
from services.console.proofs import FIELD

LIFE: Final = timedelta(minutes=15)
_OWN: Final = frozenset({FIELD, "here", "password"})


class KeptForms:
    def __init__(self, seal: Seal) -> None:
        self._seal = seal

    def close(self, form: Mapping[str, str], *, session_id: str, path: str) -> str:
        """The sealed form for the page at `path`; "" if it is too large for a cookie."""
        fields = {name: value for name, value in form.items() if name not in _OWN}
        kept = json.dumps([session_id, path, fields]).encode()
        sealed = self._seal.close_bytes(zlib.compress(kept)).decode()
        return sealed if len(sealed) <= MAX_VALUE else ""

    def open(self, sealed: str, *, session_id: str, path: str) -> dict[str, str]:
        """The form's fields; empty if they are from another session or page, or too old."""
        try:
            data = self._seal.open_bytes(sealed.encode(), max_age=LIFE)
        except SealBrokenError:
            return {}
        whose, where, fields = json.loads(zlib.decompress(data))
        found: dict[str, str] = fields if (whose, where) == (session_id, path) else {}
        return found
