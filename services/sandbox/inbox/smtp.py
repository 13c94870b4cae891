"""The inbox's mail server: real SMTP on its own port, with recipients that misbehave.

Every recipient of a mail gets a row in the books before the sender gets "250". Deliberate failures
come from the recipient's local part, or from fault rules of the operation `smtp`.
"""

import asyncio
import json
import time
from typing import Any, cast

import structlog
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session
from uuid_utils import uuid7

from services.sandbox.books import messages, notices
from services.sandbox.books.messages import Message
from services.sandbox.database import transaction
from services.sandbox.deps import Deps
from services.sandbox.faults import SMTP as OPERATION
from services.sandbox.faults import Kind, Rule
from services.sandbox.inbox import bounces, reading

MOST_MAIL_BYTES = 1024 * 1024
SILENCE_SECONDS = 60.0
WRONG_PASSWORD = b"wrong"
BOUNCING = "bounce"

log = structlog.get_logger("sandbox.smtp")


def local_part(address: str) -> str:
    """Without the suffix after a plus: `full+7@shop.example` behaves like `full@shop.example`."""
    return address.rpartition("@")[0].partition("+")[0].lower()


class Connection(SMTP):
    """One client's connection, registered with the mailroom, which closes it at shutdown."""

    def __init__(self, mailroom: "Mailroom", loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(
            mailroom,
            hostname=bounces.HOST,
            ident="Incasso sandbox",
            data_size_limit=MOST_MAIL_BYTES,
            enable_SMTPUTF8=True,
            timeout=SILENCE_SECONDS,
            auth_require_tls=False,
            authenticator=_any_password_but_one,
            loop=loop,
        )
        self.mailroom = mailroom

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.mailroom.open.add(transport)
        super().connection_made(transport)

    def connection_lost(self, error: Exception | None) -> None:
        if self.transport is not None:
            self.mailroom.open.discard(self.transport)
        super().connection_lost(error)

    async def _handle_client(self) -> None:
        if await self.mailroom.greets(self):
            await super()._handle_client()

    async def cut(self) -> None:
        """Drops the connection; its end cancels the caller."""
        cast(asyncio.Transport, self.transport).abort()
        await asyncio.Event().wait()


def _any_password_but_one(
    server: SMTP, session: Session, envelope: Envelope, mechanism: str, given: Any
) -> AuthResult:
    known = isinstance(given, LoginPassword) and given.password != WRONG_PASSWORD
    return AuthResult(success=known, handled=False)


class Mailroom:
    """The hooks of aiosmtpd: greeting, recipients, delivery."""

    def __init__(self, deps: Deps) -> None:
        self._deps = deps
        self.open: set[asyncio.BaseTransport] = set()

    async def greets(self, server: Connection) -> bool:
        if rule := self._take("", "connect", Kind.DOWN):
            if rule.code != "closed":
                await server.push(f"421 4.3.2 {bounces.HOST} takes no mail now")
            assert server.transport is not None
            server.transport.close()
            return False
        if rule := self._take("", "connect", Kind.ERROR):
            await server.push(f"{rule.code or '554'} {bounces.HOST} does not talk to you")
            assert server.transport is not None
            server.transport.close()
            return False
        await self._linger("", "connect")
        return True

    def _take(self, recipient: str, phase: str, kind: Kind) -> Rule | None:
        faults = self._deps.faults
        rule = faults.take(recipient, OPERATION, frozenset({kind}), phase=phase)
        if rule is not None:
            self._deps.metrics.faults.labels(OPERATION, kind).inc()
        return rule

    async def _linger(self, recipient: str, phase: str) -> None:
        if rule := self._take(recipient, phase, Kind.SLOW):
            default = self._deps.config.sandbox_slow_seconds
            await asyncio.sleep(default if rule.seconds is None else rule.seconds)

    async def handle_RCPT(  # noqa: N802  # as aiosmtpd calls it
        self,
        server: Connection,
        session: Session,
        envelope: Envelope,
        address: str,
        options: list[str],
    ) -> str:
        await self._linger(address, "rcpt")
        if rule := self._take(address, "rcpt", Kind.ERROR):
            return _refusal(rule)
        sender = envelope.mail_from or ""
        match local_part(address):
            case "refused":
                return "550 5.1.1 The mailbox does not exist"
            case "full":
                return "452 4.2.2 The mailbox is full"
            case "greylisted" if not messages.seen_before(self._deps.conn, sender, address):
                return "451 4.7.1 Greylisted, try again later"
        envelope.rcpt_tos.append(address)
        envelope.rcpt_options.extend(options)
        return "250 2.1.5 OK"

    async def handle_DATA(  # noqa: N802  # as aiosmtpd calls it
        self, server: Connection, session: Session, envelope: Envelope
    ) -> str:
        first = envelope.rcpt_tos[0]
        await self._linger(first, "data")
        if rule := self._take(first, "data", Kind.ERROR):
            return _refusal(rule)
        if self._take(first, "data", Kind.DROP_BEFORE):
            await server.cut()
        raw = envelope.content or b""
        assert isinstance(raw, bytes)
        self._store(raw, envelope.mail_from or "", envelope.rcpt_tos)
        if self._take(first, "data", Kind.DROP_AFTER):
            await server.cut()
        return "250 2.0.0 OK, it is in the inbox"

    def _store(self, raw: bytes, sender: str, recipients: list[str]) -> None:
        parsed, now = reading.parse(raw), time.time()
        with transaction(self._deps.conn):
            for recipient in recipients:
                message = Message(
                    id=f"inb_{uuid7().hex}",
                    channel="email",
                    sender=sender,
                    recipient=recipient,
                    subject=reading.header(parsed, "Subject"),
                    state="delivered",
                    error_code=None,
                    account_sid=None,
                    message_id=reading.header(parsed, "Message-ID") or None,
                    received_at=now,
                    body=raw,
                )
                messages.insert(self._deps.conn, message)
                if local_part(recipient) == BOUNCING:
                    self._return_to_sender(message, now)

    def _return_to_sender(self, message: Message, now: float) -> None:
        if not bounces.wants_notification(message.body, message.sender):
            return
        notices.insert(
            self._deps.conn,
            message.id,
            "bounced",
            url=self._deps.config.sandbox_bounce_url,
            headers=json.dumps({"Content-Type": "message/rfc822"}),
            body=bounces.notification(
                message.body, sender=message.sender, recipient=message.recipient, now=now
            ),
            due_at=now + self._deps.config.sandbox_notice_delay_seconds,
        )
        self._deps.noticed.set()


def _refusal(rule: Rule) -> str:
    code = rule.code or "451"
    return f"{code} {code[0]}.3.0 Refused by a fault rule"


class MailServer:
    def __init__(self, deps: Deps) -> None:
        self._deps = deps
        self._mailroom = Mailroom(deps)
        self._server: asyncio.Server | None = None

    async def start(self, host: str, port: int) -> int:
        """Starts listening; returns the port, also if any free one was requested."""
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(
            lambda: Connection(self._mailroom, loop), host, port
        )
        taken = int(self._server.sockets[0].getsockname()[1])
        log.info("serving_mail", host=host, port=taken)
        return taken

    async def stop(self) -> None:
        if self._server is None:
            return
        self._server.close()
        for transport in list(self._mailroom.open):
            transport.close()
        await self._server.wait_closed()
