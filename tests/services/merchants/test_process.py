"""The real process: schema check, health, a key's whole life, events on NATS, and a clean stop."""

import asyncio
import os
import subprocess
import sys

import aiohttp
import nats
import pytest

from incasso.merchants.v1 import events_pb2
from incasso.merchants.v1 import merchants_pb2 as pb
from incasso.merchants.v1.merchants_pb2_grpc import MerchantsServiceStub
from libs import client
from tests.conftest import ROOT
from tests.kit.processes import Process
from tests.waiting import HANGING_SECONDS, until

COMMAND = [sys.executable, "-m", "services.merchants"]


@pytest.fixture
def environment(nats_url, free_port):
    ports = {"INCASSO_GRPC_PORT": str(free_port()), "INCASSO_ADMIN_PORT": str(free_port())}
    return {**os.environ, **ports, "INCASSO_NATS_URL": nats_url}


@pytest.fixture
async def process(environment, new_database, new_processes, tmp_path) -> Process:
    """Starts before its migrations have run, and waits for them."""
    environment["INCASSO_DATABASE_URL"] = new_database()
    environment["INCASSO_STARTUP_WAIT_SECONDS"] = str(HANGING_SECONDS)
    starting = asyncio.create_task(new_processes("merchants", environment).start())
    log = tmp_path / "merchants-1.log"
    await until(lambda: log.exists() and "lacks 0001_pre" in log.read_text())
    migrating = await asyncio.create_subprocess_exec(*COMMAND, "migrate", cwd=ROOT, env=environment)
    assert await migrating.wait() == 0
    return await starting


async def test_it_serves_publishes_and_stops_when_asked(environment, process):
    admin = f"http://127.0.0.1:{environment['INCASSO_ADMIN_PORT']}"
    bus = await nats.connect(environment["INCASSO_NATS_URL"])
    subscription = await bus.subscribe("incasso.merchants.>")
    await bus.flush()
    async with (
        client.channel(f"127.0.0.1:{environment['INCASSO_GRPC_PORT']}") as channel,
        aiohttp.ClientSession() as http,
    ):
        stub = MerchantsServiceStub(channel)
        request = pb.CreateMerchantRequest(name="Bottega", country="IT", default_currency="EUR")
        made = await client.call(stub.CreateMerchant, request, timeout_seconds=HANGING_SECONDS)
        question = pb.AuthenticateKeyRequest(secret=made.api_keys[0].secret)
        found = await client.call(stub.AuthenticateKey, question, timeout_seconds=HANGING_SECONDS)
        assert found.merchant_id == made.merchant.id
        message = await subscription.next_msg(timeout=HANGING_SECONDS)
        assert message.subject == "incasso.merchants.merchant.created"
        event = events_pb2.MerchantCreated.FromString(message.data)
        assert event.merchant.id == made.merchant.id
        async with http.get(f"{admin}/healthz/ready") as ready:
            assert ready.status == 200
        async with http.get(f"{admin}/metrics") as metrics:
            text = await metrics.text()
            assert "incasso_rpc_seconds" in text
            assert "incasso_loop_lag_seconds" in text
    await bus.close()
    assert await process.end() == 0, process.output
    assert '"event": "serving"' in process.output
    assert made.api_keys[0].secret not in process.output


def test_it_refuses_to_start_without_its_schema(environment, new_database):
    environment["INCASSO_DATABASE_URL"] = new_database()
    done = subprocess.run(
        COMMAND, cwd=ROOT, env=environment, check=False, capture_output=True, text=True, timeout=60
    )
    assert done.returncode != 0
    assert "run: python -m services.merchants migrate" in done.stdout + done.stderr


def test_it_says_which_setting_is_missing(environment):
    environment.pop("INCASSO_GRPC_PORT")
    environment["INCASSO_DATABASE_URL"] = "postgresql://nowhere/merchants"
    done = subprocess.run(
        COMMAND, cwd=ROOT, env=environment, check=False, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 78
    assert "INCASSO_GRPC_PORT" in done.stderr
