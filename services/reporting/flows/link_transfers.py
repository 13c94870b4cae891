"""Reports bank lines to paylink: credits whose text names a payment link.

The row is written with the line; the worker calls paylink, with the line's id as the idempotency key,
until it answers.
"""

from libs.errors import RemoteRefusal, ServiceUnavailable
from libs.logs import log
from libs.payments.certain import is_certain
from libs.payments.due import DueRow
from services.reporting.deps import Deps
from services.reporting.rules.link_transfers import LinkTransferState
from services.reporting.store import link_transfers as store
from services.reporting.store.link_transfers import LINK_TRANSFERS


async def report(deps: Deps, due: DueRow) -> None:
    """Only a definite refusal ends it: without an answer, the call is retried with the same key."""
    transfer = await deps.db.run(LINK_TRANSFERS.get, due.merchant_id, due.id)
    if transfer is None or transfer.state is not LinkTransferState.PENDING:
        return
    try:
        recorded = await deps.links.record(transfer)
    except RemoteRefusal as refusal:
        if is_certain(refusal):
            state, now = LinkTransferState.REFUSED, deps.clock.now()
            await deps.db.run(store.end, transfer, state, refusal.reason, now=now)
        else:
            log.info("paylink has not answered for a bank line", reason=refusal.reason)
        return
    except ServiceUnavailable as refusal:
        log.info("paylink has not answered for a bank line", reason=refusal.reason)
        return
    await deps.db.run(
        store.end,
        transfer,
        LinkTransferState.RECORDED,
        recorded.state,
        bank_transfer_id=recorded.bank_transfer_id,
        payment_link_id=recorded.payment_link_id,
        now=deps.clock.now(),
    )
