"""Payments: found by what a customer can read out, their history, capture, cancellation, refund."""

import asyncio
from collections.abc import Sequence
from typing import Any, Final

from incasso.common.v1 import money_pb2
from incasso.payments.v1 import payments_pb2
from incasso.reporting.v1 import ledger_pb2, reconciliation_pb2
from libs.clock import world_now
from libs.errors import Kind, Refusal, invalid
from libs.money import Money
from services.console import texts
from services.console.errors import ReauthenticationNeeded
from services.console.listing import filters, midnight, rows
from services.console.page import Html, Page, See, get, post
from services.console.rules.amounts import amount_of, typed
from services.console.rules.asked import amount_in_field, last4_of
from services.console.rules.proving import needs_proof, proof_is_fresh
from services.console.shown import enum
from services.console.timeline import steps
from services.console.visit import Visit

AREA: Final = "payments"
STATES: Final = ("captured", "authorised", "pending", "processing", "declined", "refunded")
DISPUTED: Final = "disputed"  # not a state, but filtered like one
TYPED: Final = ("order_reference", "last4", "amount", "created_from", "created_to")
MOST_ENTRIES: Final = 50
_REFUNDABLE: Final = frozenset(["captured", "partially_refunded"])


async def listed(visit: Visit) -> Html:
    """Payments by state and the search fields, newest first, a page at a time."""
    found: dict[str, Any] = {"payments": (), "next_cursor": ""}
    try:
        found = await rows(visit, _wanted(visit), "payments", "state", "order_reference")
    except Refusal as refusal:
        if refusal.kind is not Kind.INVALID:
            raise
        visit.problem = refusal
    shown = filters(visit, "/payments", "state", (*STATES, DISPUTED), *TYPED)
    narrowed = any(map(visit.asked, TYPED))
    return Html("payments.html", {**found, "filters": shown, "narrowed": narrowed})


def _wanted(visit: Visit) -> payments_pb2.ListPaymentsRequest:
    """The filters other than state and order reference. Raises InvalidArgument."""
    amount = amount_in_field(visit.asked("amount"), visit.currency)
    if amount is None and visit.asked("amount"):
        raise invalid("amount", visit.word("amount_unreadable"))
    return payments_pb2.ListPaymentsRequest(
        disputed=visit.asked("state") == DISPUTED or None,
        last4=last4_of(visit.asked("last4")) or visit.asked("last4") or None,
        amount_minor=amount.amount_minor if amount else None,
        currency=amount.currency if amount else None,
        created_from=midnight(visit, "created_from"),
        created_to=midnight(visit, "created_to", days=1),
    )


async def one(visit: Visit) -> Html:
    """A payment from checkout to its entries in the ledger."""
    payment, entries, trail = await asyncio.gather(
        payment_of(visit), entries_of(visit), trail_of(visit)
    )
    state = enum(payment, "state")
    return Html(
        "payment.html",
        {
            "payment": payment,
            "state": state,
            "steps": steps(payment, entries, trail, visit.time_zone),
            "exception_words": texts.words("reconciliation", visit.language),
            "entries": entries,
            "refundable": _left(payment) if state in _REFUNDABLE else 0,
        },
    )


async def entries_of(visit: Visit) -> Sequence[Any]:
    if not visit.may(ledger_pb2.ListJournalEntriesRequest):
        return ()
    wanted = ledger_pb2.ListJournalEntriesRequest(
        payment_id=visit.part("payment_id"), limit=MOST_ENTRIES
    )
    entries: Sequence[Any] = (await visit.ask(wanted)).data
    return entries


async def trail_of(visit: Visit) -> Sequence[Any]:
    """The trail of its money to the bank."""
    if not visit.may(reconciliation_pb2.GetPaymentTrailRequest):
        return ()
    wanted = reconciliation_pb2.GetPaymentTrailRequest(payment_id=visit.part("payment_id"))
    steps_on: Sequence[Any] = (await visit.ask(wanted)).steps
    return steps_on


async def refund_form(visit: Visit) -> Html:
    """The amount that can be refunded, before anything is."""
    payment = await payment_of(visit)
    left = Money(_left(payment), payment.amount.currency)
    return Html("refund.html", {"payment": payment, "left": left, "typed": typed(left)})


async def refund(visit: Visit) -> See:
    """Refunds the confirmed amount. Above a limit, the person has to prove their identity first."""
    payment = await payment_of(visit)
    currency = payment.amount.currency
    amount = amount_of(visit.typed("amount"), currency)
    if amount is None:
        raise invalid("amount", visit.word("amount_unreadable"))
    if needs_proof(amount) and not proof_is_fresh(visit.who.proved_at, world_now()):
        raise ReauthenticationNeeded
    request = payments_pb2.RefundPaymentRequest(
        payment_id=payment.id,
        amount=money_pb2.Money(amount_minor=amount.amount_minor, currency=currency),
        reason=visit.typed("reason") or None,
    )
    await visit.change(request, subject=payment.id, before=payment)
    return See(f"/payments/{payment.id}", notice="refunded")


async def capture(visit: Visit) -> See:
    payment_id = visit.part("payment_id")
    await visit.change(
        payments_pb2.CapturePaymentRequest(payment_id=payment_id), subject=payment_id
    )
    return See(f"/payments/{payment_id}", notice="captured")


async def cancel(visit: Visit) -> See:
    payment_id = visit.part("payment_id")
    await visit.change(payments_pb2.CancelPaymentRequest(payment_id=payment_id), subject=payment_id)
    return See(f"/payments/{payment_id}", notice="cancelled")


async def payment_of(visit: Visit) -> payments_pb2.Payment:
    wanted = payments_pb2.GetPaymentRequest(payment_id=visit.part("payment_id"))
    payment: payments_pb2.Payment = (await visit.ask(wanted)).payment
    return payment


def _left(payment: payments_pb2.Payment) -> int:
    """The captured amount less refunds made and in progress."""
    under_way = sum(
        one.amount_minor for one in payment.refunds if one.state == one.STATE_PROCESSING
    )
    return payment.captured_minor - payment.refunded_minor - under_way


READS: Final = ("payments.GetPayment",)
STORY: Final = ("reporting.ListJournalEntries", "reporting.GetPaymentTrail")
PAGES: Final[tuple[Page, ...]] = (
    get("/payments", listed, AREA, "payments.ListPayments", filters=("state", *TYPED)),
    get("/payments/{payment_id}", one, AREA, *READS, parts=STORY),
    get("/payments/{payment_id}/refund", refund_form, AREA, *READS, "payments.RefundPayment"),
    post(
        "/payments/{payment_id}/refund",
        refund,
        AREA,
        *READS,
        "payments.RefundPayment",
        again=refund_form,
    ),
    post(
        "/payments/{payment_id}/capture",
        capture,
        AREA,
        *READS,
        "payments.CapturePayment",
        parts=STORY,
        again=one,
    ),
    post(
        "/payments/{payment_id}/cancel",
        cancel,
        AREA,
        *READS,
        "payments.CancelPayment",
        parts=STORY,
        again=one,
    ),
)
