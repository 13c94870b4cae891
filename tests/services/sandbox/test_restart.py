"""The process itself: killed and started again on the same folder."""

import asyncio
import os
import signal
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from email.message import EmailMessage
from pathlib import Path

import aiohttp
import aiosmtplib

from tests.waiting import HANGING_SECONDS, until

HEADERS = {"Authorization": "Bearer sandbox_sk_sandbox-a"}
MANY = 50
CHARGE = {"amount_minor": 5990, "currency": "EUR", "token": "tok_visa", "capture": True}


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


@asynccontextmanager
async def process(
    port: int, folder: Path, smtp_port: int | None = None
) -> AsyncIterator[asyncio.subprocess.Process]:
    environment = os.environ | {
        "INCASSO_HTTP_PORT": str(port),
        "INCASSO_SANDBOX_DATA": str(folder),
    }
    if smtp_port is not None:
        environment["INCASSO_SANDBOX_SMTP_PORT"] = str(smtp_port)
    child = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "services.sandbox", env=environment,
        stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL,
    )  # fmt: skip
    try:
        await ready(port)
        yield child
    finally:
        if child.returncode is None:
            child.kill()
        await child.wait()


async def ready(port: int) -> None:
    async with asyncio.timeout(HANGING_SECONDS), aiohttp.ClientSession() as session:
        while True:
            try:
                async with session.get(f"http://127.0.0.1:{port}/healthz/ready") as answer:
                    if answer.status == 200:
                        return
            except aiohttp.ClientError:
                await asyncio.sleep(0.05)


async def charge(session: aiohttp.ClientSession, port: int, key: str) -> aiohttp.ClientResponse:
    answer = await session.post(
        f"http://127.0.0.1:{port}/psp/sandbox-a/charges",
        json=CHARGE,
        headers=HEADERS | {"Idempotency-Key": key},
    )
    await answer.read()
    return answer


async def test_answered_charges_survive_a_kill_under_load(tmp_path):
    port, answered = free_port(), {}

    async def charge_until_it_dies(session: aiohttp.ClientSession, lane: int) -> None:
        for number in range(10_000):
            key = f"att_{lane}_{number}"
            try:
                answer = await charge(session, port, key)
            except aiohttp.ClientError:
                return
            answered[key] = (await answer.json())["id"]

    async with process(port, tmp_path) as child, aiohttp.ClientSession() as session:
        lanes = [asyncio.create_task(charge_until_it_dies(session, lane)) for lane in range(8)]
        await until(lambda: len(answered) > MANY)
        os.kill(child.pid, signal.SIGKILL)
        await asyncio.gather(*lanes)

    async with process(port, tmp_path), aiohttp.ClientSession() as session:
        async with session.get(f"http://127.0.0.1:{port}/books/charges") as answer:
            books = {row["key"]: row["id"] for row in (await answer.json())["data"]}
        assert answered.items() <= books.items()
        key, charge_id = next(iter(answered.items()))
        again = await charge(session, port, key)
        assert again.headers["Idempotent-Replayed"] == "true"
        assert (await again.json())["id"] == charge_id


async def test_taken_mail_survives_a_kill(tmp_path):
    port, smtp_port = free_port(), free_port()
    mail = EmailMessage()
    mail["Subject"] = "Ciao"
    async with process(port, tmp_path, smtp_port) as child:
        await aiosmtplib.send(
            mail, sender="a@x.example", recipients=["b@x.example"], start_tls=False,
            hostname="127.0.0.1", port=smtp_port,
        )  # fmt: skip
        os.kill(child.pid, signal.SIGKILL)
    async with (
        process(port, tmp_path, smtp_port),
        aiohttp.ClientSession() as session,
        session.get(f"http://127.0.0.1:{port}/inbox/messages") as answer,
    ):
        assert [mail["to"] for mail in (await answer.json())["data"]] == ["b@x.example"]


async def test_sigterm_ends_the_process_in_good_order(tmp_path):
    port, smtp_port = free_port(), free_port()
    async with process(port, tmp_path, smtp_port) as child:
        _, idle_client = await asyncio.open_connection("127.0.0.1", smtp_port)
        child.send_signal(signal.SIGTERM)
        async with asyncio.timeout(HANGING_SECONDS):
            assert await child.wait() == 0
        idle_client.close()
