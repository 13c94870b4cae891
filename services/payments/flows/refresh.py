"""Asking the PSP about a payment now, because somebody waits for it."""

from typing import Final

from services.payments.deps import Deps
from services.payments.domain import Payment
from services.payments.errors import PaymentNotFound
from services.payments.flows import calling
from services.payments.flows.record import record_outcome
from services.payments.outcomes import NotFound, Unknown
from services.payments.states import AttemptKind, State
from services.payments.store import attempts, payments

_OPEN: Final = frozenset({State.PROCESSING, State.REQUIRES_ACTION, State.PENDING, State.AUTHORISED})


async def refresh_payment(
    deps: Deps, *, merchant_id: str, for_shopper: bool, payment_id: str
) -> Payment:
    """`for_shopper`: the gateway brings somebody back from a challenge, and knows no merchant."""
    async with deps.db.connection() as conn:
        if for_shopper:
            payment = await payments.get_challenged(conn, payment_id)
        else:
            payment = await payments.get(conn, merchant_id, payment_id)
    if payment is None:
        raise PaymentNotFound
    return await refresh(deps, payment) if payment.state is not State.AUTHORISED else payment


async def refresh(deps: Deps, payment: Payment) -> Payment:
    """The payment as the PSP knows it; as it was when the PSP does not tell."""
    if payment.state not in _OPEN:
        return payment
    async with deps.db.connection() as conn:
        attempt = await attempts.open_of(
            conn, payment.merchant_id, payment.id, AttemptKind.AUTHORISE
        )
    if attempt is None:
        return payment
    outcome = await calling.look_up(deps, payment, attempt)
    if isinstance(outcome, NotFound | Unknown):
        return payment  # recovery decides what that means
    recorded = await record_outcome(deps, payment, attempt, outcome, may_go_on=False)
    return recorded.payment
