"""Pays a link by card: intent, commit, call payments, record.

The attempt's id is the key of the call to payments, so a repeat of any step is the same payment.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial

from libs import combined_writes, idempotency, ids
from libs.combined_writes import Write
from libs.db import Conn
from libs.errors import (
    IdempotencyKeyInUse,
    InternalError,
    RemoteRefusal,
    ServiceUnavailable,
    StoredRefusal,
    invalid,
    required,
)
from libs.idempotency import Finished, Key
from libs.logs import log
from libs.payments import asking, due, velocity
from libs.payments.answer import Answer, Intent, Outcome
from libs.payments.saved_cards import SavedCard
from services.paylink import events
from services.paylink.deps import Deps
from services.paylink.errors import InstrumentNotFound, InstrumentNotUsable, MethodNotOffered
from services.paylink.flows.links import locked
from services.paylink.flows.outcomes import end_payment, pay_at_once, record_outcome
from services.paylink.payments_client import payment_request
from services.paylink.rules import paying, transitions, urls
from services.paylink.rules.domain import Link, LinkPayment, Method, NewCard
from services.paylink.rules.states import LinkEvent, PaymentState
from services.paylink.store import links, payments
from services.paylink.store.links import Seen
from services.paylink.store.payments import ATTEMPTS


@dataclass(frozen=True, slots=True)
class PayByCard:
    """Either a saved card or a new one."""

    token: str
    instrument_id: str | None
    new_card: NewCard | None
    payer_email: str | None
    shown_minor: int
    ip: str | None


async def pay_by_card(deps: Deps, opened: Link, cmd: PayByCard, key: Key) -> LinkPayment:
    """The attempt after payments' answer, or in progress if there is none.

    The same key returns the same attempt in its current state. Raises the refusals of PayByCard.
    """
    if (again := await idempotency.answered(deps.db, key)) is not None:
        return await repeated(deps, opened.merchant_id, again.resource_id)
    card = await _card(deps, opened, cmd)
    await give_up_challenge(deps, opened, older_than=paying.REPLACE_AFTER)
    asked: AskedAttempt | None = None

    async def start(tx: Conn, payment_id: str) -> Finished:
        nonlocal asked
        link = await locked(tx, opened.id)
        payment = await _start(deps, tx, link, cmd, card, payment_id=payment_id)
        answered = idempotency.finished(key, b"")
        seen = await begin(tx, link, payment, payment.created_at, answered)
        asked = AskedAttempt(deps, payment, seen)
        return Finished()

    started = await idempotency.once(deps.db, key, ids.new("lpy"), start)
    if asked is None:
        return await repeated(deps, opened.merchant_id, started.resource_id)
    try:
        return await asking.perform(deps.payments, asked)
    except (ServiceUnavailable, IdempotencyKeyInUse) as refusal:
        log.info("payment of a link has no answer yet", reason=refusal.reason)
        return asked.payment


async def repeated(deps: Deps, merchant_id: str, payment_id: str) -> LinkPayment:
    """The attempt of an earlier call with the key; raises its refusal if there was one."""
    payment = required(await deps.db.run(ATTEMPTS.get, merchant_id, payment_id), InternalError)
    if payment.refusal is not None:
        raise payment.refusal.raised()
    return payment


async def _card(deps: Deps, link: Link, cmd: PayByCard) -> SavedCard | NewCard:
    if cmd.new_card is not None:
        if cmd.instrument_id is not None:
            raise invalid("instrument_id", "cannot be combined with a new card")
        if not cmd.new_card.psp_account:  # the page showed no field for one
            raise MethodNotOffered
        return cmd.new_card
    if cmd.instrument_id is None:
        raise invalid("card_token", "is required without instrument_id")
    if link.customer_id is None:
        raise InstrumentNotFound
    cards = await deps.saved_cards.of_customer(link.customer_id)
    card = next((card for card in cards if card.instrument_id == cmd.instrument_id), None)
    if card is None:
        raise InstrumentNotFound
    if not card.usable:
        raise InstrumentNotUsable
    return card


async def _start(
    deps: Deps,
    tx: Conn,
    link: Link,
    cmd: PayByCard,
    card: SavedCard | NewCard,
    *,
    payment_id: str,
) -> LinkPayment:
    """The intent under the link's lock, or a refusal."""
    now = deps.clock.now()
    paying.check_payable(link, Method.CARD, now)
    paying.check_shown(link, cmd.shown_minor)
    if link.reusable:
        paying.check_uses(link, len(await payments.processing(tx, link)))
    reference = deps.seal.close(f"{payment_id} {cmd.token}")
    request = payment_request(
        link,
        card,
        order_part=paying.order_part(link, payment_id),
        velocity_subjects=_subjects(deps, link, cmd),
        return_url=urls.return_url(deps.public_url, reference),
    )
    return replace(
        paying.begun(link, payment_id, Method.CARD, now),
        request=deps.payments.sealed(request),
        instrument_id=cmd.instrument_id,
        brand=card.brand,
        last4=card.last4,
        payer_email=cmd.payer_email,
    )


def _subjects(deps: Deps, link: Link, cmd: PayByCard) -> Sequence[str]:
    """Declines are counted by: a saved card's customer or a new card's link; the IP address."""
    if link.customer_id and cmd.new_card is None:
        who, of_address = velocity.of_customer(link.customer_id), velocity.of_clicking_address
    else:
        who, of_address = paying.counted_as(link), velocity.of_address
    return [who] if cmd.ip is None else [who, of_address(deps.addresses, cmd.ip)]


async def begin(tx: Conn, link: Link, payment: LinkPayment, now: datetime, *further: Write) -> Seen:
    """Writes the intent as rows and event, together with `further`. A reusable link stays open for
    others.
    """
    if link.reusable:
        after, changed = link, links.touched(link)
    else:
        state = transitions.moved(link, LinkEvent.PAY)
        after = replace(link, state=state, paying_by=payment.method)
        changed = links.saved(link, after)
    event = events.link_payment(after, "paying", payment, now)
    answer, *_ = await combined_writes.execute(
        tx, changed, payments.inserted(payment), event, *further
    ) or (None,)
    return links.seen(after, answer)


@dataclass(frozen=True, slots=True)
class AskedAttempt:
    """An attempt to pay by card. A refusal reopens its link. `seen`: the link as just written."""

    deps: Deps
    payment: LinkPayment
    seen: Seen | None = None

    @property
    def intent(self) -> Intent:
        return Intent(self.payment.id, self.payment.request, self.payment.payment_id)

    async def answered(self, answer: Answer) -> LinkPayment:
        if self.seen is not None and answer.outcome is Outcome.SUCCEED:
            async with self.deps.db.connection() as conn:  # one statement, its own transaction
                answered, now = _with_answer(self.payment, answer), self.deps.clock.now()
                paid = await pay_at_once(conn, self.seen, self.payment, answered, now)
            if paid is not None:
                return paid
        return await record(self.deps, self.payment, answer)

    async def refused(self, refusal: StoredRefusal | None) -> None:
        await give_up(self.deps, self.payment, refusal)

    async def unanswered(self) -> None:
        payment = self.payment
        await self.deps.db.run(due.ask_again_now, "link_payments", payment.merchant_id, payment.id)


async def record(deps: Deps, payment: LinkPayment, answer: Answer) -> LinkPayment:
    """Records payments' answer, from a call or an event."""
    async with deps.db.transaction() as tx:
        return await record_in(tx, payment, answer, deps.clock.now())


async def record_in(tx: Conn, payment: LinkPayment, answer: Answer, now: datetime) -> LinkPayment:
    """Any order, any number of times: an answer only changes an attempt in progress."""
    with_answer = partial(_with_answer, answer=answer)
    recorded = await record_outcome(tx, payment, answer.outcome, with_answer, now)
    if answer.outcome is Outcome.SUCCEED and recorded.state is not PaymentState.SUCCEEDED:
        asking.count_after_end(answer.id)
    return recorded


def _with_answer(payment: LinkPayment, answer: Answer) -> LinkPayment:
    """The attempt with payments' data about it."""
    return replace(
        payment,
        request=None,
        payment_id=answer.id,
        payment_state=answer.state,
        next_action_type=answer.next_action_type,
        next_action_url=answer.next_action_url,
        decline=answer.decline,
    )


async def give_up(deps: Deps, payment: LinkPayment, refusal: StoredRefusal | None = None) -> None:
    """Ends an attempt for which certainly nothing was taken, and reopens its link."""
    async with deps.db.transaction() as tx:
        link = await locked(tx, payment.link_id)
        current = await ATTEMPTS.get(tx, payment.merchant_id, payment.id)
        if current is None or current.plan_id is not None:  # a plan was made after all
            return
        if current.state is PaymentState.PROCESSING:
            ended = replace(current, refusal=refusal)
            await end_payment(tx, link, ended, Outcome.REFUSE, deps.clock.now())


async def give_up_challenge(deps: Deps, link: Link, *, older_than: timedelta) -> None:
    """Ends the unpassed challenge of a single-use link, if payments confirms it."""
    if link.reusable or link.paying_by is not Method.CARD:
        return
    under_way = await deps.db.run(payments.processing, link)
    for payment in under_way:
        await end_challenge(deps, payment, older_than)


async def end_challenge(deps: Deps, payment: LinkPayment, older_than: timedelta) -> None:
    """Ends a challenge not passed within that time, if payments confirms it."""
    if paying.challenge_is_older(payment, older_than, deps.clock.now()):
        try:
            await cancel_challenge(deps, payment)
        except (ServiceUnavailable, RemoteRefusal) as refusal:
            log.info("challenge was not cancelled", reason=refusal.reason)


async def cancel_challenge(deps: Deps, payment: LinkPayment) -> LinkPayment:
    """Cancels the payment of an attempt; if that is not possible, its state says why."""
    payment_id = payment.payment_id or ""
    answer = await deps.payments.cancel_or_get(payment_id, key=f"{payment.id}-cancel")
    return await record(deps, payment, answer)
