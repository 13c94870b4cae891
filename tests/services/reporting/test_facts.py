"""How events of the payment methods are read and booked."""

from incasso.cod.v1 import events_pb2 as cod
from incasso.cod.v1 import orders_pb2, refunds_pb2, remittances_pb2
from incasso.common.v1.money_pb2 import Money
from incasso.instalments.v1 import events_pb2 as instalments
from incasso.instalments.v1 import plans_pb2
from incasso.paylink.v1 import events_pb2 as paylink
from incasso.paylink.v1 import paylink_pb2
from libs import wire
from tests.services.reporting.world import AT, captured, later, payment

Move = paylink_pb2.BankTransferMove


def transfer(*moves: Move, amount_minor: int = 129) -> paylink_pb2.BankTransfer:
    return paylink_pb2.BankTransfer(
        id="trf_1",
        amount=Money(amount_minor=amount_minor, currency="EUR"),
        booked_on="2026-11-20",
        created_at=wire.timestamp(AT),
        moves=moves,
    )


def move(kind: str, amount_minor: int, *, at=AT, plan_id: str | None = None) -> Move:
    number = Move.Kind.Value(f"KIND_{kind.upper()}")
    made_at = wire.timestamp(at)
    return Move(kind=number, amount_minor=amount_minor, plan_id=plan_id, made_at=made_at)


async def test_cash_is_owed_by_its_courier_from_the_day_it_was_collected(world):
    collected = cod.CodParcelCollected(
        courier_id="cou_1",
        collected=Money(amount_minor=1250, currency="EUR"),
        fee_minor=250,
        collected_at=wire.timestamp(later(days=-1)),
    )
    order = orders_pb2.CodOrder(courier_id="cou_1", amount=Money(currency="EUR"))
    brought = {"remitted_minor": 1100, "kept_minor": 50, "shortage_minor": 100}
    short = cod.CodOrderShort(order=order, remitted=remittances_pb2.CodRemitted(**brought))
    rest = remittances_pb2.CodRemitted(remitted_minor=100, short_before_minor=100)
    await world.book(
        world.event(cod.CodOrderRemitted(order=order, remitted=rest)),
        world.event(short),
        world.event(collected),
    )
    assert await world.balances() == {
        "bank_in_transit": 1200,
        "courier_fees": 50,
        "sales": -1000,
        "cod_fees": -250,
    }
    assert (await world.balances(on="2026-11-20"))["courier_receivable"] == 1250


async def test_a_bank_transfer_is_booked_once_and_moved_by_each_event(world):
    waits = world.event(paylink.BankTransferRecorded(bank_transfer=transfer()))
    first = move("matched", 100, at=later(hours=1))
    placed = paylink.BankTransferRecorded(bank_transfer=transfer(first))
    again = [move(kind, 100, at=later(hours=2)) for kind in ("taken_back", "settled")]
    again[1].plan_id = "pln_1"
    settled = paylink.BankTransferSettled(bank_transfer=transfer(first, *again))
    back = move("given_back", 29, at=later(hours=3))
    given = paylink.BankTransferGivenBack(bank_transfer=transfer(first, *again, back))
    await world.book(
        world.event(given, at=later(hours=3)),
        world.event(settled, at=later(hours=2)),
        world.event(placed, at=later(hours=1)),
        waits,
    )
    assert await world.balances() == {"bank_in_transit": 100, "instalments_clearing": -100}
    assert (await world.balances(on="2026-11-20")) == {"bank_in_transit": 129, "unallocated": -129}


async def test_a_paid_and_returned_cod_refund_leaves_no_balance(world):
    refund = refunds_pb2.CodRefund(id="crf_1", amount=Money(amount_minor=500, currency="EUR"))
    never = cod.CodRefundFailed(refund=refund)
    returned = cod.CodRefundFailed(refund=refund, had_been_paid=True)
    await world.book(world.event(never), world.event(returned))
    assert await world.balances() == {"bank_in_transit": 500, "sales_refunds": -500}
    await world.book(world.event(cod.CodRefundPaid(refund=refund)))
    assert await world.balances() == {}


async def test_a_plan_and_its_payment_offset_on_the_clearing_account(world):
    signed = plans_pb2.PlanBooks(sold_minor=300, owed_minor=200, paid_minor=100)
    changed = {"plan_id": "pln_1", "order_reference": "A-1", "currency": "EUR"}
    event = world.event(instalments.PlanBalanceChanged(**changed, after=signed), about="pln_1")
    await world.book(world.event(captured(payment(100, method="instalments"))), event)
    assert await world.balances() == {
        "psp_receivable": 100,
        "customer_receivable": 200,
        "sales": -300,
    }
    (entry,) = (await world.call("ListJournalEntries", order_reference="A-1")).data
    assert (entry.kind, entry.resource_id) == ("instalments.plan.balance_changed", "pln_1")
