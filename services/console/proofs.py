"""Proofs that a form was made by us for this browser: sealed, dated, for one session."""

import hashlib
import hmac
from datetime import timedelta
from typing import Final

from aiohttp import web

from libs.seal import Seal, SealBrokenError
from libs.web.forms import is_from_our_page
from services.console.errors import FormForeign, FormOld

FIELD: Final = "proof"
LIFE: Final = timedelta(hours=12)


class Proofs:
    """`public_url`: the URL of our pages."""

    def __init__(self, seal: Seal, public_url: str) -> None:
        self._seal = seal
        self._public_url = public_url

    def make(self, subject: str) -> str:
        """A proof for a session's id, or for the visit of a browser without a session."""
        return self._seal.close(_digest(subject))

    def check(self, request: web.Request, proof: str, subject: str) -> None:
        """Raises FormForeign and FormOld."""
        if not is_from_our_page(request, self._public_url):
            raise FormForeign
        try:
            found = self._seal.open(proof, max_age=LIFE)
        except SealBrokenError:
            raise FormOld from None
        if not subject or not hmac.compare_digest(found, _digest(subject)):
            raise FormOld


def _digest(subject: str) -> str:
    return hashlib.sha256(f"form of {subject}".encode()).hexdigest()
