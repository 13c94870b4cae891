"""Reading payments, disputes and unresolved attempts."""

from collections.abc import Sequence

from libs.pages import Listed, Page
from services.payments.deps import Deps
from services.payments.errors import PaymentNotFound
from services.payments.rules.domain import Dispute, Payment
from services.payments.rules.states import DisputeState
from services.payments.store import attempts, notices, payments


async def get_payment(deps: Deps, merchant_id: str, payment_id: str) -> Payment:
    async with deps.db.connection() as conn:
        payment = await payments.get(conn, merchant_id, payment_id)
    if payment is None:
        raise PaymentNotFound
    return payment


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
