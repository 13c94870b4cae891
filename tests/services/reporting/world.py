"""A merchant's view of one reporting process, and the events that other services send it."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from incasso.common.v1.money_pb2 import Money
from incasso.payments.v1 import events_pb2 as payments
from incasso.payments.v1 import payments_pb2
from incasso.reporting.v1 import imports_pb2, kpis_pb2, ledger_pb2, reconciliation_pb2, reports_pb2
from libs import client, clock, context, descriptors, ids
from libs.bus import Event
from libs.downloads import Download
from libs.uploads import Pieces
from services.reporting import worker
from services.reporting.deps import Deps
from tests.services.reporting.paylink_double import PayLinks
from tests.services.reporting.payments_double import Settled
from tests.waiting import HANGING_SECONDS

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
CONTRACTS = (ledger_pb2, imports_pb2, reconciliation_pb2, reports_pb2, kpis_pb2)
AT = datetime(2026, 11, 21, 10, tzinfo=UTC)


@dataclass
class World:
    """Calls RPCs by name as one merchant."""

    deps: Deps
    stubs: Sequence[Any]
    paylink: PayLinks
    settled: Settled
    merchant_id: str = field(default_factory=lambda: ids.new("mer"))
    now: datetime = AT
    time_zone: str = "UTC"

    async def call(self, rpc: str, *, key: str = "", **fields: Any) -> Any:
        ahead = int((self.now - clock.world_now()).total_seconds())
        context.set_current(
            context.Call(
                merchant_id=self.merchant_id, actor="key_finance", clock_offset_seconds=ahead
            )
        )
        (stub,) = (stub for stub in self.stubs if hasattr(stub, rpc))
        (kind,) = (getattr(pb, f"{rpc}Request") for pb in CONTRACTS if hasattr(pb, f"{rpc}Request"))
        request, method = kind(**fields), getattr(stub, rpc)
        return await client.call(
            method, request, timeout_seconds=HANGING_SECONDS, idempotency_key=key
        )

    async def upload(self, pieces: Pieces, **fields: Any) -> Any:
        context.set_current(context.Call(merchant_id=self.merchant_id, actor="key_finance"))
        request, (_, imports, *_) = imports_pb2.ImportStatementRequest(**fields), self.stubs
        answer = await client.upload(
            imports.ImportStatement, request, pieces, timeout_seconds=3 * HANGING_SECONDS
        )
        return getattr(answer, "import")

    async def download(self, **fields: Any) -> Download:
        context.set_current(context.Call(merchant_id=self.merchant_id, actor="key_finance"))
        request = reports_pb2.DownloadReportRunRequest(**fields)
        (stub,) = (stub for stub in self.stubs if hasattr(stub, "DownloadReportRun"))
        method = stub.DownloadReportRun
        return await client.download(method, request, timeout_seconds=HANGING_SECONDS)

    def event(self, message: Any, about: str = "", at: datetime = AT) -> Event:
        """An event of another service, as consumers receive it."""
        return Event(
            event_id=ids.new("evt"),
            merchant_id=self.merchant_id,
            aggregate_id=about or ids.new("pay"),
            subject=descriptors.subject_of(message),
            body=message.SerializeToString(),
            traceparent=f"00-{TRACE}-00f067aa0ba902b7-01",
            occurred_at=at,
        )

    async def book(self, *events: Event) -> None:
        """Handles the events like the consumer: with their shared handler, in one transaction."""
        handler = worker.handlers(self.zone_of)[events[0].subject]
        context.set_current(context.Call(actor="reporting"))
        async with self.deps.db.transaction() as conn:
            await handler.handle(conn, events)

    async def zone_of(self, merchant_id: str) -> str:
        """The merchant's zone, as merchants would answer."""
        return self.time_zone

    async def balances(self, **asked: Any) -> dict[str, int]:
        """Non-zero balances by account, in one currency."""
        answer = await self.call("GetTrialBalance", **asked)
        return {row.account: row.balance_minor for row in answer.data if row.balance_minor}


def payment(amount_minor: int = 5990, **more: Any) -> payments_pb2.Payment:
    fields = {
        "id": ids.new("pay"),
        "amount": Money(amount_minor=amount_minor, currency="EUR"),
        "order_reference": "A-1001",
        "method": "one_click",
        "psp_account": "sandbox-a",
    }
    return payments_pb2.Payment(**{**fields, **more})


def captured(of: payments_pb2.Payment) -> payments.PaymentCaptured:
    return payments.PaymentCaptured(payment=of, amount_minor=of.amount.amount_minor)


def refunded(of: payments_pb2.Payment, amount_minor: int) -> payments.PaymentRefunded:
    refund = payments_pb2.Refund(id=ids.new("ref"), amount_minor=amount_minor)
    return payments.PaymentRefunded(payment=of, refund=refund)


def refund_failed(
    of: payments_pb2.Payment, amount_minor: int, *, had_succeeded: bool
) -> payments.PaymentRefundFailed:
    refund = payments_pb2.Refund(id=ids.new("ref"), amount_minor=amount_minor)
    return payments.PaymentRefundFailed(payment=of, refund=refund, had_succeeded=had_succeeded)


def dispute(of: payments_pb2.Payment, state: str, amount_minor: int) -> payments_pb2.Dispute:
    return payments_pb2.Dispute(
        id=ids.new("dis"),
        payment_id=of.id,
        state=payments_pb2.Dispute.State.Value(f"STATE_{state.upper()}"),
        amount_minor=amount_minor,
        currency=of.amount.currency,
    )


def rows(data: Sequence[Any], *names: str) -> list[tuple[Any, ...]]:
    """These fields of each row."""
    return [tuple(getattr(row, name) for name in names) for row in data]


def later(**by: float) -> datetime:
    return AT + timedelta(**by)
