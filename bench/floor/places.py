"""Shared by the roles of the bare walk: where each listens, and how they reach each other."""

import json
import uuid
from dataclasses import dataclass
from typing import Any, Final

import asyncpg
import grpc
from aiohttp import web

from libs import client

HOST: Final = "127.0.0.1"
TIMEOUT_SECONDS: Final = 30.0
POOL_SIZE: Final = 10
STREAM: Final = "floor"
SUBJECT: Final = "floor.captured"
# As long as the caller's and the merchant's tokens, and a row's other columns.
TOKENS: Final = (("floor-caller-token", "x" * 200), ("floor-merchant-token", "x" * 200))
BODY: Final = json.dumps({"text": "x" * 300})


@dataclass(frozen=True)
class Places:
    """URLs of PostgreSQL and NATS, and the ports that the roles listen on."""

    database: str
    nats: str
    gateway: int
    oneclick: int
    payments: int
    psp: int
    smtp: int


def new_id() -> str:
    return uuid.uuid4().hex


async def pool(places: Places) -> Any:
    """A pool without asyncpg's reset statements when a connection is returned, as in libs/db.py."""

    async def reset(_: object) -> None: ...

    return await asyncpg.create_pool(places.database, min_size=1, max_size=POOL_SIZE, reset=reset)


def channel(port: int) -> grpc.aio.Channel:
    return grpc.aio.insecure_channel(f"{HOST}:{port}", options=client.options())


def metadata(key: str) -> tuple[tuple[str, str], ...]:
    return (("idempotency-key", key), *TOKENS)


def key_of(context: Any) -> str:
    return str(dict(context.invocation_metadata())["idempotency-key"])


async def listen(app: web.Application, port: int) -> web.AppRunner:
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, HOST, port).start()
    return runner
