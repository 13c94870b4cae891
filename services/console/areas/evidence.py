"""A payment's evidence for a dispute, as a file. The audit log records who downloads one."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from typing import Any, Final

from google.protobuf.message import Message

from incasso.instalments.v1 import plans_pb2
from incasso.notify.v1 import messages_pb2
from incasso.oneclick.v1 import oneclick_pb2
from incasso.paylink.v1 import paylink_pb2
from libs import threads
from libs.documents import render
from libs.downloads import Download
from libs.errors import Kind, Refusal
from services.console import evidence, texts
from services.console.areas.payments import READS, STORY, entries_of, payment_of, trail_of
from services.console.evidence import Reader, Story
from services.console.page import Page, Sent, get
from services.console.timeline import steps
from services.console.visit import Visit

AREA: Final = "evidence"
MOST: Final = 20  # links and plans of the order
MOST_MESSAGES: Final = 50  # of the payment, and of each link


async def file(visit: Visit) -> Sent:
    """The document about the payment, its order and the customer's consent."""
    payment, entries, trail = await asyncio.gather(
        payment_of(visit), entries_of(visit), trail_of(visit)
    )
    links, plans, consent = await asyncio.gather(
        _links(visit, payment), _plans(visit, payment), _consent(visit, payment)
    )
    story = Story(
        payment=payment,
        steps=steps(payment, entries, trail, visit.time_zone),
        messages=await _messages(visit, payment, links),
        links=links,
        plans=plans,
        consent=consent,
    )
    reader = Reader(
        language=visit.language,
        zone=visit.time_zone,
        words={
            **texts.words("payments", visit.language),
            **texts.read(AREA)[visit.language],
        },
        now=visit.now(),
    )
    assert visit.merchant is not None
    shop, colour = visit.merchant.name, visit.merchant.branding.primary_colour
    sheet = evidence.sheet(story, reader, shop=shop, colour=colour)
    content = await threads.run(render.pdf, sheet)
    return Sent(Download(f"{payment.id}.pdf", "application/pdf", _piece(content), len(content)))


async def _links(visit: Visit, payment: Any) -> Sequence[Any]:
    """The links that the payment pays; if none names it, all of the order for a link payment."""
    request = paylink_pb2.ListPaymentLinksRequest(
        order_reference=payment.order_reference, limit=MOST
    )
    found = await _rows(visit, request)
    return [link for link in found if link.payment_id == payment.id] or (
        found if payment.method == "link" else []
    )


async def _plans(visit: Visit, payment: Any) -> Sequence[Any]:
    if payment.method != "instalments":
        return ()
    request = plans_pb2.ListInstalmentPlansRequest(
        order_reference=payment.order_reference, limit=MOST
    )
    return await _rows(visit, request)


async def _consent(visit: Visit, payment: Any) -> Any:
    """The consent under which a card was charged by one click."""
    if payment.method != "one_click":
        return None
    wanted = oneclick_pb2.GetOneClickConsentRequest(payment_id=payment.id)
    try:
        return (await visit.ask(wanted)).consent
    except Refusal as refusal:
        if refusal.kind is Kind.NOT_FOUND:
            return None
        raise


async def _messages(visit: Visit, payment: Any, links: Sequence[Any]) -> Sequence[Any]:
    """Messages about the payment and its links, oldest first."""
    about = [{"payment_id": payment.id}, *({"payment_link_id": link.id} for link in links)]
    found = await asyncio.gather(
        *(
            _rows(visit, messages_pb2.ListMessagesRequest(limit=MOST_MESSAGES, **each))
            for each in about
        )
    )
    return sorted(
        {one.id: one for messages in found for one in messages}.values(), key=lambda one: one.id
    )


async def _rows(visit: Visit, request: Message) -> Sequence[Any]:
    if not visit.may(type(request)):
        return ()
    rows: Sequence[Any] = (await visit.ask(request)).data
    return rows


async def _piece(content: bytes) -> AsyncIterator[bytes]:
    yield content


PAGES: Final[tuple[Page, ...]] = (
    get(
        "/payments/{payment_id}/evidence",
        file,
        AREA,
        *READS,
        parts=(
            *STORY,
            "notify.ListMessages",
            "paylink.ListPaymentLinks",
            "instalments.ListInstalmentPlans",
            "oneclick.GetOneClickConsent",
        ),
        is_file=True,
        needs="refunds:write",  # the finance role and above
        recorded="console.GetDisputeEvidence",
    ),
)
