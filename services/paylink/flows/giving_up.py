"""Gives up an unpassed challenge, or a plan on which nothing was paid: by its shopper, or by the
merchant who cancels.
"""

from datetime import timedelta

from libs.errors import RemoteRefusal, ServiceUnavailable
from libs.logs import log
from services.paylink.deps import Deps
from services.paylink.errors import PaymentLinkPaying
from services.paylink.flows import carts, pay, plan
from services.paylink.flows.cancel import cancel_in
from services.paylink.flows.links import get_payment_link, locked
from services.paylink.flows.opening import shown_payment
from services.paylink.rules import paying
from services.paylink.rules.domain import Link, Method
from services.paylink.rules.states import PaymentState
from services.paylink.store import payments


async def give_up_payment(deps: Deps, opened: Link, use: str) -> None:
    """Lets the shopper pay in another way. Does nothing if the attempt has ended, or if there is
    none.

    Raises PaymentLinkPaying while money may be taken, and ServiceUnavailable if that is unknown.
    """
    payment, _ = await shown_payment(deps, opened, use)
    if payment is None or payment.state is not PaymentState.PROCESSING:
        return
    if payment.method is Method.INSTALMENTS:
        payment = await plan.give_up_plan(deps, payment)
    elif payment.payment_state == paying.CHALLENGED:
        payment = await pay.cancel_challenge(deps, payment)
    if payment.state is PaymentState.PROCESSING:
        raise PaymentLinkPaying


async def cancel_payment_link(deps: Deps, payment_link_id: str) -> Link:
    """Cancelling again changes nothing. Raises PaymentLinkPaying, PaymentLinkClosed."""
    return await _cancel(deps, payment_link_id, paid_otherwise=False)


async def close_asked_link(
    deps: Deps,
    payment_link_id: str,
    paid_otherwise: bool,  # noqa: FBT001 - named by the RPC
) -> Link:
    """The same for a link that instalments or cod requested and that must no longer be paid."""
    return await _cancel(deps, payment_link_id, paid_otherwise=paid_otherwise)


async def _cancel(deps: Deps, payment_link_id: str, *, paid_otherwise: bool) -> Link:
    seen = await get_payment_link(deps, payment_link_id)
    await pay.give_up_challenge(deps, seen, older_than=timedelta())
    await _give_up_plan(deps, seen)
    now = deps.clock.now()
    async with deps.db.transaction() as tx:
        before = await locked(tx, payment_link_id)
        after = await cancel_in(tx, before, now, paid_otherwise=paid_otherwise)
        if after.state is not before.state and after.cart_id is not None:
            await carts.link_ended(tx, after)
    return after


async def _give_up_plan(deps: Deps, link: Link) -> None:
    """Gives up a link's plan, if instalments confirms that nothing was paid."""
    if link.paying_by is not Method.INSTALMENTS:
        return
    for payment in await deps.db.run(payments.processing, link):
        try:
            await plan.give_up_plan(deps, payment)
        except (ServiceUnavailable, RemoteRefusal) as refusal:
            log.info("plan of a link was not cancelled", reason=refusal.reason)
