"""Due links: a reminder is sent, or they expire and may get a new address."""

from dataclasses import replace

from libs.due import DueRow
from services.paylink import events
from services.paylink.deps import Deps
from services.paylink.flows.outcomes import expire_in
from services.paylink.flows.reissue import reissue_in
from services.paylink.rules import transitions
from services.paylink.rules.domain import Reason
from services.paylink.rules.states import LinkState
from services.paylink.store import links
from services.paylink.store.links import LINKS


async def process_due(deps: Deps, due: DueRow) -> None:
    """Checks again under the lock: another worker, or a payment, may have been faster."""
    now = deps.clock.now()
    async with deps.db.transaction() as tx:
        link = await LINKS.lock(tx, due.merchant_id, due.id)
        at = transitions.due_at(link) if link is not None else None
        if link is None or at is None or at > now:
            return
        if link.state is LinkState.PAYING or link.expires_at <= now:
            again = link.reissue_on_expiry and not link.reissued_by_itself
            expired = await expire_in(tx, link, now)
            if again:
                await reissue_in(
                    deps, tx, expired, now, days=expired.expires_in_days, by_itself=True
                )
            return
        reminded = replace(link, next_reminder_at=transitions.next_reminder(link, now))
        saved = await links.save(tx, link, reminded, shown=False)
        await events.link_sent(tx, saved, Reason.REMINDER, now)
