"""How links end, and what follows from the end of a payment attempt, in the caller's transaction.

Callers have locked the link, except for `record_try`, which locks it itself.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime

from libs import combined_writes, context, ids
from libs.combined_writes import Write
from libs.db import Conn
from libs.errors import InternalError, required
from libs.money import Money
from libs.payments.answer import Outcome
from services.paylink import events, metrics
from services.paylink.flows import carts
from services.paylink.flows.cancel import give_up_announced
from services.paylink.rules import paying, transfers, transitions
from services.paylink.rules.domain import Link, LinkPayment, Method
from services.paylink.rules.states import PAYMENT_TRANSITIONS, LinkEvent, LinkState
from services.paylink.rules.states import PaymentState as Try
from services.paylink.rules.transfers import BankTransfer, MoveKind, TransferMove
from services.paylink.store import links, payments
from services.paylink.store import transfers as transfer_store
from services.paylink.store.links import Seen


async def expire_in(tx: Conn, link: Link, now: datetime) -> Link:
    """Expires the link; an announced transfer that never came is given up."""
    await give_up_announced(tx, link, now)
    saved = await links.save(tx, link, transitions.ended(link, LinkEvent.EXPIRE, now))
    await events.append_link_event(tx, saved, "expired", now)
    await _update_cart(tx, saved)
    return saved


async def end_payment(
    tx: Conn, link: Link, payment: LinkPayment, outcome: Outcome, now: datetime
) -> LinkPayment:
    """Ends an attempt: the link is paid, or open again; transfers that waited are settled.

    `payment` has all changes except its state.
    """
    state = PAYMENT_TRANSITIONS[payment.state, outcome]
    ended = replace(payment, state=state, ended_at=now, request=None)
    after = await _write(tx, payments.saved(payment, ended), link, ended, now)
    for transfer in await transfer_store.waiting(tx, after):
        after = await settle_transfer(tx, after, transfer, now)
    return ended


async def record_outcome(
    tx: Conn,
    payment: LinkPayment,
    outcome: Outcome,
    with_answer: Callable[[LinkPayment], LinkPayment],
    now: datetime,
) -> LinkPayment:
    """Records the outcome of an attempt, in any order and any number of times: only one in progress
    is changed.

    `with_answer` adds the changes other than its state.
    """
    link, current = required(await links.lock_with(tx, payment), InternalError)
    if current.state is not Try.PROCESSING:
        return current
    after = with_answer(current)
    if outcome is not Outcome.WAIT:
        return await end_payment(tx, link, after, outcome, now)
    if after != current:
        await combined_writes.execute(tx, payments.saved(current, after), links.touched(link))
    return after


async def pay_at_once(
    conn: Conn, seen: Seen, payment: LinkPayment, answered: LinkPayment, now: datetime
) -> LinkPayment | None:
    """The usual success, in one statement: the link is paid, unless it was written since it was
    read. Otherwise writes nothing and returns None: the caller then locks the link to decide.

    `answered` is the payment with all changes except its state.
    """
    link = seen.link
    if link.reusable or link.cart_id is not None:
        return None
    state = PAYMENT_TRANSITIONS[payment.state, Outcome.SUCCEED]
    ended = replace(answered, state=state, ended_at=now, request=None)
    after = _paid(link, ended, now)
    written = await combined_writes.execute(
        conn,
        links.saved(link, after),
        payments.saved(payment, ended),
        events.link_payment(after, "paid", ended, now),
        guard=links.unchanged(seen, payment),
    )
    if written is None:
        return None
    metrics.PAID.labels(payment.method.value).inc()
    return ended


async def _write(tx: Conn, tried: Write, link: Link, ended: LinkPayment, now: datetime) -> Link:
    """Writes an ended attempt (`tried`) and the resulting link."""
    paid = ended.state is Try.SUCCEEDED
    if paid:
        after, verb = _paid(link, ended, now), "paid"
    elif link.state is LinkState.PAYING:
        after, verb = transitions.reopened(link, now), "payment_failed"
    else:  # one of the payers of a reusable link
        after, verb = link, "payment_failed"
    changed = links.touched(link) if after is link else links.saved(link, after)
    event = events.link_payment(after, verb, ended, now)
    answer, *_ = await combined_writes.execute(tx, changed, tried, event) or (None,)
    saved = links.seen(after, answer).link
    if paid:
        metrics.PAID.labels(ended.method.value).inc()
        if saved.state is LinkState.PAID:
            await _update_cart(tx, saved)
    return saved


def _paid(link: Link, payment: LinkPayment, now: datetime) -> Link:
    counted = replace(
        link,
        uses=link.uses + 1,
        paid_minor=link.paid_minor + payment.amount.amount_minor,
        payment_id=payment.payment_id or link.payment_id,
        paid_at=now,
    )
    if not link.reusable or counted.uses == link.max_uses:
        return transitions.ended(counted, LinkEvent.SUCCEED, now)
    return counted


async def settle_transfer(tx: Conn, link: Link, transfer: BankTransfer, now: datetime) -> Link:
    """Decides what a recorded transfer is for, and records that. Returns the updated link."""
    under_way = await payments.processing(tx, link)
    allocation = transfers.allocate(link, transfer, reserved=len(under_way))
    after, settled = await use_transfer(
        tx, link, transfer, allocation, under_way=under_way, now=now
    )
    await events.append_transfer_event(tx, settled, "recorded", now)
    return after


async def use_transfer(
    tx: Conn,
    link: Link,
    transfer: BankTransfer,
    allocation: transfers.Allocation,
    *,
    under_way: Sequence[LinkPayment],
    now: datetime,
    kind: MoveKind = MoveKind.MATCHED,
    note: str | None = None,
) -> tuple[Link, BankTransfer]:
    """Records the amount that the link gets from a transfer, and the effect on both. Publishes only
    the link's events.
    """
    after = replace(allocation.transfer, link_id=link.id)
    if allocation.uses_minor:
        after = with_move(after, kind, allocation.uses_minor, now, link=link, note=note)
    await transfer_store.save(tx, transfer, after)
    if allocation.pays:
        announced = None if link.reusable else next(iter(under_way), None)
        paid = _paid_by(link, announced, transfer, allocation.uses_minor, now)
        tried = payments.saved(announced, paid) if announced else payments.inserted(paid)
        return await _write(tx, tried, link, paid, now), after
    if allocation.uses_minor:
        part = replace(link, paid_minor=link.paid_minor + allocation.uses_minor)
        return await links.save(tx, link, part), after
    return link, after


def with_move(
    transfer: BankTransfer,
    kind: MoveKind,
    amount_minor: int,
    now: datetime,
    *,
    link: Link | None,
    note: str | None,
) -> BankTransfer:
    """The transfer with one more movement, made by the current call's actor."""
    move = TransferMove(
        id=ids.new("tmv"),
        kind=kind,
        amount_minor=amount_minor,
        link_id=link.id if link else None,
        plan_id=link.plan_id if link else None,
        made_by=context.current().actor,
        note=note,
        made_at=now,
    )
    return replace(transfer, moves=(*transfer.moves, move))


def _paid_by(
    link: Link,
    announced: LinkPayment | None,
    transfer: BankTransfer,
    amount_minor: int,
    now: datetime,
) -> LinkPayment:
    """The attempt that a transfer completes; an unannounced transfer creates its own."""
    begun = announced or paying.begun(link, ids.new("lpy"), Method.BANK_TRANSFER, now)
    return replace(
        begun,
        state=PAYMENT_TRANSITIONS[begun.state, Outcome.SUCCEED],
        amount=Money(amount_minor, link.amount.currency),
        bank_transfer_id=transfer.id,
        ended_at=now,
    )


async def _update_cart(tx: Conn, link: Link) -> None:
    if link.cart_id is not None:
        await carts.link_ended(tx, link)
