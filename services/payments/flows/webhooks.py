"""PSP webhooks: verified, stored once, applied through the rules of every outcome.

They come twice, late, in any order, and before the answer of the call that they tell of.
"""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from libs import context, telemetry
from libs.db import Conn
from libs.logs import log
from services.payments import disputes, metrics
from services.payments.connectors.base import (
    DisputeNotice,
    Notice,
    OperationNotice,
    OtherNotice,
    WebhookMalformedError,
    WebhookSignatureError,
)
from services.payments.deps import Deps
from services.payments.domain import Attempt, Dispute, Payment
from services.payments.errors import (
    PspAccountNotFound,
    WebhookMalformed,
    WebhookSignatureInvalid,
)
from services.payments.flows import record
from services.payments.outcomes import Approved
from services.payments.settling import Change, released_elsewhere, settle, taken_elsewhere
from services.payments.states import DISPUTE_INITIAL, AttemptKind
from services.payments.store import accounts, attempts, notices, payments
from services.payments.store.accounts import PspAccount


@dataclass(frozen=True, slots=True)
class HandlePspWebhook:
    psp_account_id: str
    body: bytes
    headers: Mapping[str, str]


async def handle_psp_webhook(deps: Deps, cmd: HandlePspWebhook) -> bool:
    """Whether it was new."""
    account, notice = await _read(deps, cmd)
    change: Change | None = None
    async with deps.db.transaction() as tx:
        fresh = await notices.take(
            tx,
            merchant_id=account.merchant_id,
            psp_account_id=account.id,
            psp_event_id=notice.psp_event_id,
            body=cmd.body,
        )
        if fresh:
            change = await _apply(tx, deps, account, notice)
    metrics.NOTICES.labels(account.psp, "fresh" if fresh else "repeated").inc()
    if change is not None:
        record.count(change)
    return fresh


async def _read(deps: Deps, cmd: HandlePspWebhook) -> tuple[PspAccount, Notice]:
    """The caller is a PSP: merchant and clock come from the account."""
    async with deps.db.connection() as conn:
        found = await accounts.by_id(conn, cmd.psp_account_id)
    if found is None:
        raise PspAccountNotFound
    account, offset = found
    work_for(account.merchant_id, offset, actor=f"psp:{account.psp}")
    connector = deps.psps.connector(account)
    try:
        return account, connector.parse_webhook(cmd.body, cmd.headers, time.time())
    except WebhookSignatureError as error:
        metrics.NOTICES.labels(account.psp, "forged").inc()
        raise WebhookSignatureInvalid from error
    except WebhookMalformedError as error:
        metrics.NOTICES.labels(account.psp, "malformed").inc()
        raise WebhookMalformed from error


def work_for(merchant_id: str, clock_offset: timedelta, *, actor: str = "payments") -> None:
    """What follows in this task is done for the merchant, by the merchant's clock."""
    context.set_current(
        context.Call(
            merchant_id=merchant_id,
            actor=actor,
            clock_offset_seconds=int(clock_offset.total_seconds()),
        )
    )


async def _apply(tx: Conn, deps: Deps, account: PspAccount, notice: Notice) -> Change | None:
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
    named = await _attempt_of(tx, account, notice)
    if named is None:
        log.warning("webhook of an unknown operation", psp_event_id=notice.psp_event_id)
        return None
    payment, named = await record.lock(tx, named)
    attempt = named
    if named.kind is not notice.kind:  # it names the charge; the operation is another attempt
        found = await attempts.open_of(tx, payment.merchant_id, payment.id, notice.kind)
        attempt = found or named
    with telemetry.span("apply psp webhook", links=(payment.traceparent,)):
        if attempt.kind is notice.kind:
            change = settle(
                payment,
                attempt,
                notice.outcome,
                now=deps.clock.now(),
                next_attempt_id="",
                may_go_on=False,
            )
        else:
            change = _elsewhere(payment=payment, attempt=attempt, notice=notice)
        await record.write(tx, deps, (payment, attempt), change)
    return change


def _elsewhere(*, payment: Payment, attempt: Attempt, notice: OperationNotice) -> Change:
    """An operation that we did not ask for, on a charge of ours."""
    if isinstance(notice.outcome, Approved):
        if notice.kind is AttemptKind.CAPTURE:
            return taken_elsewhere(payment, attempt, notice.outcome)
        if notice.kind is AttemptKind.CANCEL:
            return released_elsewhere(payment, attempt)
    log.warning(
        "webhook of a foreign operation", psp_event_id=notice.psp_event_id, payment_id=payment.id
    )
    return Change(payment, attempt, changed=False)


async def _attempt_of(tx: Conn, account: PspAccount, notice: OperationNotice) -> Attempt | None:
    """By our key, or by the PSP's reference. Only of this account."""
    if notice.key:
        found = await attempts.get(tx, account.merchant_id, notice.key)
        return found if found and found.psp_account_id == account.id else None
    return await attempts.by_reference(
        tx,
        merchant_id=account.merchant_id,
        psp_account_id=account.id,
        psp_reference=notice.psp_reference,
        kind=notice.kind,
    )


async def _apply_dispute(tx: Conn, deps: Deps, account: PspAccount, notice: DisputeNotice) -> None:
    named = await attempts.by_reference(
        tx,
        merchant_id=account.merchant_id,
        psp_account_id=account.id,
        psp_reference=notice.psp_reference,
        kind=AttemptKind.AUTHORISE,
    )
    if named is None:
        log.warning("webhook of an unknown charge", psp_event_id=notice.psp_event_id)
        return
    payment, _ = await record.lock(tx, named)
    known = (d for d in payment.disputes if d.psp_reference == notice.dispute_reference)
    dispute = next(known, None) or Dispute(
        id=deps.new_id("dis"),
        merchant_id=payment.merchant_id,
        payment_id=payment.id,
        state=DISPUTE_INITIAL,
        amount_minor=notice.amount_minor,
        currency=payment.currency,
        reason=notice.reason,
        psp_reference=notice.dispute_reference,
        created_at=deps.clock.now(),
    )
    after, dispute, happened = disputes.disputed(payment, dispute, notice.state)
    if happened:
        await notices.save_dispute(tx, dispute, psp_account_id=account.id)
        saved = await payments.save(tx, payment, after)
        assert saved is not None  # it is locked
        await record.tell(tx, deps, saved, happened)
