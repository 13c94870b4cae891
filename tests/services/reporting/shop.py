"""A shop's month, booked from events and files: card payments, a plan, cash on delivery, a PSP report."""

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from typing import Any

from incasso.cod.v1 import events_pb2 as cod
from incasso.cod.v1 import orders_pb2, remittances_pb2
from incasso.common.v1.money_pb2 import Money
from incasso.instalments.v1 import events_pb2 as instalments
from incasso.instalments.v1 import plans_pb2
from libs import wire
from tests.services.reporting.files import bank_entry, bank_file, stripe_row
from tests.services.reporting.reconciling import charge, load, report, run
from tests.services.reporting.world import captured, payment, refunded

DAY = datetime(2026, 4, 7, 10, tzinfo=UTC)
COURIER = "cou_1"
APRIL = {"booked_from": "2026-04-01", "booked_to": "2026-04-30"}


async def table(world, name: str, **asked: str) -> list[dict[str, str]]:
    """The rows of a report, as callers get them."""
    answer = await world.call("GetReportRows", report=name, limit=1000, **asked)
    names = [column.name for column in answer.columns]
    return [dict(zip(names, row.values, strict=True)) for row in answer.data]


def cut(rows: Sequence[Mapping[str, str]], *names: str) -> list[tuple[str, ...]]:
    return [tuple(row[name] for name in names) for row in rows]


def total(rows: Sequence[Mapping[str, str]], name: str) -> int:
    """In minor units of EUR."""
    return sum(round(float(row[name]) * 100) for row in rows)


def plan_moved(dues: Mapping[str, int], before: Mapping[str, int] | None = None) -> Any:
    """A plan of 300.00 of which the parts in `dues` are owed; the rest is paid."""

    def books(owed: Mapping[str, int] | None) -> plans_pb2.PlanBooks:
        if owed is None:
            return plans_pb2.PlanBooks()
        sum_minor = sum(owed.values())
        return plans_pb2.PlanBooks(
            sold_minor=30000, owed_minor=sum_minor, paid_minor=30000 - sum_minor
        )

    def shown(owed: Mapping[str, int] | None) -> list[plans_pb2.PlanDue]:
        found = (owed or {}).items()
        return [plans_pb2.PlanDue(due_on=day, principal_minor=minor) for day, minor in found]

    return instalments.PlanBalanceChanged(
        plan_id="pln_1",
        order_reference="R-1",
        currency="EUR",
        before=books(before),
        after=books(dues),
        dues_before=shown(before),
        dues_after=shown(dues),
    )


def cash(minor: int, order: str, *, fee: int = 0, due: datetime | None = None) -> Any:
    return cod.CodParcelCollected(
        courier_id=COURIER,
        order_reference=order,
        collected=Money(amount_minor=minor, currency="EUR"),
        fee_minor=fee,
        collected_at=wire.timestamp(DAY),
        remit_due_at=wire.opt_timestamp(due),
    )


def remitted(minor: int, kept: int, order: str, *, due: datetime | None = None) -> Any:
    return cod.CodOrderRemitted(
        order=orders_pb2.CodOrder(
            courier_id=COURIER,
            order_reference=order,
            amount=Money(amount_minor=minor + kept, currency="EUR"),
            remit_due_at=wire.opt_timestamp(due),
        ),
        remitted=remittances_pb2.CodRemitted(remitted_minor=minor, kept_minor=kept),
    )


async def sell(world) -> None:
    """Two card payments, one partly refunded, the other settled and paid out; a payment by link; a plan;
    cash that a courier has remitted less its cut.
    """
    one = await charge(world, 5990)
    await charge(world, 2000, order="A-1002", method="link")
    other = payment(3000, psp_account="sandbox-b", order_reference="A-1003")
    part = payment(10000, method="instalments", order_reference="R-1")
    await world.book(
        world.event(captured(other), other.id, DAY),
        world.event(refunded(other, 1000), other.id, datetime(2026, 4, 9, 10, tzinfo=UTC)),
        world.event(captured(part), part.id, DAY),
        world.event(plan_moved({"2026-05-07": 10000, "2026-06-07": 10000}), "pln_1", DAY),
        world.event(cash(6000, "C-1", fee=200), "cod_1", DAY),
        world.event(remitted(5700, 300, "C-1"), "cod_1", DAY),
    )
    await report(world, stripe_row(5990, 115, charge=one.psp_reference))
    await load(world, bank_file([5875], [bank_entry(5875, text="PO_1", day="2026-04-10")]))
    await run(world)


def on(text: str) -> datetime:
    return datetime.combine(date.fromisoformat(text), DAY.timetz())
