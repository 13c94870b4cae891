"""Applies a PSP's notice to one of our operations, or books one made by others alongside ours.

An operation is ours if the notice has our key, or the PSP's own reference that we know. Anything
else on one of our charges was done by somebody else. A notice with an unknown charge reference is
refused while it may mean a charge of ours whose answer was lost: the PSP resends it.
"""

from contextlib import AbstractContextManager

from libs import telemetry
from libs.db import Conn
from libs.logs import log
from services.payments.connectors.base import DisputeNotice, Notice, OperationNotice, OtherNotice
from services.payments.deps import Deps
from services.payments.errors import ChargeNotKnownYet
from services.payments.flows import record
from services.payments.rules import disputes, external_operations, retry
from services.payments.rules.domain import Attempt, Dispute, Payment
from services.payments.rules.external_operations import ExternalOperation
from services.payments.rules.outcomes import Approved, Declined, Pending
from services.payments.rules.settling import settle
from services.payments.rules.states import AttemptKind, AttemptState
from services.payments.rules.transitions import Change
from services.payments.store import attempts, payments
from services.payments.store import notices as store
from services.payments.store.accounts import PspAccount

_ONCE_PER_CHARGE = frozenset({AttemptKind.CAPTURE, AttemptKind.CANCEL})


async def apply(tx: Conn, deps: Deps, account: PspAccount, notice: Notice) -> Change | None:
    """Runs in the transaction that stores the notice. Raises ChargeNotKnownYet."""
    match notice:
        case OperationNotice():
            return await _apply_operation(tx, deps, account, notice)
        case DisputeNotice():
            await _apply_dispute(tx, deps, account, notice)
        case OtherNotice():
            pass
    return None


async def _apply_operation(
    tx: Conn, deps: Deps, account: PspAccount, notice: OperationNotice
) -> Change | None:
    charge = await _charge_of(tx, account, notice)
    found = charge or await _named(tx, account, notice)
    if found is None:
        await _wait_for_charge(tx, account, notice)
        log.warning("webhook of an unknown operation", psp_event_id=notice.psp_event_id)
        return None
    payment, found = await record.lock(tx, found)
    charge = found if charge is not None else None
    ours = await _named(tx, account, notice) or await _unnamed(tx, payment, notice)
    with _span(payment, notice):
        if ours is not None and not _is_another(ours, notice):
            change = settle(payment, ours, notice.outcome, now=deps.clock.now())
            await record.write(tx, deps, (payment, ours), change)
            return change
        return await _book(tx, deps, payment, charge, notice)


async def _named(tx: Conn, account: PspAccount, notice: OperationNotice) -> Attempt | None:
    """The operation with our key or with its own reference, whether ours or made by others."""
    own = notice.operation_reference
    if not own and notice.kind is not AttemptKind.REFUND:
        own = notice.psp_reference
    return await attempts.named(tx, account, notice.kind, key=notice.key, psp_reference=own)


async def _unnamed(tx: Conn, payment: Payment, notice: OperationNotice) -> Attempt | None:
    """Our operation, if the PSP cannot name it: a charge is captured or cancelled only once, and a
    capture of the same amount is ours.
    """
    if notice.kind not in _ONCE_PER_CHARGE or notice.key or notice.operation_reference:
        return None
    if payment.psp_reference != notice.psp_reference:
        return None
    found = await attempts.open_of(tx, payment.merchant_id, payment.id, notice.kind)
    same = found is not None and found.amount_minor == notice.amount_minor
    return found if same or notice.kind is AttemptKind.CANCEL else None


def _is_another(ours: Attempt, notice: OperationNotice) -> bool:
    """Whether the PSP refused ours and carried out somebody else's instead."""
    refused = ours.state is AttemptState.DECLINED and isinstance(notice.outcome, Approved)
    return refused and notice.kind in _ONCE_PER_CHARGE


async def _charge_of(
    tx: Conn, account: PspAccount, notice: OperationNotice | DisputeNotice
) -> Attempt | None:
    """The authorisation of the charge that the notice is about."""
    key, reference = notice.charge_key, notice.psp_reference
    return await attempts.named(
        tx, account, AttemptKind.AUTHORISE, key=key, psp_reference=reference
    )


async def _wait_for_charge(
    tx: Conn, account: PspAccount, notice: OperationNotice | DisputeNotice
) -> None:
    """Raises ChargeNotKnownYet if the charge may be ours. It is not if the notice has a key, or
    reports the charge itself rather than a refund or dispute.
    """
    identified = bool(notice.charge_key) or (
        isinstance(notice, OperationNotice)
        and (bool(notice.key) or notice.kind is not AttemptKind.REFUND)
    )
    if not identified and await store.is_any_without_reference(
        tx,
        account,
        told_at=notice.told_at,
        skew=retry.CLOCK_SKEW,
        max_age=retry.UNRESOLVED_AFTER,
    ):
        raise ChargeNotKnownYet


async def _book(
    tx: Conn, deps: Deps, payment: Payment, charge: Attempt | None, notice: OperationNotice
) -> Change | None:
    """Books an operation that others made on one of our charges."""
    outcome = notice.outcome
    amount = outcome.amount_minor if isinstance(outcome, Approved) else notice.amount_minor
    has_outcome = isinstance(outcome, Approved | Declined | Pending) and amount > 0
    if charge is None or notice.kind is AttemptKind.AUTHORISE or not has_outcome:
        log.warning("webhook has too little data", psp_event_id=notice.psp_event_id)
        return None
    assert isinstance(outcome, Approved | Declined | Pending)  # see above
    change = external_operations.recorded(
        payment,
        charge,
        ExternalOperation(
            kind=notice.kind,
            psp_reference=notice.operation_reference or notice.psp_reference,
            charge_reference=notice.psp_reference,
            amount_minor=amount,
            outcome=outcome,
        ),
        attempt_id=deps.new_id("ref" if notice.kind is AttemptKind.REFUND else "att"),
        now=deps.clock.now(),
    )
    await record.record_external(tx, deps, payment, change)
    log.info(
        "operation made at the PSP",
        payment_id=payment.id,
        attempt_id=change.attempt.id,
        kind=notice.kind.value,
    )
    return change


def _span(payment: Payment, notice: OperationNotice) -> AbstractContextManager[object]:
    """Notices about the charge itself belong to the payment's trace, even if they overtake the
    answer; later operations have their own traces. Each links to the other.
    """
    here = telemetry.traceparent()
    if notice.kind is AttemptKind.AUTHORISE:
        return telemetry.span("apply psp webhook", parent=payment.traceparent, links=(here,))
    return telemetry.span("apply psp webhook", links=(payment.traceparent,))


async def _apply_dispute(tx: Conn, deps: Deps, account: PspAccount, notice: DisputeNotice) -> None:
    charge = await _charge_of(tx, account, notice)
    if charge is None:
        await _wait_for_charge(tx, account, notice)
        log.warning("webhook of an unknown charge", psp_event_id=notice.psp_event_id)
        return
    payment, _ = await record.lock(tx, charge)
    reported = Dispute(
        id=deps.new_id("dis"),
        merchant_id=payment.merchant_id,
        payment_id=payment.id,
        state=notice.state,
        amount_minor=notice.amount_minor,
        currency=payment.currency,
        reason=notice.reason,
        psp_reference=notice.dispute_reference,
        created_at=deps.clock.now(),
        told_at=notice.told_at,
    )
    after, dispute, happened = disputes.disputed(payment, reported)
    if after != payment:
        await store.save_dispute(tx, dispute, psp_account_id=account.id)
        saved = await payments.save_locked(tx, payment, after)
        await record.append_events(tx, deps, saved, happened)
