"""Undo: within the grace period of a delayed capture the shopper cancels or lowers the order."""

import hashlib
from dataclasses import dataclass

from libs import context, idempotency
from libs.errors import RemoteRefusal, ServiceUnavailable
from libs.idempotency import Key
from libs.money import Money
from services.oneclick import sessions as rules
from services.oneclick.deps import Deps
from services.oneclick.domain import CaptureMode, Charge, PaymentAnswer
from services.oneclick.errors import (
    ClientSecretInvalid,
    GracePeriodOver,
    PaymentNotCancellable,
    PaymentNotFound,
)
from services.oneclick.store import charges, sessions


@dataclass(frozen=True, slots=True)
class UndoOneClickPayment:
    """`amount` is what is to be taken instead; None cancels the whole order."""

    payment_id: str
    amount: Money | None
    client_secret: str | None


async def undo_one_click_payment(deps: Deps, cmd: UndoOneClickPayment, key: Key) -> bytes:
    """Answers the Payment message, the same for the same key.

    The claimed key is the intent: payments is asked under a key derived from it and the charge.
    """
    charge = await _find(deps, cmd)
    async with deps.db.transaction() as tx:
        claim = await idempotency.claim(tx, key, charge.id)
        if claim.fresh:
            _check(deps, charge)
    if claim.answer is not None:
        return claim.answer
    try:
        payment = await _ask(deps, charge, cmd, key)
    except (RemoteRefusal, ServiceUnavailable):
        async with deps.db.connection() as conn:
            await idempotency.release(conn, key)
        raise
    async with deps.db.connection() as conn:  # one statement, which is its own transaction
        lowered = cmd.amount.amount_minor if cmd.amount else None
        await charges.record(conn, charge, payment, key=key, amount_minor=lowered)
    return payment.body


async def _find(deps: Deps, cmd: UndoOneClickPayment) -> Charge:
    """A browser must hold the secret of the session whose payment it is."""
    merchant_id, call = context.merchant_id(), context.current()
    async with deps.db.connection() as conn:
        charge = await charges.of_payment(conn, merchant_id, cmd.payment_id)
        if charge is None:
            raise PaymentNotFound
        if not call.publishable:
            return charge
        session = await sessions.get(conn, merchant_id, charge.session_id or "")
    if session is None:
        raise ClientSecretInvalid
    rules.check_secret(session, cmd.client_secret, needed=True)
    return charge


def _check(deps: Deps, charge: Charge) -> None:
    if charge.capture is not CaptureMode.DELAYED:
        raise PaymentNotCancellable
    if charge.capture_at is not None and deps.clock.now() >= charge.capture_at:
        raise GracePeriodOver


async def _ask(deps: Deps, charge: Charge, cmd: UndoOneClickPayment, key: Key) -> PaymentAnswer:
    derived = f"{charge.id}-undo-{hashlib.sha256(key.text.encode()).hexdigest()[:32]}"
    if cmd.amount is None:
        return await deps.payments.cancel_payment(cmd.payment_id, key=derived)
    return await deps.payments.lower_payment(cmd.payment_id, cmd.amount, key=derived)
