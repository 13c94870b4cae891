"""Reading payments, disputes and unresolved attempts, and closing a key under which none was made."""

from collections.abc import Sequence
from typing import Final

from libs import idempotency
from libs.errors import required
from libs.pages import Listed, Page
from services.payments.deps import Deps
from services.payments.errors import PaymentNotFound
from services.payments.rules.domain import Dispute, Payment
from services.payments.rules.states import DisputeState
from services.payments.store import attempts, notices, payments
from services.payments.store.payments import CallersKey

METHOD: Final = "CreatePayment"  # whose keys callers ask by


async def get_payment(deps: Deps, merchant_id: str, payment_id: str) -> Payment:
    async with deps.db.connection() as conn:
        return required(await payments.get(conn, merchant_id, payment_id), PaymentNotFound)


async def list_payments(
    deps: Deps, merchant_id: str, wanted: payments.Filter, page: Page
) -> Listed[Payment]:
    async with deps.db.connection() as conn:
        return await payments.list_page(conn, merchant_id, wanted, page)


async def list_disputes(
    deps: Deps, merchant_id: str, state: DisputeState | None, page: Page
) -> Listed[Dispute]:
    async with deps.db.connection() as conn:
        return await notices.list_disputes(conn, merchant_id, state, page)


async def list_unresolved_attempts(
    deps: Deps, merchant_id: str, *, limit: int
) -> Sequence[attempts.Unresolved]:
    """Of all merchants when the caller names none."""
    async with deps.db.connection() as conn:
        return await attempts.unresolved(conn, merchant_id, limit or 100)


async def get_payment_by_key(deps: Deps, wanted: CallersKey) -> Payment:
    """Raises PaymentNotFound: no call under the key has begun so far."""
    async with deps.db.connection() as conn:
        return required(await payments.of_key(conn, wanted, METHOD), PaymentNotFound)


async def close_payment_key(deps: Deps, wanted: CallersKey) -> Payment | None:
    """None: there is no payment, and a call that comes later does not make one.

    A call that is writing its intent just now is waited for: it holds the key's row.
    """
    async with deps.db.transaction() as tx:
        await idempotency.close(tx, wanted.merchant_id, METHOD, wanted.key)
        return await payments.of_key(tx, wanted, METHOD)
