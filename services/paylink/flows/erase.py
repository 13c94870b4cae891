"""Erases a customer's personal data (GDPR article 17); links, attempts and money stay."""

from libs import context
from libs.db import Conn
from libs.erasing import rewrite_answers, rewrite_events
from services.paylink import erased_events
from services.paylink.store import erasing


async def erase_customer(conn: Conn, customer_id: str) -> None:
    """Runs in the inbox's transaction. Erasing again changes nothing.

    Purchases and carts name no customer: those at the addresses of the customer's links are taken
    to be theirs.
    """
    merchant_id = context.merchant_id()
    erased = list(await erasing.erase_links(conn, merchant_id, customer_id))
    emails = sorted({link.email.lower() for link in erased if link.email})
    phones = sorted({link.phone for link in erased if link.phone})
    cart_ids: list[str] = []
    if emails or phones:
        erased += await erasing.erase_links_at(conn, merchant_id, emails=emails, phones=phones)
        cart_ids += await erasing.erase_carts_at(conn, merchant_id, emails=emails, phones=phones)
        # Again: until its cart was erased, another link may have been created from it.
        erased += await erasing.erase_links_at(conn, merchant_id, emails=emails, phones=phones)
    tried = await erasing.erase_payer(conn, merchant_id, customer_id)
    link_ids = [*(link.id for link in erased), *tried]
    if not link_ids:
        return
    transfer_ids = await erasing.transfers_of(conn, merchant_id, link_ids)
    ids = [*link_ids, *cart_ids, *transfer_ids]
    await rewrite_events(conn, merchant_id, ids, erased_events.event_left)
    for methods, left in erased_events.ANSWERS_LEFT:
        await rewrite_answers(conn, merchant_id, ids, methods, left)
