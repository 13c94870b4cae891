"""Addresses of several servers: a server that is down or a standby is skipped."""

import socket
from contextlib import contextmanager

import asyncpg
import pytest

from libs import bus, db
from tests.kit.connections import connected


@contextmanager
def silent_host():
    """Accepts connections and never answers, like a hung machine."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"127.0.0.1:{server.getsockname()[1]}"


def several(url, *others):
    auth, _, rest = url.partition("@")
    return f"{auth}@{','.join(others)},{rest}?target_session_attrs=read-write"


async def test_a_silent_host_is_skipped(new_database):
    with silent_host() as silent:
        database = await db.connect(several(new_database(), silent), pool_size=2, service="libs")
        async with database.connection() as one, database.connection() as other:
            assert await one.fetchval("SELECT 1") == await other.fetchval("SELECT 1")
        await database.close()


async def test_a_read_only_host_is_rejected(new_database):
    url = new_database()
    name = url.rpartition("/")[2]
    async with connected(url) as admin:
        await admin.execute(f'ALTER DATABASE "{name}" SET default_transaction_read_only = on')
    with pytest.raises(asyncpg.InternalClientError, match="read_write"):
        await db.open_connection(f"{url}?target_session_attrs=read-write")


@pytest.mark.parametrize(
    ("url", "servers", "credentials"),
    [
        ("nats://one:4222", ["nats://one:4222"], {"token": None}),
        (
            "nats://pay:s3cret@one:4222,two:4223",
            ["nats://one:4222", "nats://two:4223"],
            {"user": "pay", "password": "s3cret"},
        ),
        (
            "tls://pay:s3cret@one:4222,tls://two:4223",
            ["tls://one:4222", "tls://two:4223"],
            {"user": "pay", "password": "s3cret"},
        ),
        ("nats://token@one:4222", ["nats://one:4222"], {"token": "token"}),
    ],
)
def test_credentials_apply_to_every_node(url, servers, credentials):
    assert bus.servers(url) == {"servers": servers, **credentials}


@pytest.mark.parametrize("unsettled", bus.UNSETTLED)
async def test_a_request_to_a_cluster_without_a_leader_is_retried(unsettled):
    answers = iter([unsettled(), unsettled(), None])

    async def ask():
        if error := next(answers):
            raise error

    await bus.once_available(ask)
    assert list(answers) == []
