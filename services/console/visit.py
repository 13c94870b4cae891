"""One request to a page by somebody who is signed in: what the page's handler works with."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from aiohttp import web
from google.protobuf.message import Message

from incasso.merchants.v1 import merchants_pb2
from libs.clock import Clock
from libs.downloads import Download
from libs.errors import Refusal
from libs.web.forms import SentFile, text_of, whole_number
from services.console import texts
from services.console.calls import Calls, Intent
from services.console.page import Lists
from services.console.session import SignedIn

KEY: Final = "key"


@dataclass
class Visit:
    """`form` is empty for a GET, unless it was kept during a proof of identity. `problem`: why a
    form is shown again. `merchant` is None on the few pages that are about the person.
    """

    request: web.Request
    who: SignedIn
    calls: Calls
    language: str
    area: str
    merchant: merchants_pb2.Merchant | None
    lists: Lists
    form: Mapping[str, str] = field(default_factory=dict)
    file: SentFile | None = None
    problem: Refusal | None = None

    def part(self, name: str) -> str:
        """A part of the path."""
        return text_of(self.request.match_info[name])

    def asked(self, name: str) -> str:
        """A parameter of the query."""
        return text_of(self.request.query.get(name, "")).strip()

    def typed(self, name: str, otherwise: str = "") -> str:
        """A field of the form as it was sent, else `otherwise`."""
        return text_of(self.form.get(name, otherwise))

    def number(self, name: str) -> int:
        return whole_number(self.form.get(name, ""))

    @property
    def key(self) -> str:
        """The form's idempotency key: sent twice, it is one change. Kept while that is unknown."""
        sent = self.form.get(KEY, "")
        return sent if _is_key(sent) else f"form-{uuid.uuid4()}"

    def word(self, name: str) -> str:
        """A text of the page's area."""
        return texts.words(self.area, self.language)[name]

    @property
    def address(self) -> str:
        return self.calls.address

    @property
    def currency(self) -> str:
        return self.merchant.default_currency if self.merchant is not None else "EUR"

    @property
    def time_zone(self) -> str:
        return self.merchant.time_zone if self.merchant is not None else "Europe/Rome"

    def now(self) -> datetime:
        """The current time by the merchant's clock."""
        return Clock().now()

    def may(self, request: type[Message]) -> bool:
        """Whether the person's role allows a call of the page."""
        return self.calls.may(request)

    async def ask(self, message: Message) -> Any:
        """The answer to a call that only reads. Raises Refusal."""
        return await self.calls.ask(message)

    async def download(self, message: Message) -> Download:
        """The file that a call sends. Raises Refusal."""
        return await self.calls.download(message)

    async def change(
        self,
        message: Message,
        *,
        subject: str = "",
        before: Message | None = None,
        file: bytes | None = None,
    ) -> Any:
        """The answer to a call that changes something, and may send a file; it is audited. Raises
        Refusal.
        """
        about = Intent(subject, before, file)
        return await self.calls.change(message, key=self.key, about=about)


def _is_key(sent: str) -> bool:
    return sent.startswith("form-") and len(sent) == len("form-") + 36 and sent.isascii()
