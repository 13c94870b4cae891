"""Payment links: made and sent in seconds, sent again, cancelled."""

import secrets
from typing import Final

from incasso.common.v1 import money_pb2
from incasso.paylink.v1 import paylink_pb2
from libs.errors import invalid
from services.console.listing import filters, rows
from services.console.page import Html, Page, See, get, post
from services.console.rules.amounts import amount_of
from services.console.rules.contacts import contact_of
from services.console.shown import enum
from services.console.visit import Visit

AREA: Final = "links"
STATES: Final = ("sent", "seen", "paying", "paid", "expired", "cancelled")
_OPEN: Final = frozenset(["created", "sent", "seen", "quote_accepted"])


async def listed(visit: Visit) -> Html:
    """By state and order reference, newest first, a page at a time."""
    request = paylink_pb2.ListPaymentLinksRequest()
    found = await rows(visit, request, "links", "state", "order_reference")
    shown = filters(visit, "/links", "state", STATES, "order_reference")
    return Html("links.html", {**found, "filters": shown})


async def one(visit: Visit) -> Html:
    link = await _link(visit)
    state = enum(link, "state")
    return Html("link.html", {"link": link, "state": state, "open": state in _OPEN})


async def form(visit: Visit) -> Html:
    return Html("link_new.html", {"reference": f"L-{secrets.token_hex(3).upper()}"})


async def create(visit: Visit) -> See:
    """Makes the link, and sends it where there is somewhere to send it to."""
    amount = amount_of(visit.typed("amount"), visit.currency)
    if amount is None:
        raise invalid("amount", visit.word("amount_unreadable"))
    contact = contact_of(visit.typed("contact"))
    if contact is None:
        raise invalid("contact", visit.word("contact_unreadable"))
    request = paylink_pb2.CreatePaymentLinkRequest(
        amount=money_pb2.Money(amount_minor=amount.amount_minor, currency=amount.currency),
        description=visit.typed("description"),
        order_reference=visit.typed("order_reference"),
        recipient=paylink_pb2.Recipient(
            name=visit.typed("name") or None,
            email=contact.email or None,
            phone=contact.phone or None,
        ),
        channels=[paylink_pb2.CHANNEL_EMAIL if contact.email else paylink_pb2.CHANNEL_SMS]
        if contact.email or contact.phone
        else [],
        locale=visit.typed("locale", visit.language),
    )
    answer = await visit.change(request)
    said = "sent" if contact.email or contact.phone else "created"
    return See(f"/links/{answer.payment_link.id}", said=said)


async def send(visit: Visit) -> See:
    link = await _link(visit)
    request = paylink_pb2.SendPaymentLinkRequest(payment_link_id=link.id)
    await visit.change(request, subject=link.id, before=link)
    return See(f"/links/{link.id}", said="sent_again")


async def cancel(visit: Visit) -> See:
    link = await _link(visit)
    request = paylink_pb2.CancelPaymentLinkRequest(payment_link_id=link.id)
    await visit.change(request, subject=link.id, before=link)
    return See(f"/links/{link.id}", said="cancelled")


async def _link(visit: Visit) -> paylink_pb2.PaymentLink:
    wanted = paylink_pb2.GetPaymentLinkRequest(payment_link_id=visit.part("link_id"))
    link: paylink_pb2.PaymentLink = (await visit.ask(wanted)).payment_link
    return link


READS: Final = ("paylink.GetPaymentLink",)
PAGES: Final[tuple[Page, ...]] = (
    get("/links", listed, AREA, "paylink.ListPaymentLinks"),
    get("/links/new", form, AREA, "paylink.CreatePaymentLink"),
    post("/links/new", create, AREA, "paylink.CreatePaymentLink", again=form),
    get("/links/{link_id}", one, AREA, *READS),
    post("/links/{link_id}/send", send, AREA, *READS, "paylink.SendPaymentLink", again=one),
    post("/links/{link_id}/cancel", cancel, AREA, *READS, "paylink.CancelPaymentLink", again=one),
)
