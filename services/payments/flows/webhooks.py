"""PSP webhooks: verified, stored once, applied through the rules of every outcome.

They come twice, late, in any order, and before the answer of the call that they tell of. Most tell
what the call's own answer told before: those are stored without a lock.
"""

import time
from collections.abc import Mapping
from contextlib import AbstractContextManager
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
from services.payments.errors import WebhookMalformed, WebhookSignatureInvalid
from services.payments.flows import record
from services.payments.outcomes import Approved
from services.payments.settling import Change, released_elsewhere, settle, taken_elsewhere
from services.payments.states import (
    ATTEMPT_FINAL,
    DISPUTE_INITIAL,
    TRANSITIONS,
    AttemptKind,
    Event,
)
from services.payments.store import accounts, attempts, notices, payments
from services.payments.store.accounts import PspAccount
from services.payments.store.attempts import Standing


@dataclass(frozen=True, slots=True)
class HandlePspWebhook:
    psp_account_id: str
    body: bytes
    headers: Mapping[str, str]


async def handle_psp_webhook(deps: Deps, cmd: HandlePspWebhook) -> bool:
    """Whether it was new."""
    account, notice = await _read(deps, cmd)
    fresh = await _store_old_news(deps, account, notice, cmd.body)
    change: Change | None = None
    if fresh is None:
        async with deps.db.transaction() as tx:
            fresh = await _take(tx, account, notice, cmd.body)
            if fresh:
                offset = await accounts.clock_offset(tx, account.merchant_id)
                work_for(account.merchant_id, offset, actor=_actor(account))
                change = await _apply(tx, deps, account, notice)
    metrics.NOTICES.labels(account.psp, "fresh" if fresh else "repeated").inc()
    if change is not None:
        record.count(change)
    return fresh


async def _store_old_news(
    deps: Deps, account: PspAccount, notice: Notice, body: bytes
) -> bool | None:
    """Whether it was new to the inbox; None when it may tell something, and is not stored."""
    if not isinstance(notice, OperationNotice) or not notice.key:
        return None
    async with deps.db.connection() as conn:
        standing = await attempts.standing(conn, account.merchant_id, notice.key)
        if standing is None or standing.psp_account_id != account.id:
            return None
        if not is_old_news(notice, standing):
            return None
        with telemetry.span("apply psp webhook", links=(standing.traceparent,)):
            return await _take(conn, account, notice, body)


def is_old_news(notice: OperationNotice, standing: Standing) -> bool:
    """Whether it changes nothing, now and for ever, so that no lock is needed to say so.

    A final attempt stays as it is. All that its payment may still learn from it is that the PSP
    took what it held; once it is where that cannot happen, it never comes back.
    """
    if standing.kind is not notice.kind or standing.state not in ATTEMPT_FINAL:
        return False
    taken = isinstance(notice.outcome, Approved) and notice.outcome.captured
    return not taken or (standing.payment_state, Event.TAKEN) not in TRANSITIONS


async def _take(conn: Conn, account: PspAccount, notice: Notice, body: bytes) -> bool:
    return await notices.take(
        conn,
        merchant_id=account.merchant_id,
        psp_account_id=account.id,
        psp_event_id=notice.psp_event_id,
        body=body,
    )


def _actor(account: PspAccount) -> str:
    return f"psp:{account.psp}"


async def _read(deps: Deps, cmd: HandlePspWebhook) -> tuple[PspAccount, Notice]:
    """The caller is a PSP: the merchant comes from the account; the clock, when it is needed."""
    account = await deps.book.account_by_id(cmd.psp_account_id)
    work_for(account.merchant_id, timedelta(), actor=_actor(account))
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


def _span(payment: Payment, notice: OperationNotice) -> AbstractContextManager[object]:
    """News of the charge itself belong to the payment's trace, whether they overtake the answer or
    not; later operations have traces of their own. Each links to the other.
    """
    here = telemetry.traceparent()
    if notice.kind is AttemptKind.AUTHORISE:
        return telemetry.span("apply psp webhook", parent=payment.traceparent, links=(here,))
    return telemetry.span("apply psp webhook", links=(payment.traceparent,))


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
    with _span(payment, notice):
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
