"""Clients that call at a steady rate, whatever happens to the stack, and retry each call until it is
answered, as a shop's server does. Also a storefront that sells this way, and a verdict on its charges
from the PSP's books and Incasso's payments.
"""

import asyncio
import time
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from itertools import count, pairwise
from typing import Final
from uuid import uuid4

import aiohttp

from stack.shop import Answer, Shop

AMOUNT_MINOR: Final = 1000
# Doubled with each try: many clients retrying at a fixed pace would leave no CPU to answer them.
PAUSE_SECONDS: Final = 0.5
LONGEST_PAUSE_SECONDS: Final = 5.0
GIVEN_UP_SECONDS: Final = 240.0
# Still in progress, too many at once, and the answers of a proxy or of an unavailable service.
COME_AGAIN: Final = {409, 429, 500, 502, 503, 504}


@dataclass
class Answers:
    answered_at: list[float] = field(default_factory=list)  # monotonic
    seconds: list[float] = field(default_factory=list)  # until each final answer
    retries: Counter[str] = field(default_factory=Counter)  # by the answer that caused them
    failed: list[str] = field(default_factory=list)

    @property
    def longest_pause(self) -> float:
        """The longest time between two answers, in seconds."""
        return max((after - at for at, after in pairwise(self.answered_at)), default=0.0)

    def percentile_ms(self, share: float) -> float:
        ordered = sorted(self.seconds) or [0.0]
        return 1000 * ordered[min(int(share * len(ordered)), len(ordered) - 1)]

    async def until_known(self, what: str, ask: Callable[[], Awaitable[Answer]]) -> Answer | None:
        """The first answer that needs no retry; None if there is none in time."""
        began, pause = time.monotonic(), PAUSE_SECONDS
        while time.monotonic() - began < GIVEN_UP_SECONDS:
            try:
                answer = await ask()
            except (aiohttp.ClientError, TimeoutError, ValueError) as error:
                again = type(error).__name__
            else:
                again = _why_again(answer)
                if not again:
                    self.answered_at.append(time.monotonic())
                    self.seconds.append(time.monotonic() - began)
                    return answer
            self.retries[again] += 1
            await asyncio.sleep(pause)
            pause = min(2 * pause, LONGEST_PAUSE_SECONDS)
        self.failed.append(f"{what}: no answer, last {again}")
        return None

    async def read(self, shop: Shop, path: str) -> None:
        answer = await self.until_known(path, lambda: shop.call("GET", path))
        if answer is not None and answer.status != 200:  # noqa: PLR2004 - HTTP
            self.failed.append(f"{path}: {answer.status} {answer.body}")


def _why_again(answer: Answer) -> str:
    """Why to retry, or "". A payment whose outcome is not known yet is requested again."""
    if answer.status in COME_AGAIN:
        return str(answer.body.get("code", answer.status))
    return "processing" if answer.body.get("state") == "processing" else ""


@asynccontextmanager
async def at_rate(
    per_second: float, one: Callable[[int], Awaitable[None]], *, at_once: int = 2000
) -> AsyncIterator[None]:
    """Calls `one(0)`, `one(1)`, … while the block runs, and waits for all at its end. If the stack is
    too slow for the rate, at most `at_once` calls are in flight.
    """
    running: set[asyncio.Future[None]] = set()

    async def start_all() -> None:
        began = time.monotonic()
        for number in count():
            while number > (time.monotonic() - began) * per_second or len(running) >= at_once:  # noqa: ASYNC110 - paced by the clock
                await asyncio.sleep(0.5 / per_second)
            task = asyncio.ensure_future(one(number))
            running.add(task)
            task.add_done_callback(running.discard)

    starting = asyncio.create_task(start_all())
    try:
        yield
    finally:
        starting.cancel()
        await asyncio.gather(*running)


@dataclass
class Taken(Answers):
    """`captured` maps an order to its payment, if that was answered as captured."""

    orders: list[str] = field(default_factory=list)
    captured: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Verdict:
    """Orders that went wrong; every list must be empty."""

    lost: list[str]  # answered as captured, but unknown to payments or the PSP
    charged_twice: list[str]
    unknown_charges: list[str]  # the PSP took money for an order without a captured payment


class SteadyStorefront:
    """`url` chooses a gateway for each call."""

    def __init__(self, shop: Shop, customers: Sequence[str], url: Callable[[], str]) -> None:
        self.taken = Taken()
        self._shop = shop
        self._customers = customers
        self._url = url

    @asynccontextmanager
    async def selling(self, per_second: float, *, at_once: int = 2000) -> AsyncIterator[Taken]:
        """Sells while the block runs; on exit every payment has been answered or given up."""
        async with at_rate(per_second, self._sell, at_once=at_once):
            yield self.taken

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

    async def _sell(self, number: int) -> None:
        order, key = self._shop.next_order(), str(uuid4())
        customer = self._customers[number % len(self._customers)]
        payment_id = ""
        self.taken.orders.append(order)

        async def ask() -> Answer:
            """Creates the payment; once it exists, reads it."""
            nonlocal payment_id
            shop = replace(self._shop, url=self._url())
            if payment_id:
                return await shop.call("GET", f"/v1/payments/{payment_id}")
            answer = await shop.one_click(customer, AMOUNT_MINOR, key=key, order_reference=order)
            payment_id = answer.body.get("id", "")
            return answer

        answer = await self.taken.until_known(order, ask)
        if answer is None:
            return
        if answer.body.get("state") == "captured":
            self.taken.captured[order] = answer.body["id"]
        else:
            self.taken.failed.append(f"{order}: {answer.status} {answer.body}")

    async def _captured_payments(self) -> dict[str, list[str]]:
        """Ids of captured payments, by order."""
        found = defaultdict[str, list[str]](list)
        async for payment in self._shop.pages("/v1/payments?state=captured"):
            found[payment["order_reference"]].append(payment["id"])
        return found
