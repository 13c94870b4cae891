"""Reading payments, disputes and unresolved attempts, and closing a key under which none was made."""

from collections.abc import Sequence
from typing import Final

from libs import context, idempotency
from libs.errors import required
from libs.pages import Listed, Page
from services.payments.deps import Deps
from services.payments.errors import PaymentNotFound
from services.payments.rules.domain import Dispute, Payment
from services.payments.rules.states import DisputeState
from services.payments.store import attempts, notices, payments

METHOD: Final = "CreatePayment"  # whose keys callers ask by


async def get_payment(deps: Deps, payment_id: str) -> Payment:
    async with deps.db.connection() as conn:
        found = await payments.get(conn, context.merchant_id(), payment_id)
    return required(found, PaymentNotFound)


async def list_payments(deps: Deps, wanted: payments.Filter, page: Page) -> Listed[Payment]:
    async with deps.db.connection() as conn:
        return await payments.list_page(conn, context.merchant_id(), wanted, page)


async def list_disputes(deps: Deps, state: DisputeState | None, page: Page) -> Listed[Dispute]:
    async with deps.db.connection() as conn:
        return await notices.list_disputes(conn, context.merchant_id(), state, page)


async def list_unresolved_attempts(deps: Deps, *, limit: int) -> Sequence[attempts.Unresolved]:
    """Of all merchants when the caller names none."""
    async with deps.db.connection() as conn:
        return await attempts.unresolved(conn, context.current().merchant_id, limit or 100)


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
