"""A storefront under load: one-click charges over HTTP, each under a key of its own."""

import asyncio
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

import aiohttp

AMOUNT_MINOR = 100


@dataclass
class Measured:
    """Durations in seconds of the charges that were captured; the others by what came instead."""

    seconds: float = 0.0
    durations: list[float] = field(default_factory=list)
    other: Counter[str] = field(default_factory=Counter)

    @property
    def per_second(self) -> float:
        return len(self.durations) / self.seconds if self.seconds else 0.0

    def percentile_ms(self, share: float) -> float:
        """`share` 0.99 is the 99th percentile; 0 when nothing was measured."""
        ordered = sorted(self.durations)
        if not ordered:
            return 0.0
        return 1000 * ordered[min(int(share * len(ordered)), len(ordered) - 1)]


class Storefront:
    """`run_id` keeps keys and order references of this run apart from those of others."""

    def __init__(
        self, http: aiohttp.ClientSession, *, url: str, secret_key: str, run_id: str
    ) -> None:
        self._http = http
        self._url = url
        self._key = secret_key
        self._run_id = run_id
        self._count = 0

    async def charge(self, customer_id: str, into: Measured) -> None:
        self._count += 1
        reference = f"{self._run_id}-{self._count}"
        body = {
            "customer_id": customer_id,
            "amount": {"amount_minor": AMOUNT_MINOR, "currency": "EUR"},
            "order_reference": reference,
            "capture": "now",
        }
        headers = {"Authorization": f"Bearer {self._key}", "Idempotency-Key": reference}
        started = time.perf_counter()
        try:
            async with self._http.post(
                f"{self._url}/v1/one-click-payments", json=body, headers=headers
            ) as response:
                answer = await response.json(content_type=None)
        except (aiohttp.ClientError, TimeoutError) as error:
            into.other[type(error).__name__] += 1
            return
        if answer.get("state") == "captured":
            into.durations.append(time.perf_counter() - started)
        else:
            into.other[str(answer.get("code") or answer.get("state"))] += 1

    async def load(self, customers: Sequence[str], *, concurrency: int, seconds: float) -> Measured:
        """`concurrency` shoppers, each with the next charge as soon as the last was answered."""
        measured = Measured()
        started = time.perf_counter()
        ends = started + seconds

        async def shopper(number: int) -> None:
            mine = customers[number::concurrency] or customers
            turn = 0
            while time.perf_counter() < ends:
                await self.charge(mine[turn % len(mine)], measured)
                turn += 1

        await asyncio.gather(*(shopper(number) for number in range(concurrency)))
        measured.seconds = time.perf_counter() - started
        return measured
