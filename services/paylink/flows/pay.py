"""Pay a link by card: intent, commit, ask payments, record.

The try's id is the key under which payments is asked, so a repeat of any step is the same payment.
"""

import base64
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from libs import idempotency, ids
from libs.db import Conn
from libs.errors import (
    IdempotencyKeyInUse,
    InternalError,
    RemoteRefusal,
    ServiceUnavailable,
    invalid,
    stored,
)
from libs.idempotency import Key
from libs.logs import log
from libs.payments import velocity as tries
from services.paylink import events, metrics
from services.paylink.deps import Deps
from services.paylink.errors import InstrumentNotFound, InstrumentNotUsable, MethodNotOffered
from services.paylink.flows.ending import end_payment
from services.paylink.flows.links import locked
from services.paylink.payments_client import payment_request
from services.paylink.rules import paying, tokens, transitions, velocity
from services.paylink.rules.cards import NewCard, PaymentAnswer, SavedCard
from services.paylink.rules.domain import Link, LinkPayment, Method
from services.paylink.rules.states import PAYMENT_INITIAL, LinkEvent, PaymentEvent, PaymentState
from services.paylink.store import links, payments


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
    """The try as it is after payments' answer, or under way when there is none.

    The same key answers the same try, as it is by then. Raises the refusals of PayByCard.
    """
    card = await _card(deps, opened, cmd)
    await give_up_challenge(deps, opened, older_than=paying.REPLACE_AFTER)
    payment_id = ids.new("lpy")
    async with deps.db.transaction() as tx:
        claim = await idempotency.claim(tx, key, payment_id)
        if not claim.fresh:
            return await _repeated(tx, key, claim.resource_id)
        link = await locked(tx, opened.id)
        payment = await _start(deps, tx, link, cmd, card, payment_id=payment_id)
        await idempotency.complete(tx, key, payment_id.encode())
    performed = await perform(deps, payment)
    if performed.state is PaymentState.PROCESSING and performed.payment_id is None:
        async with deps.db.connection() as conn:  # the shopper waits for it
            await payments.ask_again_soon(conn, performed)
    return performed


async def _repeated(tx: Conn, key: Key, payment_id: str) -> LinkPayment:
    payment = await payments.get(tx, key.merchant_id, payment_id)
    if payment is None:
        raise InternalError
    if payment.refusal is not None:
        raise payment.refusal.raised()
    return payment


async def _card(deps: Deps, link: Link, cmd: PayByCard) -> SavedCard | NewCard:
    if cmd.new_card is not None:
        if cmd.instrument_id is not None:
            raise invalid("instrument_id", "excludes a new card")
        if not cmd.new_card.psp_account:  # the page showed no field for one
            raise MethodNotOffered
        return cmd.new_card
    if cmd.instrument_id is None:
        raise invalid("card_token", "is required, or else instrument_id")
    if link.customer_id is None:
        raise InstrumentNotFound
    cards = await deps.oneclick.saved_cards(link.customer_id)
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
    """Write the intent under the link's lock, or refuse."""
    now = deps.clock.now()
    paying.check_payable(link, Method.CARD, now)
    paying.check_shown(link, cmd.shown_minor)
    if link.reusable:
        paying.check_uses(link, len(await payments.processing(tx, link)))
    reference = deps.seal.close(f"{payment_id} {cmd.token}")
    request = payment_request(
        link_payment_id=payment_id,
        amount=link.due,
        order_reference=link.order_reference,
        order_part=paying.order_part(link, payment_id),
        velocity_subjects=_subjects(deps, link, cmd),
        description=link.description,
        card=card,
        customer_id=link.customer_id,
        return_url=tokens.return_url(deps.public_url, reference),
        metadata=link.metadata,
    )
    payment = LinkPayment(
        id=payment_id,
        merchant_id=link.merchant_id,
        link_id=link.id,
        reusable=link.reusable,
        state=PAYMENT_INITIAL,
        method=Method.CARD,
        amount=link.due,
        request=deps.seal.close(base64.b64encode(request).decode()),
        instrument_id=cmd.instrument_id,
        brand=card.brand,
        last4=card.last4,
        payer_email=cmd.payer_email,
        created_at=now,
    )
    await begin(tx, link, payment, now)
    return payment


def _subjects(deps: Deps, link: Link, cmd: PayByCard) -> Sequence[str]:
    """By whom declines are counted: of a saved card its customer, of a new one whoever pays."""
    if cmd.new_card is None:
        return [tries.of_customer(link.customer_id)] if link.customer_id else []
    if cmd.ip is None:
        return [velocity.of_link(link)]
    return [velocity.of_link(link), tries.of_address(deps.addresses, cmd.ip)]


async def begin(tx: Conn, link: Link, payment: LinkPayment, now: datetime) -> None:
    """The intent as rows and event; a reusable link stays open for others."""
    await payments.insert(tx, payment)
    if link.reusable:
        await links.touch(tx, link)
        saved = link
    else:
        state = transitions.moved(link, LinkEvent.PAY)
        saved = await links.save(tx, link, replace(link, state=state, paying_by=payment.method))
    await events.link_paying(tx, saved, payment, now)


async def perform(deps: Deps, payment: LinkPayment) -> LinkPayment:
    """Ask payments, in no transaction, and record its answer.

    A certain no opens the link again and is passed on. No answer leaves the try under way: the
    worker asks again, with the same key.
    """
    if payment.request is None:
        raise InternalError
    request = base64.b64decode(deps.seal.open(payment.request))
    try:
        answer = await deps.payments.create_payment(request, key=payment.id)
    except (ServiceUnavailable, IdempotencyKeyInUse) as refusal:
        log.info("payment of a link has no answer yet", reason=refusal.reason)
        return payment
    except RemoteRefusal as refusal:
        await give_up(deps, replace(payment, refusal=stored(refusal), request=None))
        raise
    return await record(deps, payment, answer)


async def record(deps: Deps, payment: LinkPayment, answer: PaymentAnswer) -> LinkPayment:
    """Write payments' answer, whoever brings it."""
    async with deps.db.transaction() as tx:
        return await record_in(tx, payment, answer, deps.clock.now())


async def record_in(
    tx: Conn, payment: LinkPayment, answer: PaymentAnswer, now: datetime
) -> LinkPayment:
    """Any order, any number of times: only a try under way is moved by an answer."""
    link = await locked(tx, payment.link_id)
    current = await payments.get(tx, payment.merchant_id, payment.id)
    if current is None:
        raise InternalError
    if current.state is not PaymentState.PROCESSING:
        _check_end(current, answer)
        return current
    told = replace(
        current,
        request=None,
        payment_id=answer.id,
        payment_state=answer.state,
        next_action_type=answer.next_action_type,
        next_action_url=answer.next_action_url,
        decline=answer.decline,
    )
    if answer.event is not PaymentEvent.WAIT:
        return await end_payment(tx, link, told, answer.event, now)
    if told != current:
        await payments.save(tx, current, told)
        await links.touch(tx, link)
    return told


def _check_end(current: LinkPayment, answer: PaymentAnswer) -> None:
    """Money for a try that had ended is for a person to look at; no step of ours leads there."""
    if answer.event is PaymentEvent.SUCCEED and current.state is not PaymentState.SUCCEEDED:
        metrics.AFTER_END.inc()
        log.error("a payment succeeded after its try had ended", payment_id=answer.id)


async def give_up(deps: Deps, payment: LinkPayment) -> None:
    """Nothing was taken, for certain: the link is open again."""
    async with deps.db.transaction() as tx:
        link = await locked(tx, payment.link_id)
        current = await payments.get(tx, payment.merchant_id, payment.id)
        if current is not None and current.state is PaymentState.PROCESSING:
            await end_payment(tx, link, payment, PaymentEvent.CANCEL, deps.clock.now())


async def give_up_challenge(deps: Deps, link: Link, *, older_than: timedelta) -> None:
    """End the challenge of a single-use link that nobody has passed, if payments is sure of it."""
    if link.reusable or link.paying_by is not Method.CARD:
        return
    async with deps.db.connection() as conn:
        under_way = await payments.processing(conn, link)
    for payment in under_way:
        if paying.challenge_is_older(payment, older_than, deps.clock.now()):
            try:
                await cancel_challenge(deps, payment)
            except (ServiceUnavailable, RemoteRefusal) as refusal:
                log.info("challenge was not cancelled", reason=refusal.reason)


async def cancel_challenge(deps: Deps, payment: LinkPayment) -> LinkPayment:
    """Cancel the payment behind a try; when it cannot be, its state tells why."""
    payment_id = payment.payment_id or ""
    try:
        answer = await deps.payments.cancel_payment(payment_id, key=f"{payment.id}-cancel")
    except (RemoteRefusal, IdempotencyKeyInUse):
        answer = await deps.payments.get_payment(payment_id)
    return await record(deps, payment, answer)
