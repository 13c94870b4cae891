"""The process itself: killed and restarted on the same folder."""

import asyncio
import json
import os
import signal
from email.message import EmailMessage

import aiohttp
import aiosmtplib
import pytest

from tests.kit.processes import Process
from tests.waiting import HANGING_SECONDS, until

HEADERS = {"Authorization": "Bearer sandbox_sk_sandbox-a"}
MANY = 50
CHARGE = {"amount_minor": 5990, "currency": "EUR", "token": "tok_visa", "capture": True}


@pytest.fixture
def start(new_processes, free_port, tmp_path):
    """`await start()`, any number of times on the same folder: the process, its ports."""
    port, smtp_port = free_port(), free_port()
    sandbox = new_processes(
        "sandbox",
        os.environ
        | {
            "INCASSO_HTTP_PORT": str(port),
            "INCASSO_SANDBOX_DATA": str(tmp_path),
            "INCASSO_SANDBOX_SMTP_PORT": str(smtp_port),
        },
    )

    async def started(*, forked: bool = True) -> tuple[Process, int, int]:
        process = await sandbox.start(forked=forked)
        await ready(port)
        return process, port, smtp_port

    return started


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


async def test_answered_charges_survive_a_kill_under_load(start):
    child, port, _ = await start()
    answered = {}

    async def charge_until_it_dies(session: aiohttp.ClientSession, lane: int) -> None:
        for number in range(10_000):
            key = f"att_{lane}_{number}"
            try:
                answer = await charge(session, port, key)
            except aiohttp.ClientError:
                return
            answered[key] = (await answer.json())["id"]

    async with aiohttp.ClientSession() as session:
        lanes = [asyncio.create_task(charge_until_it_dies(session, lane)) for lane in range(8)]
        await until(lambda: len(answered) > MANY)
        await child.end(signal.SIGKILL)
        await asyncio.gather(*lanes)

    await start()
    async with aiohttp.ClientSession() as session:
        async with session.get(f"http://127.0.0.1:{port}/books/charges") as answer:
            books = {row["key"]: row["id"] for row in (await answer.json())["data"]}
        assert answered.items() <= books.items()
        key, charge_id = next(iter(answered.items()))
        again = await charge(session, port, key)
        assert again.headers["Idempotent-Replayed"] == "true"
        assert (await again.json())["id"] == charge_id


async def test_accepted_mail_survives_a_kill(start):
    mail = EmailMessage()
    mail["Subject"] = "Ciao"
    child, port, smtp_port = await start()
    await aiosmtplib.send(
        mail, sender="a@x.example", recipients=["b@x.example"], start_tls=False,
        hostname="127.0.0.1", port=smtp_port,
    )  # fmt: skip
    await child.end(signal.SIGKILL)
    await start()
    async with (
        aiohttp.ClientSession() as session,
        session.get(f"http://127.0.0.1:{port}/inbox/messages") as answer,
    ):
        assert [mail["to"] for mail in (await answer.json())["data"]] == ["b@x.example"]


async def test_a_couriers_parcels_and_remittances_survive_a_kill(start):
    """Its money is neither lost nor paid out twice, and its lists do not change."""

    async def call(method: str, path: str, **body: object) -> bytes:
        url = f"http://127.0.0.1:{port}/{path}"
        async with aiohttp.request(method, url, json=body or None) as answer:
            assert answer.status < 300
            return await answer.read()

    child, port, _ = await start()
    parcels = [{"reference": f"O-{n}", "amount_minor": 50_00} for n in range(3)]
    await call("POST", "courier/gls/manifests", parcels=parcels)
    for number in (1, 2):
        await call("POST", f"control/couriers/gls/parcels/SBX{number:09d}/deliver")
    await call("POST", "control/couriers/gls/remittances", errors={"short_minor": 1_00})
    kept = ("parcels", "manifest-file", "event-file", "remittances/1")
    before = {name: await call("GET", f"courier/gls/{name}") for name in kept}
    await child.end(signal.SIGKILL)
    await start()
    assert {name: await call("GET", f"courier/gls/{name}") for name in kept} == before
    again = json.loads(await call("POST", "control/couriers/gls/remittances"))
    assert (again["number"], again["lines"]) == (2, 0)


async def test_sigterm_exits_cleanly_despite_an_idle_smtp_client(start):
    child, _, smtp_port = await start(forked=False)
    _, idle_client = await asyncio.open_connection("127.0.0.1", smtp_port)
    assert await child.end() == 0
    idle_client.close()
