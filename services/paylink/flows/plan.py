"""Pays a link in instalments: quote, intent, commit, create the plan, record its outcome.

A plan is an attempt like the others: while it can be signed and paid, the link cannot be paid in
another way. The attempt's id is the key of the call to instalments, so a repeat of any step is the
same plan. If the link names no customer, one is created first.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from libs import idempotency, ids
from libs.db import Conn
from libs.errors import (
    IdempotencyKeyInUse,
    InternalError,
    RemoteRefusal,
    ServiceUnavailable,
    required,
    stored,
)
from libs.idempotency import Finished, Key
from libs.logs import log
from libs.payments import asking, due
from libs.payments.answer import Outcome
from services.paylink.deps import Deps
from services.paylink.errors import CustomerErased
from services.paylink.flows import pay
from services.paylink.flows.links import locked
from services.paylink.flows.outcomes import record_outcome
from services.paylink.instalments_client import PlanAnswer
from services.paylink.rules import guests, paying, urls
from services.paylink.rules.domain import Link, LinkPayment, Method
from services.paylink.rules.states import PaymentState
from services.paylink.store import payments
from services.paylink.store.links import LINKS


@dataclass(frozen=True, slots=True)
class ChoosePlan:
    token: str
    terms_id: str
    shown_minor: int
    email: str | None = None
    name: str | None = None


async def choose_plan(deps: Deps, opened: Link, cmd: ChoosePlan, key: Key) -> LinkPayment:
    """The attempt with its plan, or without one if instalments has not answered.

    The same key returns the same attempt in its current state. Raises the refusals of ChoosePlan.
    """
    if (again := await idempotency.answered(deps.db, key)) is not None:
        return await pay.repeated(deps, opened.merchant_id, again.resource_id)
    _check(opened, cmd, deps.clock.now())
    who = guests.guest(opened, email=cmd.email, name=cmd.name)
    quoted = await deps.instalments.quote(opened, cmd.terms_id, key=f"{opened.id}-{key.text}")
    begun: LinkPayment | None = None

    async def start(tx: Conn, payment_id: str) -> Finished:
        """The intent under the link's lock, or a refusal."""
        nonlocal begun
        now = deps.clock.now()
        link = await locked(tx, opened.id)
        _check(link, cmd, now)
        paying.check_plans(await payments.count_plans(tx, link))
        reference = deps.seal.close(f"{payment_id} {cmd.token}")
        back = urls.return_url(deps.public_url, reference)
        request = deps.instalments.sealed(link, quoted.id, return_url=back)
        begun = replace(
            paying.begun(link, payment_id, Method.INSTALMENTS, now),
            request=request,
            customer_id=link.customer_id,
            partner=quoted.partner,
            payer_email=None if who is None else who.email,
            payer_name=None if who is None else who.name,
        )
        await pay.begin(tx, link, begun, now, idempotency.finished(key, b""))
        return Finished()

    started = await idempotency.once(deps.db, key, ids.new("lpy"), start)
    if begun is None:
        return await pay.repeated(deps, opened.merchant_id, started.resource_id)
    return await _made(deps, begun)


def _check(link: Link, cmd: ChoosePlan, now: datetime) -> None:
    paying.check_payable(link, Method.INSTALMENTS, now)
    paying.check_shown(link, cmd.shown_minor)


async def _made(deps: Deps, payment: LinkPayment) -> LinkPayment:
    """Creates the plan. A refusal ends the attempt and is raised; without an answer it waits."""
    try:
        customer_id = await _customer_of(deps, payment)
        answer = await deps.instalments.create(payment.request, customer_id, key=payment.id)
    except (ServiceUnavailable, IdempotencyKeyInUse) as refusal:
        log.info("plan of a link has no answer yet", reason=refusal.reason)
        merchant_id = payment.merchant_id
        await deps.db.run(due.ask_again_now, "link_payments", merchant_id, payment.id)
        return payment
    except (RemoteRefusal, CustomerErased) as refusal:
        await pay.give_up(deps, payment, stored(refusal))
        raise
    return await _record(deps, payment, answer)


async def _customer_of(deps: Deps, payment: LinkPayment) -> str:
    """The plan's customer: created from the payer if the link names none. Raises CustomerErased,
    and as `move`.
    """
    if payment.customer_id is not None:
        return payment.customer_id
    link = required(
        await deps.db.run(LINKS.get, payment.merchant_id, payment.link_id), InternalError
    )
    if link.customer_id is not None:  # begun before attempts recorded their customer
        return link.customer_id
    who = guests.of_try(payment, link)
    customer_id = await deps.saved_cards.create(who, key=guests.key_of(link.id, who))
    await deps.db.run(payments.know_customer, payment, customer_id)
    return customer_id


async def _record(deps: Deps, payment: LinkPayment, answer: PlanAnswer) -> LinkPayment:
    async with deps.db.transaction() as tx:
        return await record_in(tx, payment, answer, deps.clock.now())


async def record_in(
    tx: Conn, payment: LinkPayment, answer: PlanAnswer, now: datetime
) -> LinkPayment:
    """Any order, any number of times: a plan only changes an attempt in progress."""

    def with_answer(current: LinkPayment) -> LinkPayment:
        return replace(current, request=None, plan_id=answer.id)

    recorded = await record_outcome(tx, payment, answer.outcome, with_answer, now)
    if answer.outcome is Outcome.SUCCEED and recorded.state is not PaymentState.SUCCEEDED:
        asking.AFTER_END.inc()
        log.error("a plan was paid after its attempt had ended", payment_link_id=payment.link_id)
    return recorded


async def follow_plan(deps: Deps, conn: Conn, merchant_id: str, answer: PlanAnswer) -> None:
    """Applies an event of instalments in the inbox's transaction. Most plans belong to no link."""
    payment = await payments.of_plan(conn, merchant_id, answer.id)
    if payment is not None:
        await record_in(conn, payment, answer, deps.clock.now())


async def refresh(deps: Deps, payment: LinkPayment) -> LinkPayment:
    """The attempt after asking instalments for its plan, which is created first if none is
    known.
    """
    if payment.plan_id is None:
        return await _made(deps, payment)
    return await _record(deps, payment, await deps.instalments.get(payment.plan_id))


async def settle(deps: Deps, payment: LinkPayment, *, age: timedelta) -> None:
    """Settles an unfinished attempt, `age` after it was last requested. A plan whose URL was never
    shown cannot be signed: without an answer in time the link reopens.
    """
    try:
        if payment.plan_id is None and age >= asking.ABANDON_AFTER:
            await pay.give_up(deps, payment)
        else:
            await refresh(deps, payment)
    except (RemoteRefusal, CustomerErased, ServiceUnavailable) as refusal:
        log.info("a plan is not settled yet", reason=refusal.reason)


async def give_up_plan(deps: Deps, payment: LinkPayment) -> LinkPayment:
    """The attempt after its plan was cancelled; if that is not possible, its state says why.

    Raises ServiceUnavailable if instalments does not answer.
    """
    current = payment if payment.plan_id is not None else await _made(deps, payment)
    if current.plan_id is None or current.state is not PaymentState.PROCESSING:
        return current
    try:
        answer = await deps.instalments.cancel(current.plan_id)
    except RemoteRefusal:
        answer = await deps.instalments.get(current.plan_id)
    return await _record(deps, current, answer)
