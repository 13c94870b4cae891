"""Tries to pay after the click: payments' events, and those that were left without an end."""

from datetime import timedelta
from typing import Final

from libs import context
from libs.db import Conn
from libs.errors import IdempotencyKeyInUse, RemoteRefusal, ServiceUnavailable
from libs.logs import log
from services.paylink.deps import Deps
from services.paylink.flows import pay
from services.paylink.rules import paying
from services.paylink.rules.cards import PaymentAnswer
from services.paylink.rules.domain import Link, LinkPayment
from services.paylink.rules.states import PaymentState
from services.paylink.store import links, payments
from services.paylink.store.due import DuePayment

MARGIN: Final = timedelta(minutes=1)  # a payment may be this much older than its try


async def follow_payment(deps: Deps, conn: Conn, answer: PaymentAnswer) -> None:
    """An event of payments, in the inbox's transaction. Any order, any number of times.

    A payment that no try knows yet names its try; one without the name is learnt by asking again.
    """
    payment = await payments.of_payment(
        conn, context.merchant_id(), answer.id, answer.link_payment_id
    )
    if payment is not None:
        await pay.record_in(conn, payment, answer, deps.clock.now())


async def refresh(deps: Deps, payment: LinkPayment) -> LinkPayment:
    """The try after asking payments how its payment stands."""
    if payment.payment_id is None or payment.state is not PaymentState.PROCESSING:
        return payment
    return await pay.record(deps, payment, await deps.payments.get_payment(payment.payment_id))


async def settle_due(deps: Deps, due: DuePayment) -> None:
    """A try without an end: the one who started it crashed, got no answer, or went away."""
    async with deps.db.connection() as conn:
        payment = await payments.get(conn, due.merchant_id, due.payment_id)
        link = await links.get(conn, due.merchant_id, payment.link_id) if payment else None
    if payment is None or link is None or payment.state is not PaymentState.PROCESSING:
        return
    try:
        await _settle(deps, link, payment, due.age)
    except (IdempotencyKeyInUse, RemoteRefusal, ServiceUnavailable) as refusal:
        log.info("payment of a link is not settled", reason=refusal.reason)


async def _settle(deps: Deps, link: Link, payment: LinkPayment, age: timedelta) -> None:
    if payment.payment_id is None:
        if age < paying.ABANDON_AFTER:
            await pay.perform(deps, payment)
        elif age >= paying.FIND_AFTER:
            await _find_or_abandon(deps, link, payment)
        return
    current = await refresh(deps, payment)
    if current.state is PaymentState.PROCESSING and paying.challenge_is_older(
        current, paying.GIVE_UP_AFTER, deps.clock.now()
    ):
        await pay.cancel_challenge(deps, current)


async def _find_or_abandon(deps: Deps, link: Link, payment: LinkPayment) -> None:
    """Too late to charge a shopper who has left; but payments may have done it long ago.

    Its list is the truth by now: the last call of ours has had its time to arrive.
    """
    found = await deps.payments.payments_like(
        payment,
        link.order_reference,
        created_from=payment.created_at - MARGIN,
        created_to=max(deps.clock.now() + MARGIN, payment.created_at),
    )
    async with deps.db.connection() as conn:
        known = await payments.attached(conn, payment.merchant_id, [one.id for one in found])
    own = next((one for one in found if one.id not in known), None)
    if own is not None:
        await pay.record(deps, payment, own)
    else:
        await pay.give_up(deps, payment)
