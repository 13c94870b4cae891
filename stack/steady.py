"""A storefront that takes payments at a steady rate, whatever happens to the stack meanwhile.

Each payment is asked for again under its key until it is answered, as a shop's server does. At the
end the PSP's own books and the payments themselves say what was charged.
"""

import asyncio
import time
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import Any, Final
from uuid import uuid4

import aiohttp

from stack.shop import Shop

AMOUNT_MINOR: Final = 1000
PAUSE_SECONDS: Final = 0.5
GIVEN_UP_SECONDS: Final = 240.0
# Still at work, too many at once, and what a proxy or a service that is away answers.
COME_AGAIN: Final = {409, 429, 500, 502, 503, 504}


@dataclass
class Taken:
    """`captured` maps the order to the payment that was answered as captured."""

    orders: list[str] = field(default_factory=list)
    captured: dict[str, str] = field(default_factory=dict)
    answered_at: list[float] = field(default_factory=list)  # monotonic
    seconds: list[float] = field(default_factory=list)  # until the final answer
    retries: Counter[str] = field(default_factory=Counter)  # by what came before
    failed: list[str] = field(default_factory=list)

    @property
    def longest_pause(self) -> float:
        """Seconds without an answer."""
        return max((after - at for at, after in pairwise(self.answered_at)), default=0.0)

    def percentile_ms(self, share: float) -> float:
        ordered = sorted(self.seconds) or [0.0]
        return 1000 * ordered[min(int(share * len(ordered)), len(ordered) - 1)]


@dataclass(frozen=True)
class Verdict:
    """What is wrong, by order: all of it has to be empty."""

    lost: list[str]  # answered, and payments or the PSP do not know it
    charged_twice: list[str]
    unknown_charges: list[str]  # the PSP took money for an order without a captured payment


class SteadyStorefront:
    """`url` chooses a gateway for each call."""

    def __init__(self, shop: Shop, customers: Sequence[str], url: Callable[[], str]) -> None:
        self.taken = Taken()
        self._shop = shop
        self._customers = customers
        self._url = url
        self._running: set[asyncio.Task[None]] = set()

    @asynccontextmanager
    async def selling(self, per_second: float, *, at_once: int = 2000) -> AsyncIterator[Taken]:
        """Sells while the block runs; every payment is answered at its end. A stack that is too
        slow for the rate has no more than `at_once` payments to answer.
        """
        selling = asyncio.create_task(self._sell(per_second, at_once))
        try:
            yield self.taken
        finally:
            selling.cancel()
            await asyncio.gather(*self._running)

    async def verdict(self) -> Verdict:
        taken = self.taken
        paid = await self._captured_payments()
        books: dict[str, int] = defaultdict(int)
        for row in (await self._shop.books()).values():
            if row["captured_minor"]:
                books[row["reference"]] += row["captured_minor"]
        ours = {order: minor for order, minor in books.items() if order in set(taken.orders)}
        return Verdict(
            lost=[o for o, one in taken.captured.items() if paid.get(o) != [one] or o not in ours],
            charged_twice=[order for order, minor in ours.items() if minor != AMOUNT_MINOR],
            unknown_charges=[order for order in ours if len(paid.get(order, [])) != 1],
        )

    async def _sell(self, per_second: float, at_once: int) -> None:
        began, before = time.monotonic(), len(self.taken.orders)
        while True:
            due = before + (time.monotonic() - began) * per_second
            while len(self.taken.orders) < due and len(self._running) < at_once:
                self._start()
            await asyncio.sleep(0.5 / per_second)

    def _start(self) -> None:
        order = self._shop.next_order()
        customer = self._customers[len(self.taken.orders) % len(self._customers)]
        self.taken.orders.append(order)
        task = asyncio.create_task(self._pay(order, customer))
        self._running.add(task)
        task.add_done_callback(self._running.discard)

    async def _pay(self, order: str, customer: str) -> None:
        key, began, taken = str(uuid4()), time.monotonic(), self.taken
        payment: Any = {}
        while time.monotonic() - began < GIVEN_UP_SECONDS:
            again, payment = await self._ask(order, customer, key, payment)
            if not again:
                taken.answered_at.append(time.monotonic())
                taken.seconds.append(time.monotonic() - began)
                if payment.get("state") == "captured":
                    taken.captured[order] = payment["id"]
                else:
                    taken.failed.append(f"{order}: {payment}")
                return
            taken.retries[again] += 1
            await asyncio.sleep(PAUSE_SECONDS)
        taken.failed.append(f"{order}: no answer")

    async def _ask(self, order: str, customer: str, key: str, payment: Any) -> tuple[str, Any]:
        """Why to ask again, or "", and what is known. Once it is there, a payment is looked up."""
        shop = replace(self._shop, url=self._url())
        try:
            if payment:
                answer = await shop.call("GET", f"/v1/payments/{payment['id']}")
            else:
                answer = await shop.one_click(
                    customer, AMOUNT_MINOR, key=key, order_reference=order
                )
        except (aiohttp.ClientError, TimeoutError, ValueError) as error:
            return type(error).__name__, payment
        if answer.status in COME_AGAIN:
            return str(answer.body.get("code", answer.status)), payment
        waits = answer.body.get("state") == "processing"
        return "processing" if waits else "", answer.body

    async def _captured_payments(self) -> dict[str, list[str]]:
        """By order."""
        found = defaultdict[str, list[str]](list)
        async for payment in self._shop.pages("/v1/payments?state=captured"):
            found[payment["order_reference"]].append(payment["id"])
        return found
