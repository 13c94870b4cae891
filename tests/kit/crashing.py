"""A service process that dies around the call to another service; the building block of the crash
matrix.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from enum import Enum
from typing import Any, Protocol

from libs.db import Database
from libs.due import DueWorker
from libs.errors import Kind
from libs.payments.due import DueRow
from tests.kit import payments_double
from tests.kit.payments_double import once, refuse

NO_ANSWER = refuse(Kind.UNAVAILABLE, "service_unavailable")  # whether or not the call was executed


class ProcessDied(BaseException):
    """Ends the process: no except clause and no clean-up runs after it."""


class Moment(Enum):
    BEFORE_INTENT = "before the intent is committed"
    AFTER_INTENT = "before payments is asked"
    DURING_CALL = "while payments works"
    AFTER_CALL = "before the answer is recorded"
    AFTER_RECORD = "after the answer is recorded"
    NEVER_ARRIVED = "the call never arrives, without a crash"
    LOST_ANSWER = "the answer is lost, without a crash"


class World(Protocol):
    deps: Any  # a dataclass with `db` and `payments`
    payments: payments_double.Payments
    merchant_id: str

    def act(self) -> None:
        """Makes further calls on behalf of its merchant."""


class Subject(Protocol):
    """One thing to pay, in a service process created from `deps`. If the process calls a service other
    than payments, set `client`, the field of `deps`, and `double`.
    """

    world: World
    table: str  # the table whose rows the kit reads
    rpc: str  # the RPC that calls payments

    async def pay(self, deps: Any) -> object:
        """Makes the whole call that pays it; it may be refused. A repeat uses the same idempotency key."""

    def worker(self, deps: Any) -> DueWorker[DueRow]: ...

    async def settle(self, deps: Any, row: DueRow) -> None:
        """Does the worker's work for a row."""

    async def deliver(self, payment: Any) -> None:
        """Delivers an event of payments."""

    async def state(self) -> str:
        """`open` (nothing was charged, it can be paid again), `under way` or `paid`."""


class CrashingDatabase(Database):
    """A process's database, until one of its transactions kills it."""

    def __init__(self, death: "Death") -> None:
        self._death = death
        self._real = death.subject.world.deps.db

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Any]:
        async with self._real.transaction() as tx:
            yield tx
            if self._death.moment is Moment.BEFORE_INTENT:
                raise ProcessDied
        self._committed()

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[Any]:
        async with self._real.connection() as conn:
            yield conn
        self._committed()

    def _committed(self) -> None:
        if self._death.moment is Moment.AFTER_RECORD and self._death.answered:
            raise ProcessDied


def double_of(subject: Subject) -> Any:
    """The double of the service that is called."""
    return getattr(subject, "double", subject.world.payments)


class CrashingClient:
    """The other service's client in a process that dies around a call to it."""

    def __init__(self, death: "Death", name: str) -> None:
        self._death = death
        self._real = getattr(death.subject.world.deps, name)

    def __getattr__(self, name: str) -> Any:
        real = getattr(self._real, name)
        if name not in {"create", "close", "set_up_instrument", "refund", "find_refund", "make"}:
            return real
        step = self._death.around_lookup if name == "find_refund" else self._death.around
        return lambda *asked: step(lambda: real(*asked))


class Death:
    """A process of the subject that dies at `moment`."""

    def __init__(self, subject: Subject, moment: Moment) -> None:
        self.subject = subject
        self.moment = moment
        self.answered = False
        self._asked = asyncio.Event()
        self._go_on = asyncio.Event()
        self._left: list[asyncio.Future[Any]] = []
        name, double = getattr(subject, "client", "payments"), double_of(subject)
        self.deps = replace(
            subject.world.deps, db=CrashingDatabase(self), **{name: CrashingClient(self, name)}
        )
        if moment is Moment.DURING_CALL:
            double.before[subject.rpc] = once(self._hang)
        if moment is Moment.NEVER_ARRIVED:
            double.before[subject.rpc] = once(NO_ANSWER)
        if moment is Moment.LOST_ANSWER:
            double.after[subject.rpc] = once(NO_ANSWER)

    async def _hang(self) -> None:
        self._asked.set()
        await self._go_on.wait()

    async def around(self, call: Callable[[], Awaitable[Any]]) -> Any:
        if self.moment is Moment.AFTER_INTENT:
            raise ProcessDied
        if self.moment is Moment.DURING_CALL:
            await self._hung(asyncio.ensure_future(call()))
            raise ProcessDied
        answer = await call()
        self.answered = True
        if self.moment is Moment.AFTER_CALL:
            raise ProcessDied
        return answer

    async def around_lookup(self, find: Callable[[], Awaitable[Any]]) -> Any:
        """A look-up before the call counts as the call only if it finds something."""
        return None if await find() is None else await self.around(find)

    async def _hung(self, call: asyncio.Future[Any]) -> None:
        """Waits until payments is processing the call, or has answered without processing it."""
        self._left.append(call)
        asked = asyncio.ensure_future(self._asked.wait())
        await asyncio.wait({asked, call}, return_when=asyncio.FIRST_COMPLETED)
        asked.cancel()

    async def arrive(self) -> None:
        """Lets payments complete the call that the dead process had made."""
        self._go_on.set()
        await asyncio.gather(*self._left, return_exceptions=True)
