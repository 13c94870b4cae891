"""Payments by the keys under which callers asked for them, and closing a key under which none was made."""

from typing import Final

from libs import context, idempotency
from libs.errors import required
from services.payments.deps import Deps
from services.payments.errors import PaymentNotFound
from services.payments.rules.domain import Payment
from services.payments.store import payments

METHOD: Final = "CreatePayment"  # whose keys callers ask by


async def get_payment_by_key(deps: Deps, key: str) -> Payment:
    """Asked for by the same caller. Raises PaymentNotFound: no call under the key has begun so far."""
    merchant_id, caller = context.merchant_id(), context.current().caller
    async with deps.db.connection() as conn:
        found = await payments.of_key(conn, merchant_id, key, caller=caller, method=METHOD)
    return required(found, PaymentNotFound)


async def close_payment_key(deps: Deps, key: str) -> Payment | None:
    """None: there is no payment, and a call that comes later does not make one.

    A call that is writing its intent just now is waited for: it holds the key's row.
    """
    merchant_id, caller = context.merchant_id(), context.current().caller
    async with deps.db.transaction() as tx:
        await idempotency.close(tx, merchant_id, METHOD, key)
        return await payments.of_key(tx, merchant_id, key, caller=caller, method=METHOD)
