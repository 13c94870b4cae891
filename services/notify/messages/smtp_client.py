"""SMTP: hands one message to the mail server, over reused connections.

The mark is set between RCPT and DATA: on a failure before it, the message was certainly not
accepted; after it, it may have been. https://www.rfc-editor.org/rfc/rfc5321#section-4.5.3.2
"""

import asyncio
import socket
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import unquote, urlsplit

import aiosmtplib
from aiosmtplib import SMTP

from services.notify.messages.rules.outcomes import Accepted, Lost, Outcome, Postponed, Refused
from services.notify.messages.rules.smtp_replies import refusal, written

_YES: Final = range(200, 300)
_NO: Final = range(400, 600)
IDLE_SECONDS: Final = 20.0  # servers close idle connections after minutes; ours close earlier
PORTS: Final = {"smtp": 25, "smtp+starttls": 587, "smtps": 465}
_TROUBLE: Final = (aiosmtplib.SMTPException, OSError, asyncio.TimeoutError)


@dataclass(frozen=True, slots=True)
class Server:
    """The server and login in INCASSO_SMTP_URL. Raises ValueError if it is invalid."""

    scheme: str
    host: str
    port: int
    user: str | None = None
    password: str | None = field(default=None, repr=False)

    @classmethod
    def of(cls, url: str) -> "Server":
        parts = urlsplit(url)
        if parts.scheme not in PORTS or not parts.hostname:
            raise ValueError("INCASSO_SMTP_URL is smtp://, smtp+starttls:// or smtps:// and a host")
        return cls(
            scheme=parts.scheme,
            host=parts.hostname,
            port=parts.port or PORTS[parts.scheme],
            user=unquote(parts.username) if parts.username else None,
            password=unquote(parts.password) if parts.password else None,
        )


@dataclass(frozen=True, slots=True)
class Timeouts:
    """Seconds to wait for a reply: to a command, and to the end of DATA (RFC 5321: 10 minutes)."""

    command: float = 30.0
    data: float = 600.0


@dataclass(frozen=True, slots=True)
class Parcel:
    """The mail to transmit."""

    sender: str  # of the envelope
    to: str
    content: bytes = field(repr=False)


Mark = Callable[[], Awaitable[bool]]


class TryLostError(Exception):
    """The mark was refused: another worker has taken over the message. Nothing was sent."""


class Mailer:
    """At most `connections` at a time; each sends one message after another."""

    def __init__(
        self, server: Server, *, timeouts: Timeouts | None = None, connections: int = 16
    ) -> None:
        self._server = server
        self._timeouts = timeouts or Timeouts()
        self._slots = asyncio.Semaphore(connections)
        self._idle: list[tuple[float, SMTP]] = []

    async def hand_over(self, parcel: Parcel, mark: Mark) -> Outcome:
        """Raises TryLostError, and whatever `mark` raises, before anything is handed over."""
        async with self._slots:
            try:
                smtp = await self._ready()
            except _TROUBLE as error:
                return Postponed(written(f"no connection: {type(error).__name__} {error}"))
            try:
                outcome = await self._send(smtp, parcel, mark)
            except BaseException:
                smtp.close()
                raise
            self._put_back(smtp)
            return outcome

    async def close(self) -> None:
        """Ends the session with the server."""
        while self._idle:
            _, smtp = self._idle.pop()
            with suppress(*_TROUBLE):
                await smtp.quit(timeout=2)

    async def _ready(self) -> SMTP:
        while self._idle:
            since, smtp = self._idle.pop()
            if time.monotonic() - since < IDLE_SECONDS and smtp.is_connected:
                with suppress(*_TROUBLE):
                    await smtp.rset(timeout=self._timeouts.command)
                    return smtp
            smtp.close()
        smtp = SMTP(
            hostname=self._server.host,
            port=self._server.port,
            username=self._server.user,
            password=self._server.password,
            use_tls=self._server.scheme == "smtps",
            start_tls=self._server.scheme == "smtp+starttls",
            timeout=self._timeouts.command,
            local_hostname=socket.gethostname(),
        )
        await smtp.connect()
        return smtp

    def _put_back(self, smtp: SMTP) -> None:
        if smtp.is_connected:
            self._idle.append((time.monotonic(), smtp))

    async def _send(self, smtp: SMTP, parcel: Parcel, mark: Mark) -> Outcome:
        if refused := await self._envelope(smtp, parcel):
            return refused
        if not await mark():
            raise TryLostError
        try:
            async with asyncio.timeout(self._timeouts.data):  # in total: a lease depends on it
                reply = await smtp.data(parcel.content, timeout=self._timeouts.data)
        except aiosmtplib.SMTPResponseException as error:
            return _end_of_data(smtp, error)
        except _TROUBLE as error:
            smtp.close()
            return Lost(f"no answer to the end of the message: {type(error).__name__}")
        return Accepted(written(reply.message) or None)

    async def _envelope(self, smtp: SMTP, parcel: Parcel) -> Postponed | Refused | None:
        """MAIL and RCPT; None if both were accepted."""
        options = []
        if not (parcel.to + parcel.sender).isascii():
            await smtp._ehlo_or_helo_if_needed()  # noqa: SLF001 - as its own sendmail does
            if not smtp.supports_extension("smtputf8"):
                return Refused("the mail server takes no addresses beyond ASCII")
            options = ["SMTPUTF8"]
        mail = smtp.mail(parcel.sender, options=options, encoding="utf-8")
        if refused := await self._answered(smtp, mail, of_recipient=False):
            return refused
        rcpt = smtp.rcpt(parcel.to, encoding="utf-8")
        return await self._answered(smtp, rcpt, of_recipient=True)

    async def _answered(
        self, smtp: SMTP, command: Awaitable[object], *, of_recipient: bool
    ) -> Postponed | Refused | None:
        """None if the server accepts it."""
        try:
            await command
        except aiosmtplib.SMTPResponseException as error:
            return refusal(error.code, error.message, of_recipient=of_recipient)
        except _TROUBLE as error:
            smtp.close()
            return Postponed(f"the connection broke: {type(error).__name__}")
        return None


def _end_of_data(smtp: SMTP, reply: aiosmtplib.SMTPResponseException) -> Outcome:
    """4xx and 5xx mean no, any 2xx yes (RFC 5321, 4.2.1); anything else says nothing."""
    if reply.code in _NO:
        return refusal(reply.code, reply.message, of_recipient=False)
    if reply.code in _YES:
        return Accepted(written(reply.message) or None)
    smtp.close()
    return Lost("the answer to the end of the message cannot be read")
