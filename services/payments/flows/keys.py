"""Asking for a payment by the key under which its caller asked for it, and closing such a key."""

from typing import Final

from libs import idempotency
from services.payments.deps import Deps
from services.payments.errors import PaymentNotFound
from services.payments.rules.domain import Payment
from services.payments.store import payments
from services.payments.store.payments import CallersKey

METHOD: Final = "CreatePayment"  # whose keys they are


async def get_payment_by_key(deps: Deps, wanted: CallersKey) -> Payment:
    """Raises PaymentNotFound: no call under the key has begun so far."""
    async with deps.db.connection() as conn:
        payment = await payments.of_key(conn, wanted, METHOD)
    if payment is None:
        raise PaymentNotFound
    return payment


async def close_payment_key(deps: Deps, wanted: CallersKey) -> Payment | None:
    """None: there is no payment, and a call that comes later does not make one.

    A call that is writing its intent just now is waited for: it holds the key's row.
    """
    async with deps.db.transaction() as tx:
        await idempotency.close(tx, wanted.merchant_id, METHOD, wanted.key)
        return await payments.of_key(tx, wanted, METHOD)
