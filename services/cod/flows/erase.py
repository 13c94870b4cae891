"""Erase a customer's personal data (GDPR article 17); orders, parcels and money stay."""

from libs import context
from libs.db import Conn
from libs.erasing import rewrite_answers, rewrite_events
from services.cod import order_events
from services.cod.store import erasing


async def erase_customer(conn: Conn, customer_id: str) -> None:
    """In the inbox's transaction. Erasing again changes nothing."""
    merchant_id = context.merchant_id()
    found = await erasing.erase_orders(conn, merchant_id, customer_id)
    if found:
        methods = order_events.ANSWERING_ORDERS
        await rewrite_events(conn, merchant_id, found, order_events.event_left)
        await rewrite_answers(conn, merchant_id, found, methods, order_events.order_left)
