"""Erase a customer's personal data (GDPR article 17); plans, parts and money stay."""

from libs import context
from libs.db import Conn
from libs.erasing import rewrite_answers, rewrite_events
from services.instalments import events, oneclick_client
from services.instalments.store import erasing


async def erase_customer(conn: Conn, customer_id: str) -> None:
    """In the inbox's transaction. Erasing again changes nothing.

    Documents lose what they say and keep their hashes. What is left to be paid cannot be charged any
    more, since the cards are gone: it is missed.
    """
    merchant_id = context.merchant_id()
    found = await erasing.erase_plans(conn, merchant_id, customer_id)
    if found:
        await rewrite_events(conn, merchant_id, found, events.event_left)
        await rewrite_answers(conn, merchant_id, found, events.ANSWERING_PLANS, events.plan_left)
        await rewrite_answers(
            conn, merchant_id, found, oneclick_client.KEEPING_CONSENTS, oneclick_client.consent_left
        )
