"""Clients that call at a steady rate, whatever happens to the stack meanwhile, and repeat each call
until it is answered, as a shop's server does. A storefront that sells so: at the end the PSP's own
books and the payments themselves say what was charged.
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
# Doubled with each try: many that come again at a fixed pace leave no processor for their own answers.
PAUSE_SECONDS: Final = 0.5
LONGEST_PAUSE_SECONDS: Final = 5.0
GIVEN_UP_SECONDS: Final = 240.0
# Still at work, too many at once, and what a proxy or a service that is away answers.
COME_AGAIN: Final = {409, 429, 500, 502, 503, 504}


@dataclass
class Answers:
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

    async def until_known(self, what: str, ask: Callable[[], Awaitable[Answer]]) -> Answer | None:
        """The first answer that does not ask to come again; None if there is none in time."""
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
    """Or "". A payment whose outcome is not known yet is asked for again."""
    if answer.status in COME_AGAIN:
        return str(answer.body.get("code", answer.status))
    return "processing" if answer.body.get("state") == "processing" else ""


@asynccontextmanager
async def at_rate(
    per_second: float, one: Callable[[int], Awaitable[None]], *, at_once: int = 2000
) -> AsyncIterator[None]:
    """Calls `one(0)`, `one(1)`, … while the block runs, and waits for all at its end. A stack that is
    too slow for the rate has no more than `at_once` to answer.
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
    """`captured` maps the order to the payment that was answered as captured."""

    orders: list[str] = field(default_factory=list)
    captured: dict[str, str] = field(default_factory=dict)


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

    @asynccontextmanager
    async def selling(self, per_second: float, *, at_once: int = 2000) -> AsyncIterator[Taken]:
        """Sells while the block runs; every payment is answered at its end."""
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
            """Once it is there, a payment is looked up."""
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
        """By order."""
        found = defaultdict[str, list[str]](list)
        async for payment in self._shop.pages("/v1/payments?state=captured"):
            found[payment["order_reference"]].append(payment["id"])
        return found
