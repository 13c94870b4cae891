"""A real SMTP server (aiosmtpd) in the test's own loop, whose replies a test can script."""

import asyncio
from collections.abc import Callable
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

from aiosmtpd.smtp import SMTP, Envelope, Session


class MailServer:
    """Hooks in `on_rcpt` and `on_data` return "" to accept, or a reply; they may wait or hang up.

    Each command takes the first one left; without any, it is accepted.
    """

    def __init__(self) -> None:
        self.inbox: list[Envelope] = []
        self.connections = 0
        self.refused: dict[str, str] = {}  # address → reply to RCPT
        self.on_rcpt: list[Callable[[SMTP], Any]] = []
        self.on_data: list[Callable[[SMTP], Any]] = []
        self.smtputf8 = True
        self.port = 0
        self._server: asyncio.Server | None = None

    async def start(self, port: int = 0) -> None:
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(self._protocol, "127.0.0.1", port or self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    def _protocol(self) -> SMTP:
        self.connections += 1
        return SMTP(
            self, enable_SMTPUTF8=self.smtputf8, hostname="mx.test", loop=asyncio.get_running_loop()
        )

    async def stop(self) -> None:
        if self._server:
            self._server.close()
            self._server = None

    @property
    def letters(self) -> list[EmailMessage]:
        return [
            message_from_bytes(one.original_content or b"", policy=policy.default)
            for one in self.inbox
        ]

    async def handle_RCPT(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: Any
    ) -> str:
        reply = self.refused.get(address, "")
        if self.on_rcpt:
            reply = await _answer(self.on_rcpt.pop(0), server)
        if reply:
            return reply
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        reply = await _answer(self.on_data.pop(0), server) if self.on_data else ""
        if reply and not reply.startswith("2"):
            return reply
        self.inbox.append(envelope)
        return reply or "250 2.0.0 taken"


async def _answer(hook: Callable[[SMTP], Any], server: SMTP) -> str:
    answer = hook(server)
    return (await answer if asyncio.iscoroutine(answer) else answer) or ""


def say(reply: str) -> Callable[[SMTP], str]:
    return lambda _: reply


def hang_up(server: SMTP) -> str:
    """Cuts the connection; a message transmitted before that is kept nevertheless."""
    assert server.transport is not None
    server.transport.abort()
    return ""


def wait(seconds: float) -> Callable[[SMTP], Any]:
    async def hook(_: SMTP) -> str:
        await asyncio.sleep(seconds)
        return ""

    return hook
