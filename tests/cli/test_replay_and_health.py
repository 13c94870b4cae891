"""`incasso events replay`, `incasso health`, and the command as a process."""

import asyncio
import json
import os
import sys
from datetime import UTC, datetime, timedelta

import pytest

from libs import db, outbox
from libs.outbox import NewEvent
from libs.services import NAMES
from tests.cli.conftest import Command
from tests.conftest import ROOT
from tests.services.merchants.conftest import authenticate

MIDNIGHT = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
DAY = timedelta(days=1)
RANGE = (
    "--from",
    f"{MIDNIGHT - 5 * DAY:%Y-%m-%d}",
    "--until",
    f"{MIDNIGHT - 4 * DAY:%Y-%m-%dT%H:%M:%SZ}",
)


@pytest.fixture
async def log(new_database):
    """A database of merchants with three published events, two of them in RANGE."""
    url = new_database("merchants")
    database = await db.connect(url, pool_size=2, service="test")
    days = {"merchant.created": 6, "api_key.created": 5, "merchant.updated": 5}
    async with database.transaction() as tx:
        for what, day in days.items():
            at = MIDNIGHT - day * DAY + DAY / 2
            event = NewEvent("mer_1", "mer_1", f"incasso.merchants.{what}", b"", at)
            await outbox.append(tx, event)
        await tx.execute("UPDATE outbox SET recorded_at = occurred_at, published_at = now()")
    yield url, database
    await database.close()


async def waiting(database) -> set[str]:
    async with database.connection() as conn:
        rows = await conn.fetch("SELECT subject FROM outbox WHERE published_at IS NULL")
    return {row["subject"] for row in rows}


async def test_a_replay_requeues_only_the_events_in_its_range(log):
    url, database = log
    done = await Command({"INCASSO_DATABASE_URL": url})(
        "events", "replay", "--service", "merchants", *RANGE
    )
    assert done.exit_code == 0, done.output
    assert "2 events" in done.stdout
    assert await waiting(database) == {
        "incasso.merchants.api_key.created",
        "incasso.merchants.merchant.updated",
    }


async def test_a_subject_narrows_a_replay(log):
    url, database = log
    answer = await Command({"INCASSO_MERCHANTS_DATABASE_URL": url}).json(
        "events", "replay", "--service", "merchants", *RANGE,
        "--subject", "incasso.merchants.api_key.",
    )  # fmt: skip
    assert answer == {"events": 1}
    assert await waiting(database) == {"incasso.merchants.api_key.created"}


async def test_events_past_deduplication_are_replayed_only_with_handled_again(log):
    url, _ = log
    old = ("--service", "merchants", "--from", "2020-01-01", *RANGE[2:])
    command = Command({"INCASSO_DATABASE_URL": url})
    refused = await command("events", "replay", *old)
    assert refused.exit_code == 1
    assert "--handled-again" in refused.stderr
    assert await command.json("events", "replay", *old, "--handled-again") == {"events": 3}


async def test_another_services_database_is_refused(log):
    url, database = log
    done = await Command({"INCASSO_DATABASE_URL": url})(
        "events", "replay", "--service", "payments", *RANGE
    )
    assert done.exit_code == 1
    assert "it belongs to merchants" in done.stderr
    assert await waiting(database) == set()


async def test_a_database_of_no_service_is_refused(new_database):
    command = Command({"INCASSO_DATABASE_URL": new_database()})
    done = await command("events", "replay", "--service", "payments", *RANGE)
    assert done.exit_code == 1
    assert "it belongs to no service" in done.stderr


@pytest.mark.parametrize(
    ("url", "dates", "code"),
    [
        ("postgresql://127.0.0.1:1/x", RANGE, 3),
        ("postgresql://127.0.0.1:1/x", (*RANGE[:3], RANGE[1]), 1),
        ("", RANGE, 78),
    ],
)
async def test_a_failed_replay_exits_with_a_next_step(url: str, dates, code: int):
    done = await Command({"INCASSO_DATABASE_URL": url})(
        "events", "replay", "--service", "merchants", *dates
    )
    assert done.exit_code == code
    assert "Next:" in done.stderr


async def test_set_aside_events_are_listed_and_released(log):
    url, database = log
    async with database.connection() as conn:
        await conn.execute(
            "UPDATE outbox SET published_at = NULL, set_aside_at = now(), tries = 5,"
            " error = 'MaxPayloadError' WHERE subject LIKE '%api_key%'"
        )
    command = Command({"INCASSO_DATABASE_URL": url})
    shown = await command("events", "set-aside", "--service", "merchants")
    assert "incasso.merchants.api_key.created" in shown.stdout
    assert "MaxPayloadError" in shown.stdout
    listed = await command.json("events", "set-aside", "--service", "merchants")
    (event,) = listed["data"]
    answer = await command.json(
        "events", "release", "--service", "merchants", "--event", event["event_id"]
    )
    assert answer == {"events": 1}
    again = await command("events", "release", "--service", "merchants", "--all")
    assert "0 events" in again.stdout
    assert (await command.json("events", "set-aside", "--service", "merchants"))["data"] == []


async def test_a_release_that_names_no_events_is_refused(log):
    done = await Command({"INCASSO_DATABASE_URL": log[0]})(
        "events", "release", "--service", "merchants"
    )
    assert done.exit_code == 1
    assert "--all" in done.stderr


async def test_health_asks_every_replica(merchants, payments, free_port):
    two = f"ipv4:{merchants.target},127.0.0.1:{free_port()}"
    command = Command({"INCASSO_MERCHANTS_TARGET": two, "INCASSO_PAYMENTS_TARGET": payments[1]})
    done = await command("health")
    assert done.exit_code == 1
    assert done.stdout.count("serving") == 2
    assert done.stdout.count("no answer") == 1
    assert done.stdout.count("not set") == len(NAMES) - 2


async def test_health_succeeds_when_every_configured_service_is_serving(merchants):
    rows = await Command({"INCASSO_MERCHANTS_TARGET": merchants.target}).json("health")
    assert [row["service"] for row in rows] == list(NAMES)
    assert [row["state"] for row in rows if row["state"] != "not set"] == ["serving"]


async def test_health_without_any_target_is_a_configuration_error():
    assert (await Command({})("health")).exit_code == 78


async def test_the_command_runs_as_a_process(merchants):
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "cli", "merchants", "create", "Bottega"),
        *("--country", "IT", "--currency", "EUR", "--json"),
        cwd=ROOT,
        env={**os.environ, "INCASSO_MERCHANTS_TARGET": merchants.target},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    output, errors = await process.communicate()
    assert (process.returncode, errors) == (0, b"")
    secret = json.loads(output)["api_keys"][0]["secret"]
    assert (await authenticate(merchants, secret)).merchant_id
