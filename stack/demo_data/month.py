"""The month itself, day by day: sales, deliveries, instalments and reconciliation, in chronological
order.
"""

import asyncio
import random
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from functools import partial
from typing import Final

from stack.demo_data import books, plans, sales
from stack.demo_data.cash import Cash
from stack.demo_data.front import Front
from stack.demo_data.sales import Customer

DAYS: Final = 35  # always reaches the 4th of the next month, when a month is closed
DAY_SECONDS: Final = 86_400
EVENING: Final = (4 * 3600, 7 * 3600)  # seconds after the morning
AT_ONCE: Final = 6
SALES: Final = (7, 6, 6, 7, 9, 12, 8)  # by weekday, Monday first
CLOSES_ON: Final = 4  # day of the month on which the month before is closed
# The days of each activity, counted from 0.
WEEKS: Final = range(6, DAYS, 7)  # days on which the week's reports and statements are imported
PARCELS: Final = range(0, DAYS, 2)
CARTS: Final = range(0, DAYS, 3)
TRANSFERS: Final = {2: True, 8: False, 14: True, 20: True, 26: False, 32: False}  # named, or not
SHARED_LINKS: Final = (5, 17, 29)
DISPUTES: Final = {7: "lost", 17: "won", 27: ""}  # and their outcomes
REMITTANCES: Final[Mapping[int, Mapping[str, int]]] = {13: {}, 20: {"short_minor": 450}, 27: {}}
CASH_REFUNDS: Final = 28
PLANS: Final = range(5)


@dataclass
class Month:
    """`began`: its first day. `length`: days to play."""

    front: Front
    cash: Cash
    customers: Sequence[Customer]
    began: date
    length: int = DAYS
    terms_id: str = ""
    plan_ids: list[str] = field(default_factory=list)

    @staticmethod
    async def open(front: Front, length: int = DAYS) -> "Month":
        """Sets up the shop before its first day."""
        await front.lift_limits()
        await sales.products(front)
        customers = await sales.regulars(front)
        await books.schedule(front)
        began = datetime.now(UTC).date()
        month = Month(front, await Cash.of(front), customers, began, length)
        month.terms_id = await plans.terms(front)
        return month

    async def play(self, done: Callable[[int, str], None]) -> None:
        """`done` is called after each day with its number, from 1, and its date."""
        for number in range(self.length):
            chance = random.Random(number)  # noqa: S311 - the same month each time
            await self._morning(number, chance)
            seconds = chance.randrange(*EVENING)
            await self.front.advance(seconds)
            await self._evening(number, chance)
            done(number + 1, self.today.isoformat())
            if number + 1 < self.length:
                await self.front.advance(DAY_SECONDS - seconds)

    @property
    def today(self) -> date:
        return (datetime.now(UTC) + timedelta(seconds=self.front.ahead_seconds)).date()

    async def _morning(self, number: int, chance: random.Random) -> None:
        await self.cash.deliver(chance)
        await self._plans(number)
        await self._sell(number, chance, SALES[self.today.weekday()] // 2)
        if number in PARCELS:
            await self.cash.order(chance, leaves=number < self.length - 1)

    async def _evening(self, number: int, chance: random.Random) -> None:
        await self._sell(number, chance, -(-SALES[self.today.weekday()] // 2))
        await self._others(number, chance)
        last = number == self.length - 1
        await self._remit(number, last=last)
        if number in WEEKS or last:
            await books.week(self.front, number // 7, self.began)
        if self.today.day == CLOSES_ON and self.today.month != self.began.month:
            month = self.today.replace(day=1) - timedelta(days=1)
            await books.close(self.front, f"{month:%Y-%m}")

    async def _sell(self, number: int, chance: random.Random, count: int) -> None:
        """The same sales each time, a few at once."""
        of_sale = [random.Random(chance.random()) for _ in range(count)]  # noqa: S311 - as above
        buyers = [chance.choice(self.customers) for _ in of_sale]
        await together(
            [
                partial(sales.card_sale, self.front, one, buyer)
                for one, buyer in zip(of_sale, buyers, strict=True)
            ]
        )

    async def _others(self, number: int, chance: random.Random) -> None:
        await sales.link_sale(self.front, chance, number=number)
        if number in CARTS:
            await sales.cart(self.front, chance, number=CARTS.index(number))
        if number in TRANSFERS:
            await sales.transfer_sale(self.front, chance, named=TRANSFERS[number])
        if number in SHARED_LINKS:
            await sales.shared_link(self.front)
        if number in DISPUTES:
            await self._dispute(DISPUTES[number])
        if number == self.length - 1:
            await sales.waiting_challenge(self.front, self.customers[0])

    async def _dispute(self, outcome: str) -> None:
        """Disputes the newest payment that is captured and not refunded."""
        for payment_id in reversed(self.front.payment_ids):
            payment = await self.front.get(f"/v1/payments/{payment_id}")
            if payment["state"] == "captured":
                await sales.disputed(self.front, payment_id, outcome=outcome)
                return

    async def _plans(self, number: int) -> None:
        """Begins plans in the first days; later their fates differ."""
        if number in PLANS:
            amount = 18_000 + 4_500 * number
            self.plan_ids.append(await plans.begin(self.front, number, amount, self.terms_id))
        match number:
            case 6:
                await plans.fall_behind(self.front, self.plan_ids[1])
            case 19:
                await plans.settle(self.front, self.plan_ids[2])
            case 20:
                await plans.give_back(self.front, self.plan_ids[3])
            case 33:
                await plans.offered(self.front, 8, 24_000)
                await plans.reviewed(self.front, 9, 180_000)

    async def _remit(self, number: int, *, last: bool) -> None:
        if last:
            await self.cash.order(random.Random(number), leaves=False)  # noqa: S311 - as above
            await self.cash.remit(commit=False, errors={"unknown": 1})
        elif number in REMITTANCES:
            await self.cash.remit(errors=REMITTANCES[number])
        if number == CASH_REFUNDS:
            await self.cash.refunds()


async def together(jobs: Sequence[Callable[[], Awaitable[None]]]) -> None:
    """Runs the jobs, a few at once; the first error cancels them all."""
    gate = asyncio.Semaphore(AT_ONCE)

    async def one(job: Callable[[], Awaitable[None]]) -> None:
        async with gate:
            await job()

    async with asyncio.TaskGroup() as group:
        for job in jobs:
            group.create_task(one(job))
