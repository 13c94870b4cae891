"""Events of all booked kinds, for tests of the ledger as a whole; and the ledger as text."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import strategies as st

from incasso.cod.v1 import events_pb2 as cod
from incasso.cod.v1 import orders_pb2, refunds_pb2, remittances_pb2
from incasso.common.v1.money_pb2 import Money
from incasso.instalments.v1 import events_pb2 as instalments
from incasso.instalments.v1 import plans_pb2
from incasso.paylink.v1 import events_pb2 as paylink
from incasso.paylink.v1 import paylink_pb2
from incasso.payments.v1 import events_pb2 as payments
from libs import descriptors, ids, wire
from libs.bus import Event
from libs.db import Conn, Database
from tests.services.reporting.world import captured, dispute, payment, refund_failed, refunded

BEGUN = datetime(2026, 9, 28, 12, tzinfo=UTC)


def _messages(amount: int, currency: str, courier: str) -> Sequence[Any]:
    """One message of each kind; even combinations that never occur together are booked."""
    money = Money(amount_minor=amount, currency=currency)
    one = payment(amount, psp_account=courier, amount=money)
    part = payment(amount, method="instalments", amount=money)
    lost, opened = (dispute(one, state, amount) for state in ("lost", "open"))
    order = orders_pb2.CodOrder(courier_id=courier, amount=money)
    brought = remittances_pb2.CodRemitted(remitted_minor=amount, kept_minor=3, shortage_minor=2)
    refund = refunds_pb2.CodRefund(amount=money)
    move = paylink_pb2.BankTransferMove(
        kind=paylink_pb2.BankTransferMove.KIND_MATCHED,
        amount_minor=amount,
        made_at=wire.timestamp(BEGUN),
    )
    transfer = paylink_pb2.BankTransfer(
        amount=money, booked_on="2026-09-27", created_at=wire.timestamp(BEGUN), moves=[move]
    )
    sold = plans_pb2.PlanBooks(sold_minor=amount, owed_minor=amount - 1, paid_minor=1)
    due = plans_pb2.PlanDue(due_on="2026-12-01", principal_minor=amount - 1)
    return [
        captured(one),
        captured(part),
        refunded(one, amount),
        refund_failed(one, amount, had_succeeded=True),
        refund_failed(one, amount, had_succeeded=False),
        payments.DisputeOpened(payment=one, dispute=opened),
        payments.DisputeClosed(payment=one, dispute=lost, previous=opened),
        cod.CodParcelCollected(
            courier_id=courier,
            collected=money,
            fee_minor=1,
            remit_due_at=wire.timestamp(BEGUN),
        ),
        cod.CodOrderShort(order=order, remitted=brought),
        cod.CodRefundPaid(refund=refund),
        cod.CodRefundFailed(refund=refund, had_been_paid=True),
        paylink.BankTransferRecorded(bank_transfer=transfer),
        instalments.PlanBalanceChanged(
            plan_id="pln_1", currency=currency, after=sold, dues_after=[due]
        ),
    ]


def event_of(message: Any, at: datetime, merchant_id: str = "") -> Event:
    return Event(
        event_id=ids.new("evt"),
        merchant_id=merchant_id,
        aggregate_id=ids.new("pay"),
        subject=descriptors.subject_of(message),
        body=message.SerializeToString(),
        traceparent=f"00-{ids.new('x')[-8:]:0>32}-00f067aa0ba902b7-01",
        occurred_at=at,
    )


EVENTS = st.builds(
    lambda amount, currency, courier, kind, hours: event_of(
        _messages(amount, currency, courier)[kind], BEGUN + timedelta(hours=hours)
    ),
    st.integers(1, 999_999),
    st.sampled_from(["EUR", "CHF", "JPY"]),
    st.sampled_from(["cou_1", "sandbox-a"]),
    st.integers(0, 12),
    st.integers(0, 24 * 60),
)


def of(merchant_id: str, events: Sequence[Event]) -> Sequence[Event]:
    return [replace(event, merchant_id=merchant_id) for event in events]


TABLES = {
    "entries": "id",
    "postings": "entry_id, number",
    "balances": "account, currency, party, booked_on",
}


async def dump(db: Database, merchant_id: str) -> str:
    """A merchant's books without its id and recording times: equal ledgers give equal texts."""
    lines = []
    async with db.connection() as conn:
        for table, key in TABLES.items():
            rows = await conn.fetch(
                f"SELECT (to_jsonb(of_it) - 'merchant_id' - 'recorded_at')::text FROM {table} AS of_it"
                f" WHERE merchant_id = $1 ORDER BY {key}",
                merchant_id,
            )
            lines += [f"{table} {row[0]}" for row in rows]
    return "\n".join(lines)


async def log(conn: Conn, events: Sequence[Event]) -> None:
    """Writes the events to the log, as their services do."""
    for event in events:
        await conn.execute(
            "INSERT INTO outbox (event_id, merchant_id, aggregate_id, subject, body, traceparent,"
            " occurred_at) VALUES ($1, $2, $3, $4, $5, $6, $7)",
            event.event_id,
            event.merchant_id,
            event.aggregate_id,
            event.subject,
            event.body,
            event.traceparent,
            event.occurred_at,
        )
