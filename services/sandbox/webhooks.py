"""Sends webhook events: signed, at least once, retried until a 2xx, pending ones stored in SQLite.

One dispatcher, a fixed number of senders, one HTTP session. Memory only holds a heap of (due_at,
sequence); bodies stay in the file until their turn.
"""

import asyncio
import hashlib
import heapq
import hmac
import json
import sqlite3
import time
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import aiohttp
import structlog
from uuid_utils import uuid7

from services.sandbox.books import events
from services.sandbox.books.accounts import Account
from services.sandbox.config import Config
from services.sandbox.database import transaction
from services.sandbox.faults import Faults
from services.sandbox.metrics import Metrics
from services.sandbox.resting import rest_until

ANSWER_TIMEOUT_SECONDS = 10
LONGEST_RETRY_SECONDS = 300.0
COALESCE_SECONDS = 0.005
FLUSH_SECONDS = 0.5
REMEMBERED_DELIVERIES = 200

log = structlog.get_logger("sandbox.webhooks")


@dataclass(frozen=True, slots=True)
class Delivery:
    """An attempt as shown on the webhook page."""

    account: str
    type: str
    event_id: str
    attempt: int
    outcome: str
    at: float


def signature(secret: str, timestamp: int, body: str) -> str:
    digest = hmac.new(secret.encode(), f"{timestamp}.{body}".encode(), hashlib.sha256)
    return f"t={timestamp},v1={digest.hexdigest()}"


def retry_seconds(first_seconds: float, attempts: int) -> float:
    return min(first_seconds * 2.0 ** min(attempts, 20), LONGEST_RETRY_SECONDS)


class Sender:
    def __init__(
        self,
        conn: sqlite3.Connection,
        accounts: Mapping[str, Account],
        faults: Faults,
        config: Config,
        metrics: Metrics,
    ) -> None:
        self._conn = conn
        self._accounts = accounts
        self._faults = faults
        self._config = config
        self._metrics = metrics
        self._heap: list[tuple[float, int]] = []
        self._wake = asyncio.Event()
        self._ready: asyncio.Queue[int] = asyncio.Queue()
        self._sending = 0  # taken from the queue, not answered yet
        self._delivered: list[int] = []
        self._tasks: list[asyncio.Task[None]] = []
        self._session: aiohttp.ClientSession | None = None
        self.recent: deque[Delivery] = deque(maxlen=REMEMBERED_DELIVERIES)

    def emit(self, account: str, event_type: str, data: dict[str, Any]) -> None:
        """Inside the transaction of the change: stores the event and schedules its delivery."""
        if account not in self._accounts:
            return
        plan = self._faults.plan_webhook(account)
        if plan.dropped:
            self._metrics.faults.labels("webhook", "drop").inc()
            return
        now = time.time()
        body = {
            "id": f"sev_{uuid7().hex}",
            "type": event_type,
            "created": int(now),
            "account": account,
            "data": data,
        }
        due_at = now + self._config.sandbox_webhook_delay_seconds + plan.delay_seconds
        sequence = events.insert(
            self._conn,
            account,
            json.dumps(body, separators=(",", ":")),
            copies=plan.copies,
            due_at=due_at,
        )
        self._schedule(due_at, sequence)

    @property
    def waiting(self) -> int:
        return len(self._heap) + self._ready.qsize() + self._sending

    @property
    def alive(self) -> bool:
        return bool(self._tasks) and not any(task.done() for task in self._tasks)

    def _schedule(self, due_at: float, sequence: int) -> None:
        if not self._heap or due_at < self._heap[0][0]:
            self._wake.set()
        heapq.heappush(self._heap, (due_at, sequence))

    async def start(self) -> None:
        limit = self._config.sandbox_webhook_concurrency
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=limit),
            timeout=aiohttp.ClientTimeout(total=ANSWER_TIMEOUT_SECONDS),
        )
        for due_at, sequence in events.waiting(self._conn):
            self._schedule(due_at, sequence)
        self._tasks = [asyncio.create_task(self._dispatch())]
        self._tasks += [asyncio.create_task(self._send(self._session)) for _ in range(limit)]

    async def stop(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._session is not None:
            await self._session.close()
        self._flush()

    async def _dispatch(self) -> None:
        while True:
            self._wake.clear()
            now = time.time()
            while self._heap and self._heap[0][0] <= now:
                self._ready.put_nowait(heapq.heappop(self._heap)[1])
            await rest_until(self._heap[0][0] if self._heap else None, self._wake)
            await asyncio.sleep(COALESCE_SECONDS)

    def _drop_later(self, sequence: int) -> None:
        """Deletes a delivered event later, together with others delivered meanwhile."""
        if not self._delivered:
            asyncio.get_running_loop().call_later(FLUSH_SECONDS, self._flush)
        self._delivered.append(sequence)

    def _flush(self) -> None:
        """A crash before this causes redeliveries, which receivers must tolerate anyway."""
        if self._delivered:
            delivered, self._delivered = self._delivered, []
            with transaction(self._conn):
                events.delete(self._conn, delivered)

    async def _send(self, session: aiohttp.ClientSession) -> None:
        while True:
            sequence = await self._ready.get()
            event = events.find(self._conn, sequence)
            if event is None:
                continue
            account = self._accounts.get(event.account)
            if account is None:
                self._drop_later(sequence)
                continue
            self._sending += 1
            try:
                outcome = ""
                for _ in range(event.copies):
                    outcome = await self._post(session, account, event.body)
                self._record(event, outcome)
            finally:
                self._sending -= 1

    async def _post(self, session: aiohttp.ClientSession, account: Account, body: str) -> str:
        """Sends once and returns "delivered" or the error."""
        headers = {
            "Content-Type": "application/json",
            "Sandbox-Signature": signature(account.webhook_secret, int(time.time()), body),
        }
        try:
            async with session.post(
                account.webhook_url, data=body.encode(), headers=headers, allow_redirects=False
            ) as answer:
                await answer.read()
                return "delivered" if answer.ok and answer.status < 300 else f"{answer.status}"  # noqa: PLR2004  # 3xx is a failure
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
            return type(error).__name__

    def _record(self, event: events.Event, outcome: str) -> None:
        described = json.loads(event.body)
        self.recent.appendleft(
            Delivery(
                event.account,
                described["type"],
                described["id"],
                event.attempts + 1,
                outcome,
                time.time(),
            )
        )
        if outcome == "delivered":
            self._metrics.webhooks.labels("delivered").inc()
            self._drop_later(event.sequence)
            return
        self._metrics.webhooks.labels("failed").inc()
        wait = retry_seconds(self._config.sandbox_webhook_retry_seconds, event.attempts)
        due_at = time.time() + wait
        events.postpone(self._conn, event.sequence, due_at)
        self._schedule(due_at, event.sequence)
        log.info(
            "webhook_failed",
            account=event.account,
            event_id=described["id"],
            outcome=outcome,
            attempt=event.attempts + 1,
            retry_seconds=wait,
        )
