"""Payment links: created and sent in seconds, sent again, cancelled, reissued."""

import secrets
from typing import Any, Final

from incasso.common.v1 import money_pb2
from incasso.paylink.v1 import paylink_pb2
from libs.errors import invalid
from services.console.errors import ChangedMeanwhile
from services.console.listing import filters, rows
from services.console.page import Html, Page, See, get, post
from services.console.rules.amounts import amount_of
from services.console.rules.contacts import contact_of
from services.console.shown import enum
from services.console.visit import Visit

AREA: Final = "links"
FILTERS: Final = ("state", "order_reference")
STATES: Final = ("sent", "seen", "paying", "paid", "expired", "cancelled")
_OPEN: Final = frozenset(["created", "sent", "seen", "quote_accepted"])
ISSUED_DAYS: Final = 30
MOST_DAYS: Final = 120  # the service's limit
# The services that created these create another when one is needed.
_ASKED_BY_SERVICES: Final = frozenset(
    [paylink_pb2.PaymentLink.ORIGIN_INSTALMENT, paylink_pb2.PaymentLink.ORIGIN_COD]
)


async def listed(visit: Visit) -> Html:
    """Links by state and order reference, newest first, a page at a time."""
    request = paylink_pb2.ListPaymentLinksRequest()
    found = await rows(visit, request, "links", *FILTERS)
    shown = filters(visit, "/links", "state", STATES, "order_reference")
    return Html("links.html", {**found, "filters": shown})


async def one(visit: Visit) -> Html:
    link = await _link(visit)
    state, writes = enum(link, "state"), visit.who.holds("links:write")
    shown = {"link": link, "state": state, "open": state in _OPEN, "days": ISSUED_DAYS}
    shown["reissues"] = writes and state == "expired"
    shown["copies"] = writes and state == "cancelled" and link.origin not in _ASKED_BY_SERVICES
    return Html("link.html", shown)


async def form(visit: Visit) -> Html:
    return Html("link_new.html", {"reference": f"L-{secrets.token_hex(3).upper()}"})


async def create(visit: Visit) -> See:
    """Creates the link, and sends it if there is a contact."""
    amount = amount_of(visit.typed("amount"), visit.currency)
    if amount is None:
        raise invalid("amount", visit.word("amount_unreadable"))
    request = paylink_pb2.CreatePaymentLinkRequest(
        amount=money_pb2.Money(amount_minor=amount.amount_minor, currency=amount.currency),
        description=visit.typed("description"),
        order_reference=visit.typed("order_reference"),
        locale=visit.typed("locale", visit.language),
        **addressed(visit),
    )
    answer = await visit.change(request)
    notice = "sent" if request.channels else "created"
    return See(f"/links/{answer.payment_link.id}", notice=notice)


def addressed(visit: Visit) -> dict[str, Any]:
    """Recipient and channel of a request, from the form's name and contact. Raises InvalidArgument."""
    contact = contact_of(visit.typed("contact"))
    if contact is None:
        raise invalid("contact", visit.word("contact_unreadable"))
    recipient = paylink_pb2.Recipient(
        name=visit.typed("name") or None,
        email=contact.email or None,
        phone=contact.phone or None,
    )
    channel = paylink_pb2.CHANNEL_EMAIL if contact.email else paylink_pb2.CHANNEL_SMS
    reached = bool(contact.email or contact.phone)
    return {"recipient": recipient, "channels": [channel] if reached else []}


async def send(visit: Visit) -> See:
    link = await _link(visit)
    request = paylink_pb2.SendPaymentLinkRequest(payment_link_id=link.id)
    await visit.change(request, subject=link.id, before=link)
    return See(f"/links/{link.id}", notice="sent_again")


async def cancel(visit: Visit) -> See:
    link = await _link(visit)
    request = paylink_pb2.CancelPaymentLinkRequest(payment_link_id=link.id)
    await visit.change(request, subject=link.id, before=link)
    return See(f"/links/{link.id}", notice="cancelled")


async def issue(visit: Visit) -> See:
    """Reissues an expired link under a new address; replaces a cancelled one with a new link."""
    link, days = await _link(visit), visit.number("days")
    if not 1 <= days <= MOST_DAYS:
        raise invalid("days", visit.word("days_unreadable").format(most=MOST_DAYS))
    if link.state == paylink_pb2.PaymentLink.STATE_EXPIRED:
        request = paylink_pb2.ReissuePaymentLinkRequest(
            payment_link_id=link.id, expires_in_days=days
        )
        await visit.change(request, subject=link.id, before=link)
        return See(f"/links/{link.id}", notice="sent" if link.channels else "created")
    if link.state != paylink_pb2.PaymentLink.STATE_CANCELLED or link.origin in _ASKED_BY_SERVICES:
        raise ChangedMeanwhile
    answer = await visit.change(_like(link, days), before=link)
    return See(f"/links/{answer.payment_link.id}", notice="sent" if link.channels else "created")


def _like(link: paylink_pb2.PaymentLink, days: int) -> paylink_pb2.CreatePaymentLinkRequest:
    """A request for the same lines, text and payment methods, for the same customer."""
    request = paylink_pb2.CreatePaymentLinkRequest(
        amount=link.amount,
        description=link.description,
        order_reference=link.order_reference,
        recipient=link.recipient,
        channels=link.channels,
        expires_in_days=days,
        locale=link.locale,
        line_items=link.line_items,
        reusable=link.reusable,
        max_uses=link.max_uses or None,
        methods=link.methods,
        reminders=paylink_pb2.Reminders(after_days=link.reminder_days),
        reissue_on_expiry=link.reissue_on_expiry,
        customer_id=link.customer_id or None,
        success_url=link.success_url or None,
        metadata=link.metadata,
    )
    if link.HasField("deposit"):
        request.deposit.CopyFrom(link.deposit)
    if link.HasField("quote"):
        shown = link.quote
        request.quote.CopyFrom(
            paylink_pb2.Quote(title=shown.title, text=shown.text, version=shown.version)
        )
    return request


async def _link(visit: Visit) -> paylink_pb2.PaymentLink:
    wanted = paylink_pb2.GetPaymentLinkRequest(payment_link_id=visit.part("link_id"))
    link: paylink_pb2.PaymentLink = (await visit.ask(wanted)).payment_link
    return link


READS: Final = ("paylink.GetPaymentLink",)
ISSUES: Final = ("paylink.ReissuePaymentLink", "paylink.CreatePaymentLink")
PAGES: Final[tuple[Page, ...]] = (
    get("/links", listed, AREA, "paylink.ListPaymentLinks", filters=FILTERS),
    get("/links/new", form, AREA, "paylink.CreatePaymentLink"),
    post("/links/new", create, AREA, "paylink.CreatePaymentLink", again=form),
    get("/links/{link_id}", one, AREA, *READS),
    post("/links/{link_id}/send", send, AREA, *READS, "paylink.SendPaymentLink", again=one),
    post("/links/{link_id}/cancel", cancel, AREA, *READS, "paylink.CancelPaymentLink", again=one),
    post("/links/{link_id}/issue", issue, AREA, *READS, *ISSUES, again=one),
)
