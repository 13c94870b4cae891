"""PSP webhooks: verified, stored once, applied through the same rules as every outcome.

They may arrive twice, late, in any order, and before the answer to the call that they report. Most
only repeat that answer: those cost one insert, without a lock.
"""

import time
from collections.abc import Mapping
from dataclasses import dataclass

from libs import clock, context, telemetry
from services.payments import metrics
from services.payments.connectors.base import (
    Notice,
    OperationNotice,
    WebhookMalformedError,
    WebhookSignatureError,
)
from services.payments.deps import Deps
from services.payments.errors import ChargeNotKnownYet, WebhookMalformed, WebhookSignatureInvalid
from services.payments.flows import notices, record
from services.payments.rules import stale
from services.payments.rules.transitions import Change
from services.payments.store import notices as inbox
from services.payments.store.accounts import PspAccount


@dataclass(frozen=True, slots=True)
class HandlePspWebhook:
    psp_account_id: str
    body: bytes
    headers: Mapping[str, str]


async def handle_psp_webhook(deps: Deps, cmd: HandlePspWebhook) -> bool:
    """Returns whether it was new."""
    account, notice = await _read(deps, cmd)
    try:
        fresh, change = await _handle(deps, account, notice, cmd.body)
    except ChargeNotKnownYet:
        metrics.NOTICES.labels(account.psp, "early").inc()
        raise
    metrics.NOTICES.labels(account.psp, "fresh" if fresh else "repeated").inc()
    if change is not None:
        record.count(change)
    return fresh


async def _handle(
    deps: Deps, account: PspAccount, notice: Notice, body: bytes
) -> tuple[bool, Change | None]:
    """Returns whether it was new, and what it changed."""
    fresh = await _store_stale(deps, account, notice, body)
    if fresh is not None:
        return fresh, None
    async with deps.db.transaction() as tx:
        if not await inbox.take(tx, account, notice.psp_event_id, body):
            return False, None
        offset = await clock.offset(tx, account.merchant_id)
        seconds = int(offset.total_seconds())
        context.act_for(_actor(account), account.merchant_id, seconds)
        return True, await notices.apply(tx, deps, account, notice)


async def _store_stale(deps: Deps, account: PspAccount, notice: Notice, body: bytes) -> bool | None:
    """Whether it was new to the inbox; None if it may change something, and is not stored yet."""
    if not isinstance(notice, OperationNotice) or not notice.key:
        return None
    with telemetry.span("apply psp webhook") as span:
        async with deps.db.connection() as conn:
            taken = await inbox.take_stale(
                conn,
                account,
                notice.psp_event_id,
                body,
                attempt_id=notice.key,
                kind=notice.kind,
                known=stale.standings(notice.kind, notice.outcome),
            )
        if taken is None:
            return None
        if link := telemetry.link_to(taken.traceparent):
            span.add_link(link.context)
        return taken.fresh


async def _read(deps: Deps, cmd: HandlePspWebhook) -> tuple[PspAccount, Notice]:
    """The caller is a PSP: the account determines the merchant; its clock is read later, if needed."""
    account = await deps.routing_cache.account_by_id(cmd.psp_account_id)
    context.act_for(_actor(account), account.merchant_id)
    connector = deps.psps.connector(account)
    try:
        return account, connector.parse_webhook(cmd.body, cmd.headers, time.time())
    except WebhookSignatureError as error:
        metrics.NOTICES.labels(account.psp, "forged").inc()
        raise WebhookSignatureInvalid from error
    except WebhookMalformedError as error:
        metrics.NOTICES.labels(account.psp, "malformed").inc()
        raise WebhookMalformed from error


def _actor(account: PspAccount) -> str:
    return f"psp:{account.psp}"
