"""The public view: resources as protobuf, for answers and events alike, and the events."""

from base64 import b64encode
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final, TypeAlias

from google.protobuf.message import Message

from incasso.common.v1 import offer_pb2
from incasso.instalments.v1 import events_pb2, plans_pb2
from incasso.instalments.v1 import instalments_pb2 as pb
from incasso.payments.v1 import payments_pb2
from libs import erasing, outbox, taeg, wire
from libs.db import Conn
from libs.money import Money
from libs.outbox import NewEvent
from services.instalments.documents.figures import Figures
from services.instalments.documents.label import label_of
from services.instalments.documents.model import Proposed
from services.instalments.rules.collecting import is_under_way
from services.instalments.rules.disputes import Dispute
from services.instalments.rules.offers import PlanOffer, Priced
from services.instalments.rules.plans import (
    OPEN,
    Collection,
    Document,
    Instalment,
    Plan,
    Shown,
)
from services.instalments.rules.quotes import Quote
from services.instalments.rules.regimes import PlanClass
from services.instalments.rules.schedule import Part
from services.instalments.rules.settling import Figure
from services.instalments.rules.states import InstalmentState, PlanState
from services.instalments.rules.terms import Terms
from services.instalments.rules.withdrawal import Withdrawal

METHOD: Final = "instalments"
NO_TERMS: Final = "no_terms"  # the merchant has archived all
TAEG_PLACES: Final = 2

Offers: TypeAlias = Sequence[offer_pb2.InstalmentOffer]  # all terms, compared for a cart
_CLASSES: Final = wire.numbers(PlanClass, offer_pb2.InstalmentOffer.LegalClass)


def terms_pb(terms: Terms) -> pb.InstalmentTerms:
    return wire.message(pb.InstalmentTerms, terms)


def quote_pb(quote: Quote) -> pb.InstalmentQuote:
    offer = offer_pb2.InstalmentOffer.FromString(quote.offer)
    return wire.message(pb.InstalmentQuote, quote, offer=offer)


def method_pb(found: Offers) -> offer_pb2.Offer:
    """The offer for checkout-options: available if any of the terms are, otherwise with the
    first one's reason.
    """
    first = next((offer for offer in found if offer.available), None)
    reason = found[0].reason if found else NO_TERMS
    return offer_pb2.Offer(
        method=METHOD,
        available=first is not None,
        reason=reason if first is None else None,
        label="" if first is None else first.label,
        instalments=found,
    )


def compared_pb(offers: Sequence[PlanOffer], locale: str) -> Offers:
    return [offer_pb(offer, locale) for offer in offers]


def offer_pb(offer: PlanOffer, locale: str) -> offer_pb2.InstalmentOffer:
    """The offer, with the texts that the law requires beside a price, in the reader's language."""
    terms = offer.terms
    shown = offer_pb2.InstalmentOffer(
        terms_id=terms.id,
        name=terms.name,
        payments=terms.payments,
        interest_basis_points=terms.interest_basis_points,
        partner=terms.partner.method if terms.partner else None,
    )
    if offer.ineligible is not None:
        shown.reason = offer.ineligible.reason.value
        if offer.ineligible.detail:
            shown.detail = offer.ineligible.detail
        if offer.ineligible.threshold is not None:
            shown.threshold.CopyFrom(wire.money(offer.ineligible.threshold))
    if offer.priced is not None:
        shown.available = True
        shown.MergeFrom(_priced_pb(offer.priced, locale))
    return shown


def _priced_pb(priced: Priced, locale: str) -> offer_pb2.InstalmentOffer:
    planned, classified = priced.schedule, priced.classification
    currency = planned.amount.currency
    figures = Figures(
        Proposed(locale=locale, schedule=planned, taeg=priced.taeg, classification=classified)
    )
    return offer_pb2.InstalmentOffer(
        label=label_of(planned.parts, currency, locale),
        schedule=[part_pb(part) for part in planned.parts],
        total=wire.money(Money(planned.total_minor, currency)),
        cost_minor=planned.cost_minor,
        taeg=str(taeg.rounded(priced.taeg, TAEG_PLACES)),
        legal_class=_CLASSES[classified.plan_class],
        article=classified.article,
        regime=classified.regime,
        legal_sentence=figures.legal(),
        warning=figures.warning() or None,
        representative_example=figures.example() if classified.representative_example else None,
    )


def part_pb(part: Part) -> offer_pb2.InstalmentPart:
    return wire.message(offer_pb2.InstalmentPart, part, amount_minor=part.total_minor)


def plan_pb(shown: Shown) -> plans_pb2.InstalmentPlan:
    plan, parts, latest = shown.plan, shown.parts, shown.latest
    paid = [part for part in parts if part.state is InstalmentState.PAID]
    left = [part for part in parts if part.state in OPEN]
    url = latest.next_action_url if latest is not None and is_under_way(latest) else None
    return wire.message(
        plans_pb2.InstalmentPlan,
        plan,
        offer=offer_pb2.InstalmentOffer.FromString(plan.offer),
        instalments=[instalment_pb(part) for part in parts],
        paid_minor=sum(part.amount_minor for part in paid),
        outstanding_minor=sum(part.amount_minor for part in left),
        written_off_minor=sum(
            part.amount_minor for part in parts if part.state is InstalmentState.WRITTEN_OFF
        ),
        disputed_minor=sum(part.disputed_minor for part in parts),
        lost_minor=sum(part.lost_minor for part in parts),
        refunded_minor=sum(part.refunded_minor for part in parts),
        refunding_minor=sum(part.refunding_minor for part in parts),
        next_action=payments_pb2.NextAction(type="redirect", url=url) if url else None,
        decline=_decline_pb(latest),
        withdrawal=_withdrawn_pb(plan),
    )


def withdrawal_pb(due: Withdrawal) -> plans_pb2.Withdrawal:
    return wire.message(
        plans_pb2.Withdrawal, due, owed_minor=due.owed_minor, give_back_minor=due.give_back_minor
    )


def _withdrawn_pb(plan: Plan) -> plans_pb2.Withdrawal | None:
    return None if plan.withdrawal is None else withdrawal_pb(plan.withdrawal.due)


def plan_withdrawn(shown: Shown) -> Message:
    return events_pb2.PlanWithdrawn(plan=plan_pb(shown))


def parts_disputed(shown: Shown, dispute: Dispute) -> Sequence[Message]:
    plan = shown.plan
    return [
        events_pb2.InstalmentDisputed(
            plan_id=plan.id,
            order_reference=plan.order_reference,
            instalment=instalment_pb(shown.parts[share.number - 1]),
            currency=plan.amount.currency,
            dispute_id=dispute.id,
            dispute_state=dispute.state.value,
            amount_minor=share.amount_minor,
        )
        for share in dispute.shares
    ]


def _decline_pb(latest: Collection | None) -> payments_pb2.Decline | None:
    if latest is None or latest.decline is None:
        return None
    return wire.message(payments_pb2.Decline, latest.decline)


def instalment_pb(part: Instalment) -> plans_pb2.Instalment:
    return wire.message(plans_pb2.Instalment, part, amount_minor=part.amount_minor)


def document_pb(document: Document) -> plans_pb2.InstalmentDocument:
    content = b64encode(document.content).decode()
    return wire.message(plans_pb2.InstalmentDocument, document, content=content)


def settlement_pb(figure: Figure) -> plans_pb2.InstalmentSettlement:
    return wire.message(plans_pb2.InstalmentSettlement, figure, numbers=figure.numbers)


async def plan_created(conn: Conn, plan: Plan, parts: Sequence[Instalment], now: datetime) -> None:
    event = events_pb2.PlanCreated(plan=plan_pb(Shown(plan, parts)))
    await outbox.append(conn, outbox.event_of(plan, event, now))


async def plan_accepted(conn: Conn, signed: Shown, now: datetime) -> None:
    event = events_pb2.PlanAccepted(plan=plan_pb(signed))
    await outbox.append(conn, outbox.event_of(signed.plan, event, now))


_PLAN_EVENTS: Final[Mapping[PlanState, Any]] = {
    PlanState.IN_REVIEW: events_pb2.PlanInReview,
    PlanState.OFFERED: events_pb2.PlanApproved,  # back in the state before the review
    PlanState.REFUSED: events_pb2.PlanRefused,
    PlanState.ACTIVE: events_pb2.PlanActivated,
    PlanState.COMPLETED: events_pb2.PlanCompleted,
    PlanState.DEFAULTED: events_pb2.PlanDefaulted,
    PlanState.WRITTEN_OFF: events_pb2.PlanWrittenOff,
    PlanState.CANCELLED: events_pb2.PlanCancelled,
    PlanState.EXPIRED: events_pb2.PlanExpired,
}


_PART_EVENTS: Final[Mapping[InstalmentState, Any]] = {
    InstalmentState.PAID: events_pb2.InstalmentPaid,
    InstalmentState.MISSED: events_pb2.InstalmentMissed,
    InstalmentState.WRITTEN_OFF: events_pb2.InstalmentWrittenOff,
}


def for_change(before: Shown, after: Shown, now: datetime) -> Sequence[NewEvent]:
    """The published changes of a plan and its parts."""
    new_events = [
        outbox.event_of(after.plan, event, now)
        for old, new in zip(before.parts, after.parts, strict=True)
        for event in (
            _part_event(after.plan, old, new),
            _late_fee_charged(after.plan, old, new),
            _part_refunded(after.plan, old, new),
        )
        if event is not None
    ]
    kind = _PLAN_EVENTS.get(after.plan.state)
    if kind is not None and after.plan.state is not before.plan.state:
        new_events.append(outbox.event_of(after.plan, kind(plan=plan_pb(after)), now))
    return new_events


def _part_event(plan: Plan, old: Instalment, new: Instalment) -> Message | None:
    """A part is reported as missed once, however often its card is retried, and written off once."""
    missed_before = new.state is InstalmentState.MISSED and old.missed_at is not None
    given_up = new.state is InstalmentState.WRITTEN_OFF and old.written_off_at is not None
    kind = (
        None if missed_before or given_up or new.state is old.state else _PART_EVENTS.get(new.state)
    )
    return None if kind is None else _of_part(kind, plan, new)


def _late_fee_charged(plan: Plan, old: Instalment, new: Instalment) -> Message | None:
    """Only for a missed part: a paid one regains its fee when its refund fails."""
    fee = new.late_fee_minor - old.late_fee_minor
    if fee <= 0 or new.state is not InstalmentState.MISSED:
        return None
    return _of_part(events_pb2.InstalmentLateFeeCharged, plan, new, amount_minor=fee)


def _part_refunded(plan: Plan, old: Instalment, new: Instalment) -> Message | None:
    """Money of a part was refunded."""
    back = new.refunded_minor - old.refunded_minor
    if back <= 0:
        return None
    return _of_part(events_pb2.InstalmentRefunded, plan, new, amount_minor=back)


def _of_part(kind: Any, plan: Plan, part: Instalment, **more: int) -> Message:
    made: Message = kind(
        plan_id=plan.id,
        order_reference=plan.order_reference,
        instalment=instalment_pb(part),
        currency=plan.amount.currency,
        **more,
    )
    return made


# Fields in events and answers about plans.
PERSONAL: Final[erasing.Personal] = {
    "incasso.instalments.v1.InstalmentPlan": ("metadata",),
    "incasso.instalments.v1.Acceptance": ("ip",),
    "incasso.instalments.v1.Review": ("reason",),
    "incasso.instalments.v1.InstalmentRefund": ("reason",),
    "incasso.instalments.v1.PlanMessageRequested": ("recipient",),
}
ANSWERING_PLANS: Final = ("CreateInstalmentPlan",)  # whose answer is stored


def event_left(subject: str, body: bytes) -> bytes:
    """A logged event after its customer was erased."""
    return erasing.event_left(subject, body, PERSONAL)


def plan_left(answer: bytes) -> bytes:
    """A stored answer after its customer was erased."""
    return erasing.clear(plans_pb2.InstalmentPlan.FromString(answer), PERSONAL)
