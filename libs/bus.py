"""NATS JetStream: the connection, the one stream of events, and the headers of an event."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import nats
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.js import JetStreamContext
from nats.js.api import RetentionPolicy, StorageType, StreamConfig

from libs.logs import log

STREAM: Final = "INCASSO"
SUBJECTS: Final = ["incasso.>"]
SUBJECT_PARTS: Final = 4  # incasso.<service>.<noun>.<past verb>; what follows is the route
DEAD: Final = "incasso.dead"  # dead letters: incasso.dead.<consumer>
KEPT: Final = timedelta(days=14)
HEAD_BYTES: Final = 64  # for message headers besides ours, with room for the client's own
SETTLED_SECONDS: Final = 60.0
# Errors while a server is starting, or while a cluster has no leader yet.
UNSETTLED: Final = (nats.errors.TimeoutError, nats.js.errors.ServiceUnavailableError)
DUPLICATES: Final = timedelta(minutes=10)  # window in which JetStream drops a repeated Nats-Msg-Id


@dataclass(frozen=True, slots=True)
class Event:
    """An event in transit. `body` is the protobuf message that the subject names.

    `route` says whom the event concerns, e.g. a payment's method, so that no service receives what
    only others read.
    """

    event_id: str
    merchant_id: str
    aggregate_id: str
    subject: str  # incasso.<service>.<noun>.<past verb>
    body: bytes
    traceparent: str
    occurred_at: datetime
    route: str = ""

    @property
    def address(self) -> str:
        """The address to publish to: the subject followed by the route."""
        return f"{self.subject}.{self.route}" if self.route else self.subject

    def headers(self, traceparent: str) -> dict[str, str]:
        """CloudEvents 1.0 headers (NATS binding), plus the trace and JetStream's duplicate key."""
        return {
            "Nats-Msg-Id": self.event_id,
            "ce-specversion": "1.0",
            "ce-id": self.event_id,
            "ce-source": "/" + "/".join(self.subject.split(".")[:2]),
            "ce-type": self.subject,
            "ce-subject": self.aggregate_id,
            "ce-time": self.occurred_at.isoformat(),
            "ce-merchantid": self.merchant_id,
            "content-type": "application/protobuf",
            "traceparent": traceparent,
        }


def subject_of(address: str) -> str:
    """The subject of an address, without the route."""
    return ".".join(address.split(".")[:SUBJECT_PARTS])


def event_of(address: str, headers: dict[str, str], body: bytes) -> Event:
    """The event of a received message. Raises KeyError if a header is missing.

    The address is where NATS let the sender publish, so no header can override it.
    """
    subject = subject_of(address)
    return Event(
        event_id=headers["ce-id"],
        merchant_id=headers["ce-merchantid"],
        aggregate_id=headers["ce-subject"],
        subject=subject,
        body=body,
        traceparent=headers.get("traceparent", ""),
        occurred_at=datetime.fromisoformat(headers["ce-time"]).astimezone(UTC),
        route=address[len(subject) + 1 :],
    )


class Bus:
    """A connection that reconnects for ever; `js` publishes and subscribes."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self.js: JetStreamContext = client.jetstream(timeout=5)

    @property
    def connected(self) -> bool:
        return self._client.is_connected

    @property
    def max_payload(self) -> int:
        """Maximum bytes of headers and body that the server accepts."""
        return self._client.max_payload

    async def publish(self, subject: str, body: bytes, headers: dict[str, str]) -> None:
        """Publishes and waits for JetStream's acknowledgement. Raises MaxPayloadError before
        anything is sent.

        The client only checks the body, but the server checks headers and body together, and would
        close the connection that carries all events.
        """
        head = sum(len(name) + len(value.encode()) + 4 for name, value in headers.items())
        if HEAD_BYTES + head + len(body) > self.max_payload:
            raise nats.errors.MaxPayloadError
        await self.js.publish(subject, body, headers=headers)

    async def listen(self, subject: str, handle: Callable[[Event], None]) -> None:
        """Calls `handle` for each event from now on, in every replica. Events may be missed: nothing
        is stored.
        """

        async def take(message: Msg) -> None:
            handle(event_of(message.subject, message.headers or {}, message.data))

        await self._client.subscribe(subject, cb=take)

    async def close(self) -> None:
        with suppress(OSError):  # remains of a lost connection
            await self._client.close()


def servers(url: str) -> dict[str, Any]:
    """The arguments of `nats.connect` for `nats://user:password@host:4222,other:4222`.

    The credentials apply to every server, including those that a cluster announces itself; in an
    address they would apply to that server only.
    """
    user_info, _, hosts = url.rpartition("@")
    scheme, _, user_info = user_info.rpartition("://")
    user, _, password = user_info.partition(":")
    return {
        "servers": [f"{scheme or 'nats'}://{host.split('://')[-1]}" for host in hosts.split(",")],
        **({"user": user, "password": password} if password else {"token": user or None}),
    }


async def connect(url: str, *, service: str, replicas: int = 1) -> Bus:
    """Connects, and waits for NATS and the stream as long as it takes.

    If NATS has no users, the first process to connect creates the stream. Otherwise `set_up`
    creates it beforehand, and no other user may (libs/bus_users).
    """

    async def on_error(error: Exception) -> None:
        log.warning("nats", error=repr(error))

    client = await nats.connect(
        **servers(url),
        name=service,
        max_reconnect_attempts=-1,
        reconnect_time_wait=0.5,
        connect_timeout=2,
        error_cb=on_error,
        allow_reconnect=True,
        inbox_prefix=inbox(service).encode(),
    )
    bus = Bus(client)
    while True:
        try:
            await _ensure_stream(bus.js, replicas)
        except UNSETTLED:
            await asyncio.sleep(0.2)
        else:
            return bus


async def _ensure_stream(js: JetStreamContext, replicas: int) -> None:
    try:
        await js.stream_info(STREAM)
    except nats.js.errors.NotFoundError:
        await js.add_stream(_stream(replicas))


async def set_up(bus: Bus, *, replicas: int = 1) -> None:
    """Creates or updates the stream for this version, stored on `replicas` servers."""
    await once_available(lambda: bus.js.update_stream(_stream(replicas)))


async def once_available(ask: Callable[[], Awaitable[object]]) -> None:
    """Retries while a cluster elects its leader, or places the stream. Raises the last error of
    UNSETTLED if that takes too long.
    """
    ends = time.monotonic() + SETTLED_SECONDS
    while True:
        try:
            await ask()
        except UNSETTLED:
            if time.monotonic() > ends:
                raise
            await asyncio.sleep(0.2)
        else:
            return


def _stream(replicas: int) -> StreamConfig:
    return StreamConfig(
        name=STREAM,
        subjects=SUBJECTS,
        retention=RetentionPolicy.LIMITS,
        storage=StorageType.FILE,
        max_age=KEPT.total_seconds(),
        duplicate_window=DUPLICATES.total_seconds(),
        num_replicas=replicas,
    )


def inbox(user: str) -> str:
    """Prefix of the subjects on which NATS answers this user; no other user can listen there."""
    return f"_INBOX_{user}"
