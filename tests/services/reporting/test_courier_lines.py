"""Couriers' remittances as settlement lines."""

import pytest

from incasso.cod.v1 import events_pb2 as cod
from incasso.cod.v1 import remittances_pb2 as remittances
from incasso.common.v1.money_pb2 import Money
from incasso.reporting.v1 import imports_pb2 as pb
from tests.services.reporting.files import bank_entry, bank_file
from tests.services.reporting.reconciling import load, open_types
from tests.services.reporting.world import rows

WHAT = ("kind", "gross_minor", "fee_minor", "net_minor", "shortage_minor", "order_reference")


def remitted(kind, *, remitted_minor=4800, kept_minor=200, shortage_minor=0):
    message = kind()
    order, brought = message.order, message.remitted
    order.id, order.courier_id, order.order_reference = "cod_1", "cou_1", "A-1001"
    order.amount.CopyFrom(Money(amount_minor=5000, currency="EUR"))
    brought.remittance_id = "rem_1"
    brought.remitted_minor, brought.kept_minor = remitted_minor, kept_minor
    brought.shortage_minor = shortage_minor
    return message


def resolved(**more):
    line = {"id": "rml_1", "remittance_id": "rem_1", "remitted_minor": 700, **more}
    return cod.CodRemittanceLineResolved(
        line=remittances.CodRemittanceLine(**line), courier_id="cou_1", currency="EUR"
    )


@pytest.mark.parametrize(
    ("kind", "shortage_minor"),
    [(cod.CodOrderRemitted, 0), (cod.CodOrderShort, 100), (cod.CodOrderPartlyRemitted, 0)],
)
async def test_cash_remitted_for_an_order_is_a_settlement_line(world, kind, shortage_minor):
    event = world.event(remitted(kind, shortage_minor=shortage_minor), about="cod_1")
    for _ in range(2):
        await world.book(event)
    answer = await world.call("ListSettlementLines", party="cou_1")
    charge = pb.SettlementLine.KIND_CHARGE
    assert rows(answer.data, *WHAT) == [(charge, 5000, -200, 4800, shortage_minor, "A-1001")]
    (line,) = answer.data
    assert line.source == pb.SettlementLine.SOURCE_COURIER
    assert (line.payout_reference, line.event_id) == ("rem_1", event.event_id)


async def test_remitted_money_for_no_order_is_a_settlement_line(world):
    closed = remittances.REMITTANCE_CLOSING_NOT_OURS
    await world.book(world.event(resolved(closed_as=closed, sender_reference="X-1")))
    answer = await world.call("ListSettlementLines", payout_reference="rem_1")
    other = pb.SettlementLine.KIND_OTHER
    assert rows(answer.data, *WHAT) == [(other, 700, 0, 700, 0, "X-1")]


@pytest.mark.parametrize(
    "message",
    [
        resolved(),
        resolved(closed_as=remittances.REMITTANCE_CLOSING_WRITTEN_OFF, shortage_minor=50),
        resolved(closed_as=remittances.REMITTANCE_CLOSING_NOT_OURS, remitted_minor=0),
    ],
    ids=["booked on an order", "a shortage that is given up", "nothing was passed on"],
)
async def test_what_an_order_itself_reports_is_no_second_line(world, message):
    await world.book(world.event(message))
    assert not (await world.call("ListSettlementLines", party="cou_1")).data


async def test_a_remittance_matches_its_bank_line_and_a_shortage_is_an_exception(world):
    event = world.event(remitted(cod.CodOrderShort, shortage_minor=100), about="cod_1")
    await world.book(event)
    text = "Rimessa rem_1"
    await load(world, bank_file([4800], [bank_entry(4800, text=text, day="2026-11-24")]))
    assert await open_types(world) == ["shortage"]
    balances = await world.balances()
    assert balances["bank"] == 4800
    assert "bank_in_transit" not in balances
