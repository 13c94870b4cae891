"""A storefront under load: one-click charges over HTTP, each with its own idempotency key.

Driven by wrk, which takes little CPU from the machine that it measures, or by Python without wrk.
"""

import asyncio
import json
import shutil
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp

AMOUNT_MINOR = 100
SCRIPT = Path(__file__).with_name("one_click.lua")
WRK = shutil.which("wrk")


@dataclass
class Measured:
    """Durations of the captured charges, in seconds; `other` counts the rest by outcome."""

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


@dataclass(frozen=True)
class Load:
    """The outcome of the charges. Those still in flight at the end are not counted anywhere."""

    seconds: float
    captured: int
    other: dict[str, int]
    p50_ms: float
    p95_ms: float
    p99_ms: float

    @property
    def per_second(self) -> float:
        return self.captured / self.seconds if self.seconds else 0.0


class Storefront:
    """`run_id` keeps this run's idempotency keys and order references apart from those of other runs."""

    def __init__(
        self, http: aiohttp.ClientSession, *, url: str, secret_key: str, run_id: str
    ) -> None:
        self._http = http
        self._url = url
        self._key = secret_key
        self._run_id = run_id
        self._count = 0

    async def pay(self, customers: Sequence[str], *, concurrency: int, seconds: float) -> Load:
        """Runs `concurrency` shoppers, each of whom pays again as soon as the last charge is answered."""
        if WRK is not None:
            return await self._by_wrk(customers, concurrency=concurrency, seconds=seconds)
        found = await self.load(customers, concurrency=concurrency, seconds=seconds)
        percentiles = [found.percentile_ms(share) for share in (0.50, 0.95, 0.99)]
        return Load(found.seconds, len(found.durations), dict(found.other), *percentiles)

    async def _by_wrk(self, customers: Sequence[str], *, concurrency: int, seconds: float) -> Load:
        self._count += 1
        assert WRK is not None
        process = await asyncio.create_subprocess_exec(
            *(WRK, "--threads=1", f"--connections={concurrency}", f"--duration={seconds:.0f}s"),
            *("--timeout=60s", f"--script={SCRIPT}", f"{self._url}/v1/one-click-payments", "--"),
            *(f"{self._run_id}-{self._count}", self._key, *customers),
            stdout=asyncio.subprocess.PIPE,
        )
        out, _ = await process.communicate()
        lines = [line for line in out.decode().splitlines() if line.startswith("{")]
        if process.returncode or not lines:
            raise RuntimeError(f"wrk printed no result:\n{out.decode()}")
        result: dict[str, Any] = json.loads(lines[-1])
        if lost := result.pop("lost"):
            result["other"]["no answer"] = lost
        return Load(**result)

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
        """Like `pay`, but always in Python and with every duration."""
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
