"""The real process against the sandbox: killed during charges, it finds their true outcomes."""

import asyncio
import json
import os
import signal
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from incasso.payments.v1 import payments_pb2 as pb
from incasso.payments.v1.payments_pb2_grpc import PaymentsServiceStub
from libs import client, context
from libs.errors import OutcomeUnknown
from services.sandbox.app import build_app
from services.sandbox.config import Config
from tests.kit.connections import connected
from tests.kit.processes import Processes
from tests.services.payments.grpc_client import EUR_59_90, MERCHANT
from tests.waiting import HANGING_SECONDS, until


@pytest.fixture
async def sandbox(tmp_path: Path) -> AsyncIterator[str]:
    config = Config(sandbox_data=tmp_path / "sandbox", sandbox_webhook_delay_seconds=0.01)
    runner = web.AppRunner(build_app(config), access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    await runner.cleanup()


@pytest.fixture
def processes(tmp_path, nats_url, free_port, new_database, sandbox, new_processes) -> Processes:
    credentials = {
        "base_url": sandbox,
        "account": "sandbox-a",
        "secret_key": "sandbox_sk_sandbox-a",
        "webhook_secret": "secret",
    }
    (tmp_path / "sandbox-a.json").write_text(json.dumps(credentials))
    environment = {
        **os.environ,
        "INCASSO_GRPC_PORT": str(free_port()),
        "INCASSO_ADMIN_PORT": str(free_port()),
        "INCASSO_NATS_URL": nats_url,
        "INCASSO_DATABASE_URL": new_database("payments"),
        "INCASSO_PUBLIC_URL": "http://127.0.0.1:8080",
        "INCASSO_PSP_CREDENTIALS_DIR": str(tmp_path),
    }
    return new_processes("payments", environment)


async def call(target: str, rpc: str, *, key: str = "", **fields: Any) -> Any:
    context.set_current(context.Call(merchant_id=MERCHANT, actor="test"))
    async with client.channel(target) as channel:
        method = getattr(PaymentsServiceStub(channel), rpc)
        request = getattr(pb, f"{rpc}Request")(**fields)
        return await client.call(
            method, request, timeout_seconds=HANGING_SECONDS, idempotency_key=key
        )


async def pay(target: str, key: str) -> pb.Payment | None:
    token = pb.InstrumentToken(psp_account="sandbox-a", token="tok_visa")
    try:
        answer = await call(
            target,
            "CreatePayment",
            key=key,
            amount=EUR_59_90,
            order_reference=key,
            method="one_click",
            instrument=pb.Instrument(instrument_id="ins_1", tokens=[token]),
        )
    except OutcomeUnknown:
        return None
    return answer.payment


async def read(url: str) -> Any:
    async with aiohttp.ClientSession() as http, http.get(url) as answer:
        answer.raise_for_status()
        return await answer.json()


async def slow_down(sandbox: str, operation: str, kind: str, seconds: float) -> None:
    rule = {"operation": operation, "kind": kind, "seconds": seconds, "probability": 1}
    async with aiohttp.ClientSession() as http:
        url = f"{sandbox}/control/faults"
        async with http.put(url, json={"rules": [rule], "seed": 1}) as answer:
            answer.raise_for_status()


async def at_the_psp(sandbox: str, count: int) -> bool:
    """Whether `count` calls have reached the sandbox, which delays them."""
    (rule,) = (await read(f"{sandbox}/control/faults"))["rules"]
    return bool(rule["taken"] == count)


async def until_all(target: str, state: int, count: int) -> list[pb.Payment]:
    async with asyncio.timeout(HANGING_SECONDS):
        while True:
            found = (await call(target, "ListPayments")).data
            if len(found) == count and all(payment.state == state for payment in found):
                return list(found)
            await asyncio.sleep(0.2)


async def open_account(target: str) -> None:
    fields = {"name": "sandbox-a", "psp": "sandbox", "credentials": "sandbox-a"}
    await call(target, "CreatePspAccount", **fields)


async def test_shutdown_waits_for_psp_calls_to_be_recorded_even_if_the_caller_left(
    processes: Processes, sandbox: str
):
    process = await processes.start()
    await open_account(processes.target)
    await slow_down(sandbox, "charge", "latency", 2)
    waiting = asyncio.create_task(pay(processes.target, "waits"))
    leaving = asyncio.create_task(pay(processes.target, "leaves"))
    await until(lambda: at_the_psp(sandbox, 2))
    process.send(signal.SIGTERM)
    leaving.cancel()
    paid = await waiting
    assert paid is not None
    assert paid.state == pb.Payment.STATE_CAPTURED
    assert await process.wait() == 0, process.output
    async with connected(processes.environment["INCASSO_DATABASE_URL"]) as conn:
        rows = await conn.fetch("SELECT state, psp_reference FROM attempts")
    books = (await read(f"{sandbox}/books/charges"))["data"]
    assert {("approved", charge["id"]) for charge in books} == {tuple(row) for row in rows}
    assert len(rows) == 2


async def test_a_killed_process_recovers_its_charges_and_charges_each_once(
    processes: Processes, sandbox: str
):
    process = await processes.start()
    await open_account(processes.target)
    made = await pay(processes.target, "before")
    assert made is not None
    assert made.state == pb.Payment.STATE_CAPTURED

    await slow_down(sandbox, "charge", "latency", 3)
    charges = [asyncio.create_task(pay(processes.target, f"k{number}")) for number in range(8)]
    await until(lambda: at_the_psp(sandbox, 8))
    await process.end(signal.SIGKILL)
    assert await asyncio.gather(*charges) == [None] * 8

    process = await processes.start()
    found = await until_all(processes.target, pb.Payment.STATE_CAPTURED, 9)
    books = (await read(f"{sandbox}/books/charges"))["data"]
    assert sorted(charge["captured_minor"] for charge in books) == [5990] * 9
    assert {payment.psp_reference for payment in found} == {charge["id"] for charge in books}
    assert await process.end() == 0


async def test_it_does_not_start_on_an_old_schema(processes: Processes, new_database):
    processes.environment["INCASSO_DATABASE_URL"] = new_database()
    code, output = await processes.refused()
    assert code != 0
    assert "python -m services.payments migrate" in output
