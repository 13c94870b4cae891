"""Erases a customer's personal data (GDPR article 17); orders, parcels and money stay."""

from collections.abc import Sequence
from datetime import datetime

from libs import context, outbox
from libs.db import Conn
from libs.erasing import rewrite_answers, rewrite_events
from services.cod import order_events, refund_events
from services.cod.rules import refunds as refund_rules
from services.cod.store import erasing, refunds


async def erase_customer(conn: Conn, customer_id: str, now: datetime) -> None:
    """Runs in the inbox's transaction. Erasing again changes nothing."""
    merchant_id = context.merchant_id()
    found = await erasing.erase_orders(conn, merchant_id, customer_id)
    if found:
        methods = order_events.ANSWERING_ORDERS
        await _forget_accounts(conn, found, now)
        await rewrite_events(conn, merchant_id, found, order_events.event_left)
        await rewrite_answers(conn, merchant_id, found, methods, order_events.order_left)


async def _forget_accounts(conn: Conn, order_ids: Sequence[str], now: datetime) -> None:
    """Deletes the refunds' accounts; publishes that ready ones wait for an account again."""
    merchant_id, methods = context.merchant_id(), refund_events.ANSWERING_REFUNDS
    before = await refunds.lock_of_orders(conn, merchant_id, order_ids)
    after = [refund_rules.forgotten(refund) for refund in before]
    await erasing.erase_refunds(conn, after)
    waiting = [new for old, new in zip(before, after, strict=True) if new.state is not old.state]
    await outbox.append(conn, *(refund_events.for_state(refund, now) for refund in waiting))
    ids = [refund.id for refund in after]
    await erasing.erase_files(conn, merchant_id, ids)
    await rewrite_events(conn, merchant_id, ids, refund_events.event_left)
    await rewrite_answers(conn, merchant_id, ids, methods, refund_events.refund_left)
