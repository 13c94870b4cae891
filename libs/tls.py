"""Mutual TLS between services. Optional: tokens prove who is calling in any case.

Certificate, key and CA are files of a mounted secret, reread when they change: a server presents
the new certificate to the next connection, a client uses it for its next connections.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Self

import grpc

from libs.watched import FileError, Watched

CLOSE_SECONDS: Final = 60.0


@dataclass(frozen=True, slots=True)
class Certificate:
    """PEM: the chain that we present, its key, and the CA whose certificates we accept."""

    chain: bytes
    key: bytes
    ca: bytes


class Tls:
    """The certificate of this process. Raises OSError, FileError."""

    def __init__(self, chain: Path, key: Path, ca: Path) -> None:
        self._files = Watched([chain, key, ca], lambda: _read(chain, key, ca))

    def certificate(self) -> Certificate:
        """The same object as long as the files are unchanged."""
        return self._files.get()

    def server_credentials(self) -> grpc.ServerCredentials:
        """Clients without a certificate of the CA are refused."""
        shown = self.certificate()

        def next_one() -> Any:
            """None while nothing has changed. Called before every handshake."""
            nonlocal shown
            found = self.certificate()
            if found is shown:
                return None
            shown = found
            return _configuration(found)

        return grpc.dynamic_ssl_server_credentials(
            _configuration(shown), next_one, require_client_authentication=True
        )

    def channel(self, target: str, options: Any) -> grpc.aio.Channel:
        return _Channel(target, options, self)


def _read(chain: Path, key: Path, ca: Path) -> Certificate:
    found = Certificate(chain.read_bytes(), key.read_bytes(), ca.read_bytes())
    for file, content in ((chain, found.chain), (key, found.key), (ca, found.ca)):
        if b"-----BEGIN " not in content:
            raise FileError(f"{file} is not PEM")
    return found


def _authority(target: str) -> tuple[tuple[str, str], ...]:
    """A list of addresses has no name to look for in certificates: all must be valid for the
    first.
    """
    if "," not in target:
        return ()
    return (("grpc.default_authority", target.partition(":")[2].partition(",")[0]),)


def _configuration(found: Certificate) -> Any:
    return grpc.ssl_server_certificate_configuration([(found.key, found.chain)], found.ca)


class _Channel(grpc.aio.Channel):
    """A channel that is reopened when the certificate changes: gRPC's own channel keeps its first one."""

    def __init__(self, target: str, options: Any, tls: Tls) -> None:
        self._target = target
        self._options = (*options, *_authority(target))
        self._tls = tls
        self._certificate = tls.certificate()
        self._open = self._opened()
        self._closing: set[asyncio.Task[None]] = set()

    def current(self) -> grpc.aio.Channel:
        found = self._tls.certificate()
        if found is not self._certificate:
            self._certificate = found
            old, self._open = self._open, self._opened()
            closing = asyncio.create_task(old.close(CLOSE_SECONDS))  # calls in progress continue
            self._closing.add(closing)
            closing.add_done_callback(self._closing.discard)
        return self._open

    def _opened(self) -> grpc.aio.Channel:
        mine = self._certificate
        credentials = grpc.ssl_channel_credentials(mine.ca, mine.key, mine.chain)
        return grpc.aio.secure_channel(self._target, credentials, options=self._options)

    def unary_unary(self, *args: Any, **named: Any) -> Any:
        return _Method(self, lambda channel: channel.unary_unary(*args, **named))

    def unary_stream(self, *args: Any, **named: Any) -> Any:
        return self.current().unary_stream(*args, **named)

    def stream_unary(self, *args: Any, **named: Any) -> Any:
        return self.current().stream_unary(*args, **named)

    def stream_stream(self, *args: Any, **named: Any) -> Any:
        return self.current().stream_stream(*args, **named)

    def get_state(self, try_to_connect: bool = False) -> grpc.ChannelConnectivity:  # noqa: FBT001, FBT002 - gRPC's own
        return self.current().get_state(try_to_connect)

    async def wait_for_state_change(self, last_observed_state: grpc.ChannelConnectivity) -> None:
        await self.current().wait_for_state_change(last_observed_state)

    async def channel_ready(self) -> None:
        await self.current().channel_ready()

    async def close(self, grace: float | None = None) -> None:
        await asyncio.gather(self._open.close(grace), *self._closing)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()


class _Method(grpc.aio.UnaryUnaryMultiCallable[Any, Any]):
    """An RPC on whichever channel is open when it is called."""

    def __init__(self, channel: _Channel, made: Callable[[grpc.aio.Channel], Any]) -> None:
        self._channel = channel
        self._make = made
        self._made: tuple[grpc.aio.Channel, Any] | None = None

    def __call__(self, request: Any, **options: Any) -> Any:
        channel = self._channel.current()
        if self._made is None or self._made[0] is not channel:
            self._made = channel, self._make(channel)
        return self._made[1](request, **options)


class _Process:
    tls: Tls | None = None


def set_up(found: Tls | None) -> None:
    """Called once per process, before it calls or serves; None leaves it without TLS."""
    _Process.tls = found


def current() -> Tls | None:
    return _Process.tls
