"""Payment links of missed parts: requested and given up in the transaction that changes a part,
created and closed by the worker.

Nothing waits for paylink: parts are charged without it. Payments decides between a link and a
charge of the same part, since it accepts each part of an order only once.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from libs import context, ids, outbox
from libs.db import Conn
from libs.errors import InternalError, RemoteRefusal, ServiceUnavailable, required
from libs.logs import log
from libs.payments.certain import is_certain
from libs.payments.due import CHECK_AFTER, DueRow
from libs.payments.link_calls import PAYING
from libs.payments.links import LinkEvent, LinkState, moved
from services.instalments import message_events
from services.instalments.deps import Deps
from services.instalments.errors import PlanBusy
from services.instalments.rules import links as rules
from services.instalments.rules.links import PartLink
from services.instalments.rules.plans import Instalment, Plan, Shown
from services.instalments.rules.states import InstalmentState
from services.instalments.store import links as store
from services.instalments.store import plans
from services.instalments.store.links import PART_LINKS
from services.instalments.store.plans import PLANS


async def follow(tx: Conn, changed: Sequence[Shown], now: datetime) -> None:
    """Gives up links for outdated amounts, and requests new ones for missed parts without any. The
    changed plans are locked in this transaction.
    """
    late = [shown for shown in changed if any(part.missed_at for part in shown.parts)]
    if not late:
        return
    found = await store.open_of(tx, late[0].plan.merchant_id, [shown.plan.id for shown in late])
    for shown in late:
        links = [link for link in found if link.plan_id == shown.plan.id]
        outdated = rules.outdated(shown, links)
        for link in outdated:
            await store.save(tx, rules.released(link))
        for part in rules.without(shown, [link for link in links if link not in outdated]):
            await store.insert(tx, _wanted(shown, part, now))


def _wanted(shown: Shown, part: Instalment, now: datetime) -> PartLink:
    plan = shown.plan
    return PartLink(
        merchant_id=plan.merchant_id,
        id=ids.new("ilk"),
        plan_id=plan.id,
        number=part.number,
        amount=rules.due(plan, part),
        description=rules.described(plan, part, len(shown.parts)),
        created_at=now,
    )


async def settle_due(deps: Deps, due: DueRow) -> None:
    """Creates or closes a link. Unanswered calls are repeated later. A part that is still missed
    when its link is closed gets another.
    """
    link = await deps.db.run(PART_LINKS.get, due.merchant_id, due.id)
    try:
        if link is not None and link.state is LinkState.WANTED:
            await _make(deps, link)
        elif link is not None and link.state is LinkState.CLOSING:
            await _close(deps, link)
            await reissue(deps, link.plan_id)
    except (RemoteRefusal, ServiceUnavailable) as refusal:
        log.info("a link of an instalment is not settled yet", reason=refusal.reason)


async def _make(deps: Deps, link: PartLink) -> PartLink:
    """The same key creates the same link. A definite refusal, e.g. for an erased customer, ends it."""
    plan = required(await deps.db.run(PLANS.get, link.merchant_id, link.plan_id), InternalError)
    try:
        payment_link_id = await deps.links.make(plan, link)
    except RemoteRefusal as refusal:
        if not is_certain(refusal):
            raise
        log.info("no payment link for an instalment", reason=refusal.reason)
        return await _moved(deps, link, LinkEvent.CLOSE, None)
    return await _moved(deps, link, LinkEvent.MAKE, payment_link_id)


async def _close(deps: Deps, link: PartLink) -> None:
    """A link requested without an answer is created first, so that it can be closed. Raises
    RemoteRefusal while it is being paid.
    """
    made = link if link.payment_link_id else await _make(deps, link)
    if made.payment_link_id is not None:
        parts = await deps.db.run(plans.parts, link.merchant_id, link.plan_id)
        is_paid = parts[link.number - 1].state is InstalmentState.PAID
        await deps.links.close(made.payment_link_id, paid_otherwise=is_paid)
    await _moved(deps, link, LinkEvent.CLOSE, made.payment_link_id)


async def _moved(
    deps: Deps, link: PartLink, event: LinkEvent, payment_link_id: str | None
) -> PartLink:
    """The link after the event, which may come too late to change anything. If it is now open, the
    customer is notified.
    """
    async with deps.db.transaction() as tx:
        plan = required(await PLANS.lock(tx, link.merchant_id, link.plan_id), InternalError)
        current = required(await PART_LINKS.lock(tx, link.merchant_id, link.id), InternalError)
        state = moved(current, event) or current.state
        known = current.payment_link_id or payment_link_id
        after = replace(current, state=state, payment_link_id=known)
        await store.save(tx, after)
        if state is LinkState.OPEN and known is not None:
            part = (await plans.parts(tx, plan.merchant_id, plan.id))[link.number - 1]
            await outbox.append(tx, message_events.missed(plan, part, known, deps.clock.now()))
    return after


async def release(deps: Deps, plan_id: str) -> None:
    """Closes all links of the plan, before one payment ends several parts, which payments cannot
    tell apart. Raises PlanBusy while a link is being paid, ServiceUnavailable while that is
    unknown.
    """
    merchant_id = context.merchant_id()
    async with deps.db.transaction() as tx:
        if await PLANS.lock(tx, merchant_id, plan_id) is None:
            return
        found = await store.unended(tx, merchant_id, plan_id)
        links = [
            rules.released(one) if one.state is not LinkState.CLOSING else one for one in found
        ]
        for link in links:
            await store.save(tx, link, due_in=CHECK_AFTER)  # we close it first
    for link in links:
        if link.state is LinkState.CLOSING:
            await _released(deps, link)


async def _released(deps: Deps, link: PartLink) -> None:
    try:
        await _close(deps, link)
    except RemoteRefusal as refusal:
        raise (PlanBusy if refusal.reason == PAYING else ServiceUnavailable) from refusal


async def check_released(tx: Conn, plan: Plan) -> None:
    """Raises PlanBusy unless all links of the plan, locked in this transaction, have ended."""
    if await store.unended(tx, plan.merchant_id, plan.id):
        raise PlanBusy


async def reissue(deps: Deps, plan_id: str) -> None:
    """Requests links again for parts that are still missed."""
    async with deps.db.transaction() as tx:
        plan = await PLANS.lock(tx, context.merchant_id(), plan_id)
        if plan is not None:
            parts = await plans.parts(tx, plan.merchant_id, plan.id)
            await follow(tx, [Shown(plan, parts)], deps.clock.now())
