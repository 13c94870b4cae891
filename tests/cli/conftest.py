"""The operators' command against a merchants service on a real port and a test double of payments."""

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pytest
from click.testing import Result
from typer.testing import CliRunner

from cli.__main__ import app
from incasso.common.v1 import money_pb2
from incasso.payments.v1 import payments_pb2 as pb
from incasso.payments.v1 import payments_pb2_grpc
from libs import context, wire
from libs.errors import Kind, Refusal
from libs.server import Server
from libs.services import SERVICES
from libs.tasks import Tasks
from tests.kit.database_reset import DatabaseReset
from tests.services.merchants.conftest import Merchants, Time, connected, serving

AT = wire.timestamp(datetime(2026, 11, 20, 12, tzinfo=UTC))
VARIABLES = (
    "INCASSO_MERCHANT",
    "INCASSO_CONSOLE_URL",
    "INCASSO_DATABASE_URL",
    *(s.target_variable for s in SERVICES),
)


@dataclass
class Command:
    """Runs `incasso …` in a thread, since the command has its own event loop."""

    env: dict[str, str]

    async def __call__(self, *arguments: str, answer: str = "") -> Result:
        env = dict.fromkeys(VARIABLES) | self.env
        return await asyncio.to_thread(
            CliRunner().invoke, app, list(arguments), input=answer, env=env
        )

    async def json(self, *arguments: str) -> Any:
        done = await self(*arguments, "--json")
        assert done.exit_code == 0, done.output
        return json.loads(done.stdout)


class Payments(payments_pb2_grpc.PaymentsServiceServicer):
    """A double of payments: records the command's calls, and stores accounts."""

    def __init__(self) -> None:
        self.calls: list[tuple[context.Call, Any]] = []
        self.accounts: list[pb.PspAccount] = []
        self.attempts: list[pb.UnresolvedAttempt] = []
        self.arrivals: list[pb.PspWebhookArrivals] = []

    async def CreatePspAccount(self, request, rpc):
        self.calls.append((context.current(), request))
        if any(account.name == request.name for account in self.accounts):
            raise named("psp_account_exists", Kind.CONFLICT, "This name is taken.")
        if request.credentials == "nowhere":
            raise named("credentials_missing", Kind.CONFLICT, "There are no such credentials.")
        account = pb.PspAccount(
            id="psa_1", name=request.name, psp=request.psp, publishable_key="a", created_at=AT
        )
        self.accounts.append(account)
        return pb.CreatePspAccountResponse(psp_account=account)

    async def ListPspAccounts(self, request, rpc):
        self.calls.append((context.current(), request))
        return pb.ListPspAccountsResponse(data=self.accounts)

    async def GetPayment(self, request, rpc):
        self.calls.append((context.current(), request))
        if request.payment_id != "pay_1":
            raise named("payment_not_found", Kind.NOT_FOUND, "There is no such payment.")
        return pb.GetPaymentResponse(
            payment=pb.Payment(
                id="pay_1",
                state=pb.Payment.STATE_PARTIALLY_REFUNDED,
                amount=money_pb2.Money(amount_minor=5990, currency="EUR"),
                captured_minor=5990,
                refunded_minor=1000,
                refunds=[pb.Refund(id="ref_1", state=pb.Refund.STATE_SUCCEEDED, amount_minor=1000)],
                metadata={"cart": "7"},
                created_at=AT,
            )
        )

    async def SettleAttempt(self, request, rpc):
        self.calls.append((context.current(), request))
        if request.attempt_id != "att_1":
            raise named("attempt_not_unresolved", Kind.CONFLICT, "Its outcome is known.")
        return pb.SettleAttemptResponse(
            payment=pb.Payment(id="pay_1", state=pb.Payment.STATE_CAPTURED)
        )

    async def ListOperatorActions(self, request, rpc):
        settled = [request for _, request in self.calls]
        return pb.ListOperatorActionsResponse(
            data=[
                pb.OperatorAction(
                    attempt_id=one.attempt_id,
                    outcome=one.outcome,
                    operator=one.operator,
                    note=one.note,
                    acted_at=AT,
                )
                for one in settled
            ]
        )

    async def ListPspWebhookArrivals(self, request, rpc):
        return pb.ListPspWebhookArrivalsResponse(data=self.arrivals)

    async def ListUnresolvedAttempts(self, request, rpc):
        return pb.ListUnresolvedAttemptsResponse(data=self.attempts)


def named(reason: str, kind: Kind, message: str) -> Refusal:
    refusal = Refusal(message)
    refusal.reason, refusal.kind = reason, kind
    return refusal


@pytest.fixture(scope="module")
async def emptied(new_module_database) -> AsyncIterator[DatabaseReset]:
    async with connected(new_module_database("merchants")) as database:
        yield DatabaseReset(database)


@pytest.fixture
async def merchants(emptied: DatabaseReset) -> AsyncIterator[Merchants]:
    async with serving(await emptied.empty(), Time()) as served:
        yield served


@pytest.fixture
async def payments() -> AsyncIterator[tuple[Payments, str]]:
    servicer = Payments()
    add = payments_pb2_grpc.add_PaymentsServiceServicer_to_server
    server = Server([(add, servicer)], ["incasso.payments.v1.PaymentsService"], Tasks())
    port = await server.start("127.0.0.1:0")
    yield servicer, f"127.0.0.1:{port}"
    await server.stop(1)


@pytest.fixture
def incasso(merchants: Merchants) -> Command:
    return Command({"INCASSO_MERCHANTS_TARGET": merchants.target})


@pytest.fixture
def incasso_payments(payments) -> Command:
    return Command({"INCASSO_PAYMENTS_TARGET": payments[1]})
