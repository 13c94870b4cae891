"""Payments on a real PostgreSQL with two PSP accounts that are test doubles."""

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from incasso.payments.v1 import payments_pb2 as pb
from libs import context, db
from libs.db import Database
from libs.errors import required
from libs.idempotency import Key
from libs.money import Money
from services.payments import worker
from services.payments.breakers import Breakers
from services.payments.deps import Deps
from services.payments.errors import PaymentNotFound
from services.payments.flows import accounts
from services.payments.flows.create import CreatePayment, Token, create_payment
from services.payments.flows.operations import cancel_payment, capture_payment, refund_payment
from services.payments.flows.webhooks import HandlePspWebhook, handle_psp_webhook
from services.payments.psps import Psps
from services.payments.routing_cache import RoutingCache
from services.payments.rules.domain import Payment
from services.payments.rules.states import AttemptKind, CaptureMode, Initiator
from services.payments.store import payments
from tests.services.payments.grpc_client import MERCHANT, GrpcClient, serving
from tests.services.payments.psp_double import ProcessDied, PspDouble
from tests.services.payments.psp_webhooks import webhook


class Time:
    """The merchant's clock; it can kill the process that asks."""

    def __init__(self) -> None:
        self.ahead = timedelta()
        self.kills = 0

    def now(self) -> datetime:
        if self.kills:
            self.kills -= 1
            if not self.kills:
                raise ProcessDied
        return datetime.now(UTC) + self.ahead

    def kill(self, *, at: int = 1) -> None:
        """Kills at the `at`-th request for the time from now on."""
        self.kills = at


class NoSession:
    async def close(self) -> None:
        pass


def key(text: str, body: str = "body") -> Key:
    return Key(MERCHANT, "Test", text, body.encode().ljust(32))


@dataclass
class World:
    deps: Deps
    db: Database
    time: Time
    psps: dict[str, PspDouble] = field(default_factory=dict)
    account_ids: dict[str, str] = field(default_factory=dict)
    orders: int = 0

    @property
    def a(self) -> PspDouble:
        return self.psps["a"]

    @property
    def b(self) -> PspDouble:
        return self.psps["b"]

    def order(self, **changes: Any) -> CreatePayment:
        """A payment of a new order: A-1001, A-1002, …"""
        self.orders += 1
        cmd = CreatePayment(
            amount=Money(5990, "EUR"),
            order_reference=f"A-{1000 + self.orders}",
            order_part="",
            velocity_subjects=(),
            method="one_click",
            instrument_id="ins_1",
            brand="visa",
            last4="4242",
            country="IT",
            tokens={"a": Token("tok_a", "cus_a"), "b": Token("tok_b", "")},
            capture=CaptureMode.NOW,
            capture_delay=timedelta(),
            customer_id="cus_1",
            initiator=Initiator.CUSTOMER,
            mandate_reference="",
            return_url="https://shop.test/back",
            metadata={"cart": "7"},
            history=None,
            description="Order A-1001",
        )
        return replace(cmd, **changes)

    def act(self, merchant_id: str = MERCHANT, *, caller: str = "oneclick") -> None:
        """Makes this merchant the caller from now on."""
        context.set_current(context.Call(merchant_id=merchant_id, actor="oneclick", caller=caller))

    async def ask(
        self, cmd: CreatePayment, key: Key | None = None, *, deps: Deps | None = None
    ) -> pb.Payment:
        """The answer to a call of CreatePayment."""
        self.act()
        return pb.Payment.FromString(await create_payment(deps or self.deps, cmd, key))

    async def create(self, *, key: Key | None = None, **changes: Any) -> Payment:
        return await self.get((await self.ask(self.order(**changes), key)).id)

    async def hold(self, **changes: Any) -> Payment:
        return await self.create(capture=CaptureMode.MANUAL, **changes)

    async def capture(
        self, payment: Payment, minor: int | None = None, *, key: Key | None = None
    ) -> Payment:
        self.act()
        amount = None if minor is None else payment.money(minor)
        return await self.answered(await capture_payment(self.deps, payment.id, amount, key=key))

    async def cancel(self, payment: Payment, *, key: Key | None = None) -> Payment:
        self.act()
        return await self.answered(await cancel_payment(self.deps, payment.id, key=key))

    async def refund(
        self, payment: Payment, minor: int | None = None, *, key: Key | None = None
    ) -> Payment:
        self.act()
        amount = None if minor is None else payment.money(minor)
        return await self.answered(
            await refund_payment(self.deps, payment.id, amount, reason="returned", key=key)
        )

    async def answered(self, answer: bytes) -> Payment:
        """The payment that an answer names."""
        return await self.get(pb.Payment.FromString(answer).id)

    async def get(self, payment: Payment | str) -> Payment:
        self.act()
        payment_id = payment if isinstance(payment, str) else payment.id
        async with self.db.connection() as conn:
            return required(await payments.get(conn, MERCHANT, payment_id), PaymentNotFound)

    async def only_payment(self) -> Payment:
        ids = await self.rows("SELECT id FROM payments")
        assert len(ids) == 1
        return await self.get(ids[0]["id"])

    async def notice(self, notice: Any, *, account: str = "a") -> bool:
        cmd = HandlePspWebhook(
            self.account_ids[account], webhook(notice), {"signature": f"signed by {account}"}
        )
        before = context.current()
        try:
            return await handle_psp_webhook(self.deps, cmd)
        finally:
            context.set_current(before)

    async def rows(self, sql: str, *args: object) -> list[Any]:
        async with self.db.connection() as conn:
            return await conn.fetch(sql, *args)

    async def attempts(self, kind: AttemptKind | None = None) -> list[Any]:
        rows = await self.rows("SELECT * FROM attempts ORDER BY id")
        return [row for row in rows if kind is None or row["kind"] == kind.value]

    async def subjects(self) -> list[str]:
        rows = await self.rows("SELECT subject FROM outbox ORDER BY seq")
        return [row["subject"].removeprefix("incasso.payments.") for row in rows]

    async def recover(self, *, age: timedelta = timedelta()) -> int:
        """One run of the worker, as if the PSP call's time were over and `age` had passed."""
        await self.rows(
            "UPDATE attempts SET next_recovery_at = now(), started_at = started_at - $1::interval"
            " WHERE next_recovery_at IS NOT NULL",
            age,
        )
        return await worker.recovery(self.deps).run_once()

    async def run_due(self, *, later: timedelta = timedelta()) -> int:
        """One run of the worker for due payments with the merchant's clock `later` ahead."""
        self.time.ahead += later
        await self.rows(
            "INSERT INTO test_clocks VALUES ($1, $2) ON CONFLICT (merchant_id) DO UPDATE"
            " SET clock_offset = EXCLUDED.clock_offset",
            MERCHANT,
            self.time.ahead,
        )
        return await worker.due_payments(self.deps).run_once()


TABLES = (
    "payments",
    "attempts",
    "disputes",
    "psp_accounts",
    "routings",
    "payment_policies",
    "decline_counters",
    "psp_events",
    "outbox",
    "idempotency_keys",
    "test_clocks",
)
EMPTY = "; ".join(f"DELETE FROM {table}" for table in TABLES)


async def open_world(database: Database, folder: Any) -> World:
    time = Time()
    doubles = {name: PspDouble(name) for name in ("a", "b")}
    for double in doubles.values():
        double.die_after = time.kill
    psps = Psps(
        {"double": lambda credentials, _: doubles[credentials["account"]]},
        folder,
        NoSession(),  # type: ignore[arg-type]  # a double needs no HTTP
    )
    deps = Deps(
        db=database,
        psps=psps,
        routing_cache=RoutingCache(database),
        public_url="https://pay.test",
        breakers=Breakers(failures=1000),
        clock=time,  # type: ignore[arg-type]  # a settable clock
    )
    world = World(deps, database, time, doubles)
    world.act()
    for name in doubles:
        (folder / f"{name}.json").write_text(json.dumps({"account": name}))
        cmd = accounts.CreatePspAccount(name, "double", name)
        world.account_ids[name] = (await accounts.create_psp_account(deps, cmd)).account.id
    await world.rows("DELETE FROM outbox")  # events of the set-up
    return world


@pytest.fixture(scope="module")
async def database(new_module_database) -> AsyncIterator[Database]:
    opened = await db.connect(new_module_database("payments"), pool_size=10, service="payments")
    yield opened
    await opened.close()


@pytest.fixture
async def world(database: Database, tmp_path) -> World:
    async with database.connection() as conn:
        await conn.execute(EMPTY)
    return await open_world(database, tmp_path)


@pytest.fixture
async def client(world: World) -> AsyncIterator[GrpcClient]:
    async with serving(world) as opened:
        yield opened
