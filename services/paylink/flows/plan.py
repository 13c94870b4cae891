"""Pay a link in instalments: quote, intent, commit, have the plan made, record what becomes of it.

A plan is a try like the others: while it may be signed and paid the link is paid in no other way. The
try's id is the key under which instalments is asked, so a repeat of any step is the same plan. Of a payer whom
the link does not name a customer is made first.
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
from services.paylink.flows.ending import record_try
from services.paylink.flows.links import locked
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
    """The try with its plan, or without one when instalments has not answered.

    The same key answers the same try, as it is by then. Raises the refusals of ChoosePlan.
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
    """Have the plan made. A certain no ends the try and is passed on; without an answer it stays."""
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
    """Whose plan it is: made of the payer where the link names nobody. Raises CustomerErased, and as `move`."""
    if payment.customer_id is not None:
        return payment.customer_id
    link = required(
        await deps.db.run(LINKS.get, payment.merchant_id, payment.link_id), InternalError
    )
    if link.customer_id is not None:  # begun before tries knew whose plan it is
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
    """Any order, any number of times: only a try under way is moved by its plan."""

    def told(current: LinkPayment) -> LinkPayment:
        return replace(current, request=None, plan_id=answer.id)

    recorded = await record_try(tx, payment, answer.outcome, told, now)
    if answer.outcome is Outcome.SUCCEED and recorded.state is not PaymentState.SUCCEEDED:
        asking.AFTER_END.inc()
        log.error("a plan was paid after its attempt had ended", payment_link_id=payment.link_id)
    return recorded


async def follow_plan(deps: Deps, conn: Conn, merchant_id: str, answer: PlanAnswer) -> None:
    """An event of instalments, in the inbox's transaction. Most plans are of no link."""
    payment = await payments.of_plan(conn, merchant_id, answer.id)
    if payment is not None:
        await record_in(conn, payment, answer, deps.clock.now())


async def refresh(deps: Deps, payment: LinkPayment) -> LinkPayment:
    """The try after asking instalments how its plan stands; made first where nobody knows of one."""
    if payment.plan_id is None:
        return await _made(deps, payment)
    return await _record(deps, payment, await deps.instalments.get(payment.plan_id))


async def settle(deps: Deps, payment: LinkPayment, *, age: timedelta) -> None:
    """A try without an end, `age` after somebody asked for it. A plan of which nobody was told the address
    is signed by nobody: without an answer in time the link is open again.
    """
    try:
        if payment.plan_id is None and age >= asking.ABANDON_AFTER:
            await pay.give_up(deps, payment)
        else:
            await refresh(deps, payment)
    except (RemoteRefusal, CustomerErased, ServiceUnavailable) as refusal:
        log.info("a plan is not settled yet", reason=refusal.reason)


async def give_up_plan(deps: Deps, payment: LinkPayment) -> LinkPayment:
    """The try after its plan was cancelled; when it cannot be, its state tells why.

    Raises ServiceUnavailable when instalments does not answer.
    """
    current = payment if payment.plan_id is not None else await _made(deps, payment)
    if current.plan_id is None or current.state is not PaymentState.PROCESSING:
        return current
    try:
        answer = await deps.instalments.cancel(current.plan_id)
    except RemoteRefusal:
        answer = await deps.instalments.get(current.plan_id)
    return await _record(deps, current, answer)
