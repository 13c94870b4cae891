"""Refunds of online payments that an order does not need, or that were also collected in cash:
recorded in the transaction that finds them, requested from payments by the worker, and followed to
their end.

The refund's id is the key at payments. Without a definite answer it stays open, and the worker looks
for a refund with this key before it requests it again.
"""

from collections.abc import Sequence
from datetime import datetime

from libs import context, idempotency, outbox
from libs.db import Conn
from libs.errors import (
    InternalError,
    required,
)
from libs.idempotency import Key
from libs.payments import repaying
from libs.payments.due import DueRow
from libs.payments.repayments import (
    RefundReport,
    RepaymentEvent,
    ReportedRefund,
    after_report,
    is_under_way,
)
from services.cod import order_events
from services.cod.deps import Deps
from services.cod.errors import NothingToGiveBack, OrderNotFound
from services.cod.rules import online_refunds as rules
from services.cod.rules.online_refunds import OnlineRefund
from services.cod.rules.orders import Order
from services.cod.store import links as links_store
from services.cod.store import online_refunds as store
from services.cod.store import orders as orders_store
from services.cod.store.online_refunds import ONLINE_REFUNDS
from services.cod.store.orders import ORDERS


async def owe(
    tx: Conn, orders: Sequence[Order], now: datetime, *, again: bool = False
) -> Sequence[OnlineRefund]:
    """Adds the refunds that these orders owe: current, and locked here. `again`: also refused ones."""
    paid = {order.id: order for order in orders if order.paid_online_minor}
    if not paid:
        return ()
    merchant_id = next(iter(paid.values())).merchant_id
    links = await links_store.paid_of(tx, merchant_id, list(paid))
    known = await store.of_orders(tx, merchant_id, list(paid))
    intents = [
        intent
        for order in paid.values()
        for intent in rules.owed(
            order,
            [link for link in links if link.order_id == order.id],
            [refund for refund in known if refund.order_id == order.id],
            now,
            again=again,
        )
    ]
    await store.add(tx, intents)
    return intents


async def settle_due(deps: Deps, row: DueRow) -> None:
    """Follows an unfinished refund: not requested, or not answered by payments or by the PSP."""
    intent = await deps.db.run(ONLINE_REFUNDS.get, row.merchant_id, row.id)
    if intent is None or not is_under_way(intent):
        return
    report = await _settled(deps, intent)
    if report is None:
        return
    async with deps.db.transaction() as tx:
        await record(tx, intent, report, deps.clock.now())


async def _settled(deps: Deps, intent: OnlineRefund) -> RefundReport | None:
    at = deps.clock.now()
    if intent.payment_id is None:
        return RefundReport(RepaymentEvent.FAIL, at, refusal=rules.BY_TRANSFER)
    return await repaying.settle(deps.payments, intent, at)


async def record(tx: Conn, asked: OnlineRefund, report: RefundReport, now: datetime) -> None:
    """Records a report, in any order, any number of times."""
    order = required(await orders_store.lock(tx, asked.merchant_id, asked.order_id), InternalError)
    current = required(await ONLINE_REFUNDS.get(tx, asked.merchant_id, asked.id), InternalError)
    after = after_report(current, report)
    if after is None:
        return
    await store.save(tx, after)
    known = rules.refunded(order, current, after)
    if known != order:
        await orders_store.save(tx, known)
    await outbox.append(tx, *order_events.for_refund(known, after, now))


async def follow_refund(conn: Conn, payment_id: str, found: ReportedRefund, now: datetime) -> None:
    """Records an event of payments in the inbox's transaction: about one of our refunds, or one made
    at payments instead.
    """
    known = await store.of_payment(conn, context.merchant_id(), payment_id)
    named = [one for one in known if found.key == one.id or found.report.reference == one.reference]
    ours = named[0] if named else None
    if ours is None and found.report.event is RepaymentEvent.SUCCEED:
        ours = rules.made_elsewhere(known, found.amount_minor)
    if ours is not None:
        await record(conn, ours, found.report, now)


async def retry_online_refund(deps: Deps, cod_order_id: str, key: Key) -> Order:
    """Requests refused refunds again, under new keys. The same key requests them once.

    Raises OrderNotFound, NothingToGiveBack.
    """
    merchant_id = context.merchant_id()

    async def begun(tx: Conn, _: str) -> None:
        order = required(await orders_store.lock(tx, merchant_id, cod_order_id), OrderNotFound)
        if not await owe(tx, [order], deps.clock.now(), again=True):
            raise NothingToGiveBack

    await idempotency.once(deps.db, key, cod_order_id, begun)
    return required(await deps.db.run(ORDERS.get, merchant_id, cod_order_id), OrderNotFound)
