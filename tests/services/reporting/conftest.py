"""A reporting service on a real PostgreSQL behind a real gRPC port."""

from collections.abc import AsyncIterator

import pytest_asyncio

from incasso.paylink.v1.paylink_pb2_grpc import add_PaymentLinksServiceServicer_to_server
from incasso.payments.v1.payments_pb2_grpc import add_PaymentsServiceServicer_to_server
from incasso.reporting.v1 import (
    imports_pb2_grpc,
    kpis_pb2_grpc,
    ledger_pb2_grpc,
    reconciliation_pb2_grpc,
    reports_pb2_grpc,
)
from libs import client, db, services
from libs.clock import Clock
from libs.db import Database
from libs.server import Server
from libs.tasks import Tasks
from services.reporting.deps import Deps
from services.reporting.paylink_client import Links
from services.reporting.payments_client import Psps
from services.reporting.service import Imports, Kpis, Ledger, Reconciliation, Reports
from tests.services.reporting.paylink_double import PayLinks
from tests.services.reporting.payments_double import Settled
from tests.services.reporting.world import World


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def database(new_module_database) -> AsyncIterator[Database]:
    opened = await db.connect(new_module_database("reporting"), pool_size=4, service="reporting")
    yield opened
    await opened.close()


@pytest_asyncio.fixture(loop_scope="session")
async def world(database: Database) -> AsyncIterator[World]:
    """A new merchant per test, in the module's database."""
    paylink = PayLinks()
    settled = Settled()
    added = [
        (add_PaymentLinksServiceServicer_to_server, paylink),
        (add_PaymentsServiceServicer_to_server, settled),
    ]
    neighbours = Server(added, [], Tasks())
    to_neighbours = client.channel(f"ipv4:127.0.0.1:{await neighbours.start('127.0.0.1:0')}")
    deps = Deps(database, Clock(), Links(to_neighbours), Psps(to_neighbours))
    server = Server(
        [
            (ledger_pb2_grpc.add_LedgerServiceServicer_to_server, Ledger(deps)),
            (imports_pb2_grpc.add_ImportsServiceServicer_to_server, Imports(deps)),
            (
                reconciliation_pb2_grpc.add_ReconciliationServiceServicer_to_server,
                Reconciliation(deps),
            ),
            (reports_pb2_grpc.add_ReportsServiceServicer_to_server, Reports(deps)),
            (kpis_pb2_grpc.add_KpisServiceServicer_to_server, Kpis(deps)),
        ],
        services.named("reporting").full_names,
        Tasks(),
    )
    channel = client.channel(f"ipv4:127.0.0.1:{await server.start('127.0.0.1:0')}")
    stubs = (
        ledger_pb2_grpc.LedgerServiceStub(channel),
        imports_pb2_grpc.ImportsServiceStub(channel),
        reconciliation_pb2_grpc.ReconciliationServiceStub(channel),
        reports_pb2_grpc.ReportsServiceStub(channel),
        kpis_pb2_grpc.KpisServiceStub(channel),
    )
    yield World(deps, stubs, paylink, settled)
    await channel.close()
    await to_neighbours.close()
    await server.stop(1)
    await neighbours.stop(1)
