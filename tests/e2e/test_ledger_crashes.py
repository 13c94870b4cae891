"""reporting, NATS or PostgreSQL is killed while a batch of events is being booked: the ledger agrees with the PSP's books.

The batch's transaction waits for a lock that the test holds, while its process, NATS or its database is killed.
"""

import asyncio
import json
import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta

import pytest

from services.reporting.rebuild_worker import LEDGER_SUBJECTS
from services.reporting.store.books import LOCK
from stack.demo_merchant import sandbox_accounts
from stack.ledger import ledger
from tests.e2e.conftest import RECOVERED_WITHIN_SECONDS, open_shop, until_back
from tests.kit.connections import connected, until_locked_out
from tests.waiting import until

WAITS = """
SELECT count(*) FROM pg_locks
WHERE locktype = 'advisory' AND objid = $1 AND NOT granted AND mode = 'ShareLock'"""
LOGS = {subject.split(".")[1] for subject in LEDGER_SUBJECTS}


@pytest.fixture(scope="module")
async def opened_shop(stack):
    """A merchant with its own charges, none of them in progress."""
    async with open_shop(stack, "Libro") as pair:
        yield pair


@pytest.fixture
def own_shop(opened_shop):
    return opened_shop[0]


@pytest.fixture
def own_merchant(opened_shop):
    return opened_shop[1]


@pytest.mark.parametrize("killed", ["reporting", "nats", "postgres"])
async def test_the_ledger_agrees_with_the_psp_after_a_kill_during_a_batch(stack, own_shop, killed):
    customer = await until_back(lambda: own_shop.customer("tok_visa"))
    async with connected(stack.database_url("reporting")) as holding:
        await holding.execute("SELECT pg_advisory_lock($1)", LOCK)
        made = await asyncio.gather(*(own_shop.one_click(customer, 1000 + n) for n in range(8)))
        await until(lambda: holding.fetchval(WAITS, LOCK))
        stack.kill(killed)

    async def refunded():
        path = f"/v1/payments/{made[0].body['id']}/refund"
        answer = await own_shop.call("POST", path, {}, key=f"back-{killed}")
        return answer.expect(200)["refunded_minor"]

    assert await until_back(refunded, within_seconds=RECOVERED_WITHIN_SECONDS) == 1000
    found = await until_back(settled(own_shop), within_seconds=RECOVERED_WITHIN_SECONDS)
    assert found.receivables["sandbox-a EUR"] % sum(1000 + n for n in range(1, 8)) == 0


def settled(shop):
    async def balanced():
        """What PSPs owe in the ledger is what their own books say."""
        found = await ledger(shop, sandbox_accounts("-libro"))
        return found if not found.differences else None

    return balanced


_PAYOUTS = "SELECT FROM open_items WHERE merchant_id = $1 AND kind = 'payout' FOR UPDATE"


@pytest.mark.parametrize("during", ["import", "run"])
@pytest.mark.parametrize("killed", ["reporting", "nats", "postgres"])
async def test_an_import_or_run_completes_after_a_kill(
    stack, own_shop, own_merchant, killed, during
):
    account = "sandbox-a-libro"
    customer = await until_back(lambda: own_shop.customer("tok_visa"))
    (await own_shop.one_click(customer, 4321)).expect(201)
    report = await until_back(lambda: paid_out(own_shop, account))
    await until_back(lambda: imported(own_shop, report, "?psp_account=sandbox-a"))
    statement = await statement_of(own_shop, account)
    url = stack.database_url("reporting")
    async with connected(url) as holding, connected(url) as watching:
        await holding.execute("BEGIN")
        if during == "import":
            await holding.execute("SELECT pg_advisory_xact_lock($1)", LOCK)
        else:
            await until(lambda: holding.fetch(_PAYOUTS, own_merchant.merchant_id))
        uploading = asyncio.create_task(until_back(lambda: imported(own_shop, statement)))
        await until_locked_out(watching)
        await until(lambda: stack.process(killed).pid, despite=(ProcessLookupError,))
        stack.kill(killed)
    await uploading

    async def cleared():
        (await own_shop.call("POST", "/v1/reconciliation/runs", {})).expect(200)
        found = await ledger(own_shop, sandbox_accounts("-libro"))
        in_transit = [each for each in found.accounts if each["account"] == "bank_in_transit"]
        return not found.differences and not any(each["balance_minor"] for each in in_transit)

    assert await until_back(cleared, within_seconds=RECOVERED_WITHIN_SECONDS)


async def imported(shop, data, asked=""):
    return (await shop.upload(f"/v1/reconciliation/imports{asked}", data)).expect(200)


async def paid_out(shop, account):
    """The report of a payout of all charges; its webhooks are still on their way."""
    url = f"{shop.sandbox_url}/control/payouts"
    async with shop.http.post(url, json={"account": account}) as answer:
        answer.raise_for_status()
    headers = {"Authorization": f"Bearer sandbox_sk_{account}"}
    url = f"{shop.sandbox_url}/psp/{account}/settlements/report"
    async with shop.http.get(url, params={"dialect": "stripe"}, headers=headers) as answer:
        answer.raise_for_status()
        return await answer.read()


async def statement_of(shop, account):
    days = {"from": f"{datetime.now(UTC) - timedelta(days=1):%Y-%m-%d}", "payouts_of": account}
    url = f"{shop.sandbox_url}/bank/accounts/IT60X0542811101000000123456/statement"
    async with shop.http.get(url, params={**days, "format": "camt.053"}) as answer:
        answer.raise_for_status()
        return await answer.read()


async def test_the_ledger_agrees_with_the_events_after_all_crashes(stack):
    """Checks every merchant that the tests have created on this stack so far."""
    urls = {f"INCASSO_{name.upper()}_DATABASE_URL": stack.database_url(name) for name in LOGS}
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "cli", "ledger", "check", "--json"),
        env={**os.environ, **urls, "INCASSO_DATABASE_URL": stack.database_url("reporting")},
        stdout=subprocess.PIPE,
    )
    out, _ = await process.communicate()
    found = json.loads(out)
    assert (process.returncode, found["differences"], found["first"]) == (0, {}, [])
    assert found["entries"] > 0
