"""Undo: within the grace period of a delayed capture the order is cancelled or lowered.

A browser chooses among items that the shop's server priced; only the server sets an amount.
"""

import hashlib
from dataclasses import dataclass, replace
from typing import Final

from libs import context, idempotency
from libs.db import Conn
from libs.errors import RemoteRefusal, ServiceUnavailable, invalid, required
from libs.idempotency import Key
from libs.money import Money
from libs.payments.answer import Answer
from services.oneclick import errors, events
from services.oneclick.deps import Deps
from services.oneclick.rules import items
from services.oneclick.rules import sessions as rules
from services.oneclick.rules.domain import CaptureMode, Charge
from services.oneclick.rules.items import Lowering, Removal
from services.oneclick.store import charges, sessions

METHOD: Final = "UndoOneClickPayment"  # RPC whose keys identify lowerings


@dataclass(frozen=True, slots=True)
class UndoOneClickPayment:
    """`amount`: the new amount to capture; `remove`: items to remove; neither: cancel the order."""

    payment_id: str
    amount: Money | None
    remove: tuple[Removal, ...]
    client_secret: str | None


async def undo_one_click_payment(deps: Deps, cmd: UndoOneClickPayment, key: Key) -> bytes:
    """Returns the Payment message, the same for the same key."""
    if cmd.amount is not None and cmd.remove:
        raise invalid("remove", "must not be set together with an amount")
    charge = await _find(deps, cmd)
    async with deps.db.transaction() as tx:
        claim = await idempotency.claim(tx, key, charge.id)
        if claim.answer is not None:
            return claim.answer
        charge = await _intend(deps, tx, charge, cmd, key, fresh=claim.fresh)
    if charge.lowering is not None and charge.lowering.key == key.text:
        return (await lower(deps, charge, charge.lowering)).body
    return await _cancel(deps, charge, key)


async def _find(deps: Deps, cmd: UndoOneClickPayment) -> Charge:
    """A browser must present the secret of the session that made the payment."""
    merchant_id, call = context.merchant_id(), context.current()
    async with deps.db.connection() as conn:
        found = await charges.of_payment(conn, merchant_id, cmd.payment_id)
        charge = required(found, errors.PaymentNotFound)
        if not call.publishable:
            return charge
        session = await sessions.get(conn, merchant_id, charge.session_id or "")
    if session is None:
        raise errors.ClientSecretInvalid
    rules.check_secret(session, cmd.client_secret, needed=True)
    return charge


async def _intend(
    deps: Deps, tx: Conn, found: Charge, cmd: UndoOneClickPayment, key: Key, *, fresh: bool
) -> Charge:
    """Records the lowering to request from payments, unless the order is cancelled.

    One lowering at a time, since each starts from the result of the previous one.
    """
    charge = required(await charges.lock(tx, found.merchant_id, found.id), errors.PaymentNotFound)
    if charge.lowering is not None and charge.lowering.key == key.text:
        return charge
    if fresh:
        _check(deps, charge)
    lowering = _lowering(charge, cmd, key)
    if lowering is None:
        return charge
    if charge.lowering is not None:
        raise errors.UndoInProgress
    await charges.start_lowering(tx, charge, lowering)
    return replace(charge, lowering=lowering)


def _check(deps: Deps, charge: Charge) -> None:
    if charge.capture is not CaptureMode.DELAYED:
        raise errors.PaymentNotCancellable
    if charge.capture_at is not None and deps.clock.now() >= charge.capture_at:
        raise errors.GracePeriodOver


def _lowering(charge: Charge, cmd: UndoOneClickPayment, key: Key) -> Lowering | None:
    """After an amount set by the shop, items no longer have valid prices."""
    if cmd.amount is not None:
        return Lowering(key.text, cmd.amount, ())
    if not cmd.remove:
        return None
    left = items.without(charge.items, cmd.remove)
    if not left:
        return None
    return Lowering(key.text, Money(items.total_minor(left), charge.amount.currency), left)


async def _cancel(deps: Deps, charge: Charge, key: Key) -> bytes:
    """The claimed key is the intent: payments is called under a key derived from it and the
    charge.
    """
    derived = f"{charge.id}-undo-{hashlib.sha256(key.text.encode()).hexdigest()[:32]}"
    try:
        payment = await deps.payments.cancel(charge.payment_id or "", key=derived)
    except (RemoteRefusal, ServiceUnavailable):
        async with deps.db.connection() as conn:
            await idempotency.release(conn, key)
        raise
    async with deps.db.connection() as conn:  # one statement, which is its own transaction
        await charges.record(conn, charge, payment, key=key)
    return payment.body


async def lower(deps: Deps, charge: Charge, lowering: Lowering) -> Answer:
    """Requests a recorded lowering from payments, and records the answer. The call that began it,
    its repeat or the worker finishes it, whichever comes first.

    A certain no is recorded and raised; without an answer the lowering stays unfinished.
    """
    key = Key(charge.merchant_id, METHOD, lowering.key, b"")
    try:
        payment = await _ask(deps, charge, lowering)
    except ServiceUnavailable:
        async with deps.db.connection() as conn:
            await idempotency.release(conn, key)
        raise
    except RemoteRefusal:
        async with deps.db.transaction() as tx:
            await charges.end_lowering(tx, charge, lowering, done=False)
            await idempotency.release(tx, key)
        raise
    async with deps.db.transaction() as tx:
        ended = await charges.end_lowering(tx, charge, lowering, done=True)
        await charges.record(tx, charge, payment, key=key)
        if ended and lowering.items:
            await events.items_removed(tx, charge, lowering, deps.clock.now())
    return payment


async def _ask(deps: Deps, charge: Charge, lowering: Lowering) -> Answer:
    """A repeat may be refused because the first call succeeded and the capture has happened
    since.
    """
    payment_id = charge.payment_id or ""
    try:
        return await deps.payments.lower_payment(payment_id, lowering.amount, key=charge.id)
    except RemoteRefusal as refusal:
        payment = await deps.payments.get(payment_id)
        if payment.capturable_minor != lowering.amount.amount_minor:
            raise refusal from None
        return payment
