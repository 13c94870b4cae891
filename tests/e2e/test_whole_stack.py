"""The whole stack, started as by `make up`: the demo passes, and a restart changes nothing."""

import asyncio
import io
import json
import os
import signal
import subprocess
import sys

import aiohttp
import pytest
from rich.console import Console

from stack.day_end import PLANTED
from stack.demo import run_demo
from stack.demo_merchant import create_merchant, ensure_demo_merchant, read_demo_env
from tests.waiting import HANGING_SECONDS


async def get(url: str, secret_key: str, path: str) -> tuple[int, dict]:
    headers = {"Authorization": f"Bearer {secret_key}"}
    async with (
        aiohttp.ClientSession(headers=headers) as session,
        session.get(url + path) as answer,
    ):
        return answer.status, await answer.json()


async def test_the_demo_passes_all_its_checks(stack, demo_merchant, tmp_path):
    out = io.StringIO()
    report = tmp_path / "demo.json"
    held = await run_demo(
        Console(file=out, width=160),
        url=stack.url,
        secret_key=demo_merchant.secret_key,
        lender_key=demo_merchant.lender_key,
        sandbox_url=stack.sandbox_url,
        localstripe_url=stack.localstripe_url,
        report=report,
    )
    assert held, out.getvalue()
    result = json.loads(report.read_text())
    assert result["payments_compared"] == 14
    day = result["reconciliation"]
    assert sorted(each["type"] for each in day["exceptions"]) == sorted(PLANTED)
    assert day["trace_url"].startswith(stack.sandbox_url)
    used = {row["account"] for row in result["trial_balance"]}
    assert {"psp_receivable", "courier_receivable", "customer_receivable", "sales"} <= used


async def test_the_demo_merchant_is_created_once(stack, demo_merchant):
    assert await ensure_demo_merchant(stack) == demo_merchant
    stored = read_demo_env(stack.folders.demo_env)
    assert stored["INCASSO_URL"] == stack.url
    assert stored["INCASSO_SECRET_KEY"] == demo_merchant.secret_key
    assert stack.folders.demo_env.stat().st_mode & 0o077 == 0


async def test_the_demo_merchant_offers_the_expected_courier_for_each_postcode(
    stack, demo_merchant
):
    path = "/v1/cod-offers?amount_minor=5990&currency=EUR&country=IT"
    for place, courier in (("", "BRT"), ("&postcode=20121", "GLS")):  # who serves some places only
        status, found = await get(stack.url, demo_merchant.secret_key, path + place)
        assert status == 200
        first, *_ = found["data"]
        assert (first["available"], first["courier"]) == (True, courier)


@pytest.mark.usefixtures("demo_merchant")
async def test_the_operators_command_works_with_the_settings_in_demo_env(stack):
    """Uses its key, its certificate, and the databases of its jobs."""
    rows = await _cli(stack, "health")
    assert {row["state"] for row in rows} == {"serving"}
    assert "payments" in {row["service"] for row in rows}
    assert (await _cli(stack, "ledger", "check"))["differences"] == {}
    assert "by_type" in await _cli(stack, "reconciliation", "run")


async def _cli(stack, *command):
    env = {**os.environ, **read_demo_env(stack.folders.demo_env)}
    line = (sys.executable, "-m", "cli", *command, "--json")
    process = await asyncio.create_subprocess_exec(*line, env=env, stdout=subprocess.PIPE)
    out, _ = await process.communicate()
    assert process.returncode == 0, out
    return json.loads(out)


async def test_a_second_merchant_has_its_own_psp_accounts(stack, demo_merchant):
    other = await create_merchant(stack, "Other", suffix="-other")
    _, ours = await get(stack.url, demo_merchant.secret_key, "/v1/psp-accounts")
    status, theirs = await get(stack.url, other.secret_key, "/v1/psp-accounts")
    assert status == 200
    assert [account["name"] for account in theirs["data"]] == ["sandbox-a", "sandbox-b", "stripe"]
    ids = [{account["id"] for account in listed["data"]} for listed in (ours, theirs)]
    assert not ids[0] & ids[1]


async def test_a_killed_service_is_restarted_automatically(stack, demo_merchant):
    before = stack.process("payments").starts
    stack.kill("payments", signal.SIGKILL)
    async with asyncio.timeout(HANGING_SECONDS):
        while stack.process("payments").starts == before:  # noqa: ASYNC110 - another process
            await asyncio.sleep(0.05)
        await stack.process("payments").wait_ready()
        while (await get(stack.url, demo_merchant.secret_key, "/v1/payments"))[0] != 200:  # noqa: ASYNC110 - same
            await asyncio.sleep(0.2)
    assert "payments ended (killed by SIGKILL): starting it again" in stack.events
