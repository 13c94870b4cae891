"""The event and worker entry points: erased customers, links of orders, and due rows."""

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
from libs.payments import routes
from libs.payments.repaying import found_of
from services.cod.deps import Deps
from services.cod.flows import converting, erase, online_refunds, order_links, overdue
from services.cod.flows.orders import expire
from services.cod.rules.order_links import PaidLink
from services.cod.store import online_refunds as refunds_store
from services.cod.store import orders
from services.cod.store.online_refunds import EventPayment

SERVICE: Final = "cod"
LINK_PAID: Final = "incasso.paylink.payment_link.paid"
LINKS: Final[Mapping[str, Any]] = {
    LINK_PAID: link_events.PaymentLinkPaid,
    "incasso.paylink.payment_link.expired": link_events.PaymentLinkExpired,
    "incasso.paylink.payment_link.cancelled": link_events.PaymentLinkCancelled,
}
REFUNDS: Final[Mapping[str, Any]] = {
    "incasso.payments.payment.refunded": payments_pb2.PaymentRefunded,
    "incasso.payments.payment.refund_failed": payments_pb2.PaymentRefundFailed,
}
OF_LINKS: Final = routes.of_method("link")  # payments' events on payments by links
OF_ORDERS: Final = "cod"  # the route of paylink's events for links of CreateCodLink


def handlers(deps: Deps) -> dict[str, Handler]:
    """The handlers of events of oneclick, paylink and payments."""

    async def on_paid(conn: Conn, event: Event) -> None:
        await clock.act_for(conn, SERVICE)
        message = link_events.PaymentLinkPaid.FromString(event.body)
        link, payment = message.payment_link, message.link_payment
        paid = PaidLink(
            cod_order_id=link.cod_order_id,
            number=link.cod_link_number,
            payment_link_id=link.id,
            amount_minor=payment.amount.amount_minor,
            payment_id=payment.payment_id or None,
        )
        await converting.follow_paid(deps, conn, paid)

    async def on_end(conn: Conn, event: Event) -> None:
        await clock.act_for(conn, SERVICE)
        link = LINKS[event.subject].FromString(event.body).payment_link
        await converting.follow_ended(deps, conn, link.cod_order_id, link.cod_link_number, link.id)

    async def on_refund(conn: Conn, event: Event) -> None:
        await clock.act_for(conn, SERVICE)
        refund = REFUNDS[event.subject].FromString(event.body).refund
        found = found_of(refund, event.occurred_at)
        await online_refunds.follow_refund(conn, _payment_id(event), found, deps.clock.now())

    return {
        "incasso.oneclick.customer.erased": _customer_erased,
        **dict.fromkeys(LINKS, UnlessKnown(_of_others, on_end, OF_ORDERS)),
        LINK_PAID: UnlessKnown(_of_others, on_paid, OF_ORDERS),
        **dict.fromkeys(REFUNDS, UnlessKnown(_of_other_payments, on_refund, OF_LINKS)),
    }


async def _of_other_payments(conn: Conn, events: Sequence[Event]) -> Collection[str]:
    named = [
        EventPayment(event.event_id, event.merchant_id, _payment_id(event)) for event in events
    ]
    return await refunds_store.of_others(conn, named)


def _payment_id(event: Event) -> str:
    payment_id: str = REFUNDS[event.subject].FromString(event.body).payment.id
    return payment_id


async def _of_others(_: Conn, events: Sequence[Event]) -> Collection[str]:
    """Ids of events about links that pay no order, from senders that do not route them yet."""
    return {
        event.event_id
        for event in events
        if not LINKS[event.subject].FromString(event.body).payment_link.cod_order_id
    }


async def _customer_erased(conn: Conn, event: Event) -> None:
    erased = events_pb2.CustomerErased.FromString(event.body)
    await erase.erase_customer(conn, erased.customer_id, event.occurred_at)


def link_worker(deps: Deps) -> DueWorker[payments_due.DueRow]:
    """Creates and closes payment links, backing off."""
    work = partial(order_links.settle_due, deps)
    return payments_due.worker(SERVICE, deps.db, table="order_links", settle=work)


def refund_worker(deps: Deps) -> DueWorker[payments_due.DueRow]:
    """Unfinished refunds."""
    work = partial(online_refunds.settle_due, deps)
    return payments_due.worker(SERVICE, deps.db, table="online_refunds", settle=work)


def expiry_worker(deps: Deps) -> DueWorker[DueRow]:
    """Orders that have waited too long for their recipients."""
    return worker(SERVICE, "expiry", deps.db, orders.CLAIM_EXPIRED, partial(expire, deps))


def overdue_worker(deps: Deps) -> DueWorker[DueRow]:
    """Orders whose money a courier should already have passed on."""
    work = partial(overdue.fall_due, deps)
    return worker(SERVICE, "overdue", deps.db, orders.CLAIM_OVERDUE, work)
