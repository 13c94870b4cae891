"""A merchants service on a real PostgreSQL behind a real gRPC port, with a settable clock."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import grpc
import pytest
from google.protobuf.message_factory import GetMessageClass

from incasso.merchants.v1 import (
    audit_pb2_grpc,
    members_pb2_grpc,
    merchants_pb2_grpc,
    sessions_pb2_grpc,
    views_pb2_grpc,
)
from libs import client, context, db, descriptors, services
from libs.db import Database
from libs.errors import Kind, RemoteRefusal
from libs.server import Server
from libs.tasks import Tasks
from services.merchants.deps import Deps
from services.merchants.service.audit import Audit
from services.merchants.service.members import Members
from services.merchants.service.merchants import MerchantAccounts
from services.merchants.service.sessions import Sessions
from services.merchants.service.views import Views
from tests.kit.database_reset import DatabaseReset
from tests.waiting import HANGING_SECONDS

CONSOLE_URL = "https://console.incasso.example"
STUBS = {
    "MerchantsService": merchants_pb2_grpc.MerchantsServiceStub,
    "MembersService": members_pb2_grpc.MembersServiceStub,
    "SessionsService": sessions_pb2_grpc.SessionsServiceStub,
    "AuditService": audit_pb2_grpc.AuditServiceStub,
    "ViewsService": views_pb2_grpc.ViewsServiceStub,
}


class Time:
    """The world's clock of a test."""

    def __init__(self) -> None:
        self.now = datetime(2026, 11, 20, 12, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def advance(self, **span: float) -> None:
        self.now += timedelta(**span)


@dataclass
class Merchants:
    """Calls RPCs by name as `merchant_id` and `actor`."""

    channel: grpc.aio.Channel
    deps: Deps
    time: Time
    target: str

    async def call(
        self,
        rpc: str,
        /,
        *,
        merchant_id: str = "",
        actor: str = "operator",
        key: str = "",
        more: Mapping[str, Any] | None = None,  # fields named like one of these parameters
        **fields,
    ) -> Any:
        context.set_current(context.Call(merchant_id=merchant_id, actor=actor))
        request, method = self._found(rpc)
        request = request(**fields, **(more or {}))
        try:
            return await client.call(
                method, request, timeout_seconds=HANGING_SECONDS, idempotency_key=key
            )
        finally:
            context.set_current(context.Call())

    def _found(self, rpc: str) -> tuple[Any, Any]:
        """The class of its request, and its method."""
        for name in services.named("merchants").full_names:
            known = descriptors.service(name).methods_by_name
            if rpc in known:
                stub = STUBS[name.rpartition(".")[2]](self.channel)
                return GetMessageClass(known[rpc].input_type), getattr(stub, rpc)
        raise LookupError(rpc)

    async def create(self, **fields) -> Any:
        given = {"name": "Bottega", "country": "IT", "default_currency": "EUR", **fields}
        return await self.call("CreateMerchant", **given)


@asynccontextmanager
async def serving(database: Database, time: Time) -> AsyncIterator[Merchants]:
    deps = Deps(database, descriptors.all_scopes(), time, console_url=CONSOLE_URL, passwords=True)
    servicers = [
        (merchants_pb2_grpc.add_MerchantsServiceServicer_to_server, MerchantAccounts(deps)),
        (members_pb2_grpc.add_MembersServiceServicer_to_server, Members(deps)),
        (sessions_pb2_grpc.add_SessionsServiceServicer_to_server, Sessions(deps)),
        (audit_pb2_grpc.add_AuditServiceServicer_to_server, Audit(deps)),
        (views_pb2_grpc.add_ViewsServiceServicer_to_server, Views(deps)),
    ]
    server = Server(servicers, services.named("merchants").full_names, Tasks())
    target = f"127.0.0.1:{await server.start('127.0.0.1:0')}"
    try:
        async with client.channel(target) as channel:
            yield Merchants(channel, deps, time, target)
    finally:
        await server.stop(1)


@pytest.fixture
def time() -> Time:
    return Time()


@pytest.fixture(scope="module")
async def emptied(new_module_database) -> AsyncIterator[DatabaseReset]:
    async with connected(new_module_database("merchants")) as database:
        yield DatabaseReset(database)


@asynccontextmanager
async def connected(url: str) -> AsyncIterator[Database]:
    database = await db.connect(url, pool_size=8, service="merchants")
    yield database
    await database.close()


@pytest.fixture
async def service(emptied: DatabaseReset, time: Time) -> AsyncIterator[Merchants]:
    async with serving(await emptied.empty(), time) as merchants:
        yield merchants


@pytest.fixture
async def deps(emptied: DatabaseReset, time: Time) -> Deps:
    scopes = frozenset({"payments:read", "payments:write", "api_keys:write"})
    return Deps(await emptied.empty(), scopes, time)


async def refusal(work) -> tuple[Kind, str]:
    with pytest.raises(RemoteRefusal) as caught:
        await work
    return caught.value.kind, caught.value.reason


async def violations(work) -> dict[str, str]:
    with pytest.raises(RemoteRefusal) as caught:
        await work
    assert caught.value.reason == "invalid_argument"
    return {violation.field: violation.description for violation in caught.value.violations}


async def authenticate(service: Merchants, secret: str) -> Any:
    return await service.call("AuthenticateKey", secret=secret)
