"""Payments by their callers' keys, and closing a key under which none was created."""

from typing import Final

from libs import context, idempotency
from libs.errors import required
from services.payments.deps import Deps
from services.payments.errors import PaymentNotFound
from services.payments.rules.domain import Payment
from services.payments.store import payments

METHOD: Final = "CreatePayment"  # RPC whose keys can be looked up


async def get_payment_by_key(deps: Deps, key: str) -> Payment:
    """Only for the caller that created it. Raises PaymentNotFound if no call under the key has
    begun so far.
    """
    merchant_id, caller = context.merchant_id(), context.current().caller
    async with deps.db.connection() as conn:
        found = await payments.of_key(conn, merchant_id, key, caller=caller, method=METHOD)
    return required(found, PaymentNotFound)


async def close_payment_key(deps: Deps, key: str) -> Payment | None:
    """None: there is no payment, and a later call will not create one.

    Waits for a call that is writing its intent at that moment: it holds a lock on the key's row.
    """
    merchant_id, caller = context.merchant_id(), context.current().caller
    async with deps.db.transaction() as tx:
        await idempotency.close(tx, merchant_id, METHOD, key)
        return await payments.of_key(tx, merchant_id, key, caller=caller, method=METHOD)
