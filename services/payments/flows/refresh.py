"""Asks the PSP about a payment now, because somebody is waiting for it."""

import asyncio
from typing import Final

from libs import context, identity
from libs.errors import required
from services.payments.deps import Deps
from services.payments.errors import PaymentNotFound
from services.payments.flows import calling
from services.payments.flows.record import record_outcome
from services.payments.rules import retry
from services.payments.rules.domain import Payment
from services.payments.rules.outcomes import NotFound, Unknown
from services.payments.rules.states import AttemptKind, State
from services.payments.store import attempts, payments

_LOOKS: Final = 4
_LOOK_SECONDS: Final = 0.25
_OPEN: Final = frozenset({State.PROCESSING, State.REQUIRES_ACTION, State.PENDING, State.AUTHORISED})


async def refresh_payment(deps: Deps, payment_id: str) -> Payment:
    """The PSP is asked at most once within ASK_EVERY; all other callers get that result.

    For a shopper returning from a challenge through the gateway, no merchant is known.
    """
    call = context.current()
    async with deps.db.connection() as conn:
        if call.caller == identity.GATEWAY and not call.merchant_id:
            found = await payments.get_challenged(conn, payment_id)
        else:
            found = await payments.get(conn, call.merchant_id, payment_id)
        payment = required(found, PaymentNotFound)
        if payment.state not in _OPEN or payment.state is State.AUTHORISED:
            return payment
        may_ask = await payments.may_ask(conn, payment, every=retry.ASK_EVERY)
    return await (refresh if may_ask else _watch)(deps, payment)


async def _watch(deps: Deps, payment: Payment) -> Payment:
    """Waits for another caller's result."""
    for _ in range(_LOOKS):
        await asyncio.sleep(_LOOK_SECONDS)
        async with deps.db.connection() as conn:
            now_is = await payments.get(conn, payment.merchant_id, payment.id)
        if now_is is not None and now_is.state is not payment.state:
            return now_is
    return payment


async def refresh(deps: Deps, payment: Payment) -> Payment:
    """The payment as the PSP knows it, or unchanged if the PSP does not answer."""
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
