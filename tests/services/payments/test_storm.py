"""Storms: our own calls with lost answers and crashes, and the PSP's console, all at once.

At the end, when recovery has nothing left to ask, the PSP's books agree with payments.
"""

import asyncio
import contextlib
import random
from collections.abc import Awaitable

import pytest

from libs.errors import Refusal
from services.payments.connectors.base import OperationNotice
from services.payments.rules.domain import Payment
from services.payments.rules.states import FINAL, State
from tests.services.payments.conftest import World
from tests.services.payments.psp_console import Console
from tests.services.payments.psp_double import CANCEL, CAPTURE, REFUND, Fault, ProcessDied

PAYMENTS, ACTS = 12, 160


class Storm:
    def __init__(self, world: World, seed: int) -> None:
        self.world = world
        self.chance = random.Random(seed)
        self.console = Console(world.a)
        world.a.has_console = True
        self.payments: list[Payment] = []
        self.queued: list[OperationNotice] = []

    async def prepare(self) -> None:
        for number in range(PAYMENTS):
            made = self.world.create if number % 3 == 0 else self.world.hold
            self.payments.append(await made(order_reference=f"A-{number}"))

    async def act(self) -> None:
        payment = self.chance.choice(self.payments)
        minor = self.chance.randint(1, 3000)
        match self.chance.randint(0, 9):
            case 0:
                await self._ours(self.world.capture(payment, minor + 2000), CAPTURE)
            case 1:
                await self._ours(self.world.cancel(payment), CANCEL)
            case 2 | 3 | 4:
                await self._ours(self.world.refund(payment, minor), REFUND)
            case 5:
                self._queue(self.console.capture(payment.psp_reference, minor + 2000))
            case 6:
                self._queue(self.console.cancel(payment.psp_reference))
            case 7:
                self._queue(self.console.refund(payment.psp_reference, minor))
            case 8 if self.console.refunds:
                name = self.chance.choice(sorted(self.console.refunds))
                self._queue(self.console.fail_refund(name))
            case _:
                self._queue(self.console.approve_late(payment.psp_reference))
        await self.deliver(most=2)

    async def _ours(self, call: Awaitable[object], kind) -> None:
        if self.chance.random() < 0.3:
            self.world.a.plan(kind, self.chance.choice(list(Fault)))
        with contextlib.suppress(Refusal, ProcessDied):
            await call

    def _queue(self, notice: OperationNotice | None) -> None:
        """Queues the notice, sometimes twice; notices are delivered in any order."""
        if notice is not None:
            self.queued += [notice] * self.chance.randint(1, 2)
            self.chance.shuffle(self.queued)

    async def deliver(self, *, most: int) -> None:
        while self.queued and most:
            await self.world.notice(self.queued.pop())
            most -= 1

    async def calm_down(self) -> None:
        await self.deliver(most=10_000)
        for _ in range(40):
            try:
                await self.world.recover()
            except ProcessDied:
                continue
            if not await self.world.rows(
                "SELECT 1 FROM attempts WHERE next_recovery_at IS NOT NULL"
            ):
                return
        pytest.fail("recovery goes on and on")

    async def assert_the_books_agree(self) -> None:
        for payment in self.payments:
            now_is = await self.world.get(payment)
            booked = self.world.a.charges[payment.psp_reference]
            theirs = (booked.captured_minor, booked.refunded_minor)
            assert (now_is.capturing_minor, now_is.refunding_minor) == (0, 0)
            if now_is.state in FINAL:
                assert (now_is.captured_minor, now_is.refunded_minor) == (0, 0)
                assert booked.captured_minor == booked.refunded_minor, now_is
                assert booked.held_minor == 0, now_is
            else:
                assert (now_is.captured_minor, now_is.refunded_minor) == theirs, now_is
                assert (now_is.state is State.AUTHORISED) == (booked.held_minor > 0)


@pytest.mark.parametrize("seed", range(6))
async def test_after_a_storm_payments_agree_with_the_psps_books(world: World, seed: int):
    storm = Storm(world, seed)
    await storm.prepare()
    for _ in range(ACTS // 8):
        await asyncio.gather(*(storm.act() for _ in range(8)))
    await storm.calm_down()
    await storm.assert_the_books_agree()
    assert len(await world.attempts()) > PAYMENTS * 2
