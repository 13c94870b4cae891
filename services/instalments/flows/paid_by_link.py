"""A missed part whose link was paid, as paylink reports: in the inbox's transaction, in any order
and any number of times.
"""

from dataclasses import replace

from libs import context
from libs.db import Conn
from libs.errors import InternalError, required
from libs.payments import asking
from libs.payments.links import LinkEvent, moved
from services.instalments.deps import Deps
from services.instalments.flows import collecting
from services.instalments.rules import links as rules
from services.instalments.rules.links import PaidByLink
from services.instalments.rules.plans import Shown
from services.instalments.store import links, plans
from services.instalments.store.plans import PLANS


async def settle_part(deps: Deps, conn: Conn, paid_link: PaidByLink) -> None:
    """Settles that part and only that one. Money for a part that is no longer owed is reported to
    the operator.
    """
    merchant_id, now = context.merchant_id(), deps.clock.now()
    plan = required(await PLANS.lock(conn, merchant_id, paid_link.plan_id), InternalError)
    before = Shown(plan, await plans.parts(conn, merchant_id, plan.id))
    await _paid(conn, merchant_id, paid_link)
    if rules.is_surplus(before.parts[paid_link.number - 1], paid_link):
        asking.count_after_end(paid_link.payment_id or paid_link.payment_link_id)
    after = Shown(*rules.settled(before.plan, before.parts, paid_link, now))
    await collecting.changed(conn, [(before, after)], now)


async def _paid(conn: Conn, merchant_id: str, paid_link: PaidByLink) -> None:
    """Marks the link as paid, even if paylink's answer is not recorded yet."""
    link = await links.find(
        conn, merchant_id, paid_link.plan_id, paid_link.number, paid_link.payment_link_id
    )
    if link is not None and (state := moved(link, LinkEvent.PAY)) is not None:
        await links.save(
            conn, replace(link, state=state, payment_link_id=paid_link.payment_link_id)
        )
