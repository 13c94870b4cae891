"""Erases a customer's personal data (GDPR article 17); plans, parts and money stay."""

from libs import context
from libs.db import Conn
from libs.erasing import rewrite_answers, rewrite_events
from services.instalments import events, oneclick_client
from services.instalments.store import erasing


async def erase_customer(conn: Conn, customer_id: str) -> None:
    """Runs in the inbox's transaction. Erasing again changes nothing.

    Documents lose their contents and keep their hashes. Unpaid parts can no longer be charged,
    since the cards are gone: they are missed.
    """
    merchant_id = context.merchant_id()
    found = await erasing.erase_plans(conn, merchant_id, customer_id)
    if found:
        await rewrite_events(conn, merchant_id, found, events.event_left)
        await rewrite_answers(conn, merchant_id, found, events.ANSWERING_PLANS, events.plan_left)
        await rewrite_answers(
            conn, merchant_id, found, oneclick_client.KEEPING_CONSENTS, oneclick_client.consent_left
        )
