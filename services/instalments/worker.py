"""Entry points besides gRPC: events of payments, paylink and oneclick, and due rows."""

from collections.abc import Collection, Mapping, Sequence
from functools import partial
from typing import Any, Final

from incasso.oneclick.v1 import events_pb2
from incasso.paylink.v1 import events_pb2 as link_events
from incasso.payments.v1 import events_pb2 as payments_pb2
from libs import clock
from libs.bus import Event
from libs.consumer import Handler, UnlessKnown
from libs.db import Conn
from libs.due import DueRow, DueWorker, worker
from libs.payments import due as payments_due
from libs.payments import events as payments_events
from libs.payments.answer import Answer
from libs.payments.client import answer_of
from libs.payments.repaying import found_of
from services.instalments.deps import Deps
from services.instalments.flows import (
    collecting,
    disputing,
    due,
    erase,
    paid_by_link,
    part_links,
    reminding,
    repaying,
)
from services.instalments.flows.due import DueParts
from services.instalments.payments_client import METHOD, dispute_of
from services.instalments.rules.links import PaidByLink
from services.instalments.store import collections, disputes, refunds, reminders
from services.instalments.store import plans as store
from services.instalments.store.refunds import RefundUpdate

SERVICE: Final = "instalments"
_REFUNDS: Final[Mapping[str, Any]] = {
    "incasso.payments.payment.refunded": payments_pb2.PaymentRefunded,
    "incasso.payments.payment.refund_failed": payments_pb2.PaymentRefundFailed,
}
LINK_PAID: Final = "incasso.paylink.payment_link.paid"
OF_PARTS: Final = "instalment"  # the route of paylink's events about links of CreateInstalmentLink
_DISPUTES: Final[Mapping[str, Any]] = {
    "incasso.payments.dispute.opened": payments_pb2.DisputeOpened,
    "incasso.payments.dispute.updated": payments_pb2.DisputeUpdated,
    "incasso.payments.dispute.closed": payments_pb2.DisputeClosed,
}
ANY: Final = "*.*"  # a link may pay a part
BATCHES: Final = 4  # at a time; each calls payments for all its parts concurrently


def handlers(deps: Deps) -> dict[str, Handler]:
    """The handlers for events of payments, paylink and oneclick."""

    async def follow(conn: Conn, answer: Answer) -> None:
        await clock.act_for(conn, SERVICE)
        await collecting.follow_payment(deps, conn, answer)

    async def on_link(conn: Conn, event: Event) -> None:
        if (paid_link := _paid_by_link(event)) is not None:
            await clock.act_for(conn, SERVICE)
            await paid_by_link.settle_part(deps, conn, paid_link)

    return {
        LINK_PAID: UnlessKnown(_of_others, on_link, OF_PARTS),
        **payments_events.handlers(METHOD, follow, known=collections.known),
        **dict.fromkeys(_REFUNDS, _refunds(deps)),
        **dict.fromkeys(_DISPUTES, _disputes(deps)),
        "incasso.oneclick.customer.erased": _customer_erased,
    }


def _refunds(deps: Deps) -> UnlessKnown:
    """Refunds of plans' payments, wherever they were made."""

    async def known(conn: Conn, events: Sequence[Event]) -> Collection[str]:
        reported = [_reported(event) for event in events]
        return await refunds.known(conn, reported)

    async def follow(conn: Conn, event: Event) -> None:
        message = _REFUNDS[event.subject].FromString(event.body)
        if _of_plans(message.payment):
            found, answer = found_of(message.refund, event.occurred_at), answer_of(message.payment)
            reference = message.payment.order_reference
            await clock.act_for(conn, SERVICE)
            await repaying.follow_refund(deps, conn, answer, reference, found)

    return UnlessKnown(known, follow, ANY)


def _disputes(deps: Deps) -> UnlessKnown:
    """Disputes of plans' payments."""

    async def known(conn: Conn, events: Sequence[Event]) -> Collection[str]:
        reported = [
            (event.event_id, event.merchant_id, message.dispute.id, event.occurred_at)
            for event in events
            for message in [_DISPUTES[event.subject].FromString(event.body)]
        ]
        return await disputes.known(conn, reported)

    async def follow(conn: Conn, event: Event) -> None:
        message = _DISPUTES[event.subject].FromString(event.body)
        if _of_plans(message.payment):
            dispute = dispute_of(message.dispute, event.merchant_id, event.occurred_at)
            reference = message.payment.order_reference
            await clock.act_for(conn, SERVICE)
            await disputing.follow_dispute(
                deps, conn, answer_of(message.payment), reference, dispute
            )

    return UnlessKnown(known, follow, ANY)


def _of_plans(payment: Any) -> bool:
    """Whether it may have paid a part: a payment of ours, or of a part's link."""
    return bool(payment.method == METHOD or payment.order_part.startswith("instalment:"))


def _reported(event: Event) -> RefundUpdate:
    refund = _REFUNDS[event.subject].FromString(event.body).refund
    succeeded = refund.state == refund.STATE_SUCCEEDED
    return RefundUpdate(event.event_id, event.merchant_id, refund.id, succeeded, event.occurred_at)


def _paid_by_link(event: Event) -> PaidByLink | None:
    """None: a link that does not pay a part of a plan."""
    message = link_events.PaymentLinkPaid.FromString(event.body)
    link, paying = message.payment_link, message.link_payment
    if not link.plan_id:
        return None
    return PaidByLink(
        payment_link_id=link.id,
        plan_id=link.plan_id,
        number=link.instalment_number,
        amount_minor=paying.amount.amount_minor,
        payment_id=paying.payment_id or None,
    )


async def _of_others(_: Conn, events: Sequence[Event]) -> Collection[str]:
    """Ids of events about links that pay no part, from senders that do not route them yet."""
    return {event.event_id for event in events if _paid_by_link(event) is None}


async def _customer_erased(conn: Conn, event: Event) -> None:
    erased = events_pb2.CustomerErased.FromString(event.body)
    await erase.erase_customer(conn, erased.customer_id)


def collection_worker(deps: Deps) -> DueWorker[payments_due.DueRow]:
    """Unfinished collections."""
    settle = partial(collecting.settle_due, deps)
    return payments_due.worker(SERVICE, deps.db, table="collections", settle=settle)


def repayment_worker(deps: Deps) -> DueWorker[payments_due.DueRow]:
    """Unfinished refunds."""
    settle = partial(repaying.settle_due, deps)
    return payments_due.worker(SERVICE, deps.db, table="repayments", settle=settle)


def link_worker(deps: Deps) -> DueWorker[payments_due.DueRow]:
    """Payment links that have to be created or closed. Paylink is called at growing intervals."""
    work = partial(part_links.settle_due, deps)
    return payments_due.worker(SERVICE, deps.db, table="part_links", settle=work)


def reminder_worker(deps: Deps) -> DueWorker[DueRow]:
    """Due reminders."""
    work = partial(reminding.remind, deps)
    return worker(SERVICE, "reminders", deps.db, reminders.CLAIM, work)


def plan_worker(deps: Deps) -> DueWorker[DueRow]:
    """Plans that were not signed in time, and those with parts missed for too long."""
    work = partial(due.check_plan, deps)
    return worker(SERVICE, "plans", deps.db, store.CLAIM, work)


def due_worker(deps: Deps) -> DueWorker[DueParts]:
    """Due parts. At most BATCHES * MOST_AT_ONCE payments are in progress at once."""
    return worker(
        SERVICE,
        "instalments",
        deps.db,
        store.CLAIM_PARTS,
        partial(due.collect_due, deps),
        kind=DueParts,
        concurrency=BATCHES,
        batch=store.MOST_AT_ONCE,
    )
