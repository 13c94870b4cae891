"""Pages of plans in every state, as instalments would answer them."""

from collections.abc import Callable
from typing import Any, Final

from incasso.common.v1 import offer_pb2
from incasso.instalments.v1 import pages_pb2, plans_pb2
from incasso.payments.v1 import payments_pb2
from libs.errors import Kind, RemoteRefusal
from tests.services.gateway.conftest import Gateway
from tests.services.gateway.instalment_samples import credit, deferral

TOKEN: Final = "3xK9mQ2vT7bN4cR8wZ1pLd"
PATH: Final = f"/plan/{TOKEN}"
SHA: Final = "ab" * 32
BACK: Final = "https://pay.example/p/return/sealed"
CONSENT: Final = "Ho ricevuto le informazioni e accetto l'accordo di pagamento in 3 rate."
CONSENT_EN: Final = "I have received the information and accept the agreement to pay in 4 parts."
UNKNOWN: Final = RemoteRefusal(Kind.NOT_FOUND, "plan_not_found", "No such plan.")
PLAN, PART = plans_pb2.InstalmentPlan, plans_pb2.Instalment
DOCUMENT = plans_pb2.InstalmentDocument
BOTH: Final = [DOCUMENT.KIND_INFORMATION, DOCUMENT.KIND_AGREEMENT]


def plan(
    state: Any, *parts: Any, offer: offer_pb2.InstalmentOffer | None = None, **more: Any
) -> plans_pb2.InstalmentPlan:
    """`parts`: states of the first ones; the others are planned."""
    offer = offer or deferral("it")
    found = plans_pb2.InstalmentPlan(
        id="pln_1", state=state, order_reference="A-1001", offer=offer, **more
    )
    found.amount.CopyFrom(offer.total)
    found.amount.amount_minor -= offer.cost_minor
    for at, part in enumerate(offer.schedule):
        standing = parts[at] if at < len(parts) else PART.STATE_PLANNED
        found.instalments.add(
            number=part.number,
            state=standing,
            due_on=part.due_on,
            principal_minor=part.principal_minor,
            interest_minor=part.interest_minor,
            fee_minor=part.fee_minor,
            amount_minor=part.amount_minor,
        )
        if standing == PART.STATE_PAID:
            found.paid_minor += part.amount_minor
        elif standing != PART.STATE_CANCELLED:
            found.outstanding_minor += part.amount_minor
    return found


def merchant(**more: Any) -> pages_pb2.PlanMerchant:
    return pages_pb2.PlanMerchant(
        id="mer_1",
        name="Bottega Verdi",
        primary_colour="#1f5fbf",
        website_url="https://bottega.example",
        reply_to="ciao@bottega.example",
        **more,
    )


def card(last4: str = "4242") -> pages_pb2.PlanCard:
    shown = offer_pb2.OfferedCard(instrument_id=f"ins_{last4}", brand="visa", last4=last4)
    return pages_pb2.PlanCard(card=shown, exp_month=4, exp_year=2029)


def typed(found: pages_pb2.PlanPage, psp: str = "http://127.0.0.1:9") -> pages_pb2.PlanPage:
    """The page with a field for a new card, from the sandbox at `psp`."""
    found.card_field.CopyFrom(
        pages_pb2.PlanCardField(
            psp="sandbox",
            psp_account="sandbox-a",
            publishable_key="sandbox-a",
            field_url=f"{psp}/psp/field.js",
            consent="Con questo pulsante autorizzi Bottega Verdi a salvare la carta.",
        )
    )
    return found


def page(shown: plans_pb2.InstalmentPlan, **more: Any) -> pages_pb2.PlanPage:
    return pages_pb2.PlanPage(
        plan=shown, merchant=merchant(), form_key="form-key-1", **{"locale": "it", **more}
    )


def to_read(**more: Any) -> pages_pb2.PlanPage:
    return page(plan(PLAN.STATE_OFFERED), cards=[card()], consent=CONSENT, **more)


def to_sign(shown: plans_pb2.InstalmentPlan | None = None, **more: Any) -> pages_pb2.PlanPage:
    return page(
        shown or plan(PLAN.STATE_OFFERED),
        **{"cards": [card(), card("1881")], "consent": CONSENT, **more},
        handed_over=BOTH,
        agreement_sha256=SHA,
    )


def signed(state: Any, *parts: Any, locale: str = "it", **more: Any) -> pages_pb2.PlanPage:
    return page(plan(state, *parts, **more), handed_over=BOTH, locale=locale)


def _of_partner(
    state: Any = PLAN.STATE_OFFERED, part: Any = PART.STATE_PLANNED, **more: Any
) -> pages_pb2.PlanPage:
    """The partner pays the price, as one part; the customer pays the partner as offered."""
    found = page(plan(state, part, offer=credit("it")), **more)
    del found.plan.instalments[1:]
    found.plan.offer.partner = "klarna"
    return found


def _at_partner() -> pages_pb2.PlanPage:
    found = _of_partner(part=PART.STATE_COLLECTING)
    found.plan.next_action.type = "redirect"
    found.plan.next_action.url = "https://klarna.example/agree"
    found.return_url = BACK
    return found


def _confirming(state: Any, *parts: Any) -> pages_pb2.PlanPage:
    action = payments_pb2.NextAction(type="redirect", url="https://bank.example/challenge")
    found = signed(state, *parts, next_action=action)
    if state == PLAN.STATE_ACTIVE:
        found.plan.activated_at.FromSeconds(1_795_000_000)
    else:
        found.return_url = BACK
    return found


def _late(locale: str = "it") -> pages_pb2.PlanPage:
    """One part was missed, and is retried."""
    found = signed(PLAN.STATE_ACTIVE, PAID, MISSED, offer=credit(locale, 6), locale=locale)
    missed = found.plan.instalments[1]
    missed.due_at.FromSeconds(1_798_534_800)
    missed.late_fee_minor = 500
    missed.amount_minor += 500
    found.plan.outstanding_minor += 500
    return found


def _declined() -> pages_pb2.PlanPage:
    decline = payments_pb2.Decline(code=payments_pb2.DECLINE_CODE_INSUFFICIENT_FUNDS)
    return to_sign(plan(PLAN.STATE_ACCEPTED, decline=decline))


def running(found: pages_pb2.PlanPage, *cards: str, days: bool = True) -> pages_pb2.PlanPage:
    """The page with all that its customer can do; a plan with costs has a rebate of 0.40 per open part."""
    shown = found.plan
    shown.instrument_id = "ins_4242"
    found.cards.extend(card(last4) for last4 in cards or ("4242", "1881"))
    off = 40 if shown.offer.cost_minor else 0
    payable = (PART.STATE_PLANNED, MISSED, PART.STATE_WRITTEN_OFF)
    left = [part for part in shown.instalments if part.state in payable]
    for part in left:
        found.payable.add(
            number=part.number, amount_minor=part.amount_minor - off, rebate_minor=off
        )
    found.settlement.amount.CopyFrom(shown.amount)
    found.settlement.amount.amount_minor = sum(each.amount_minor for each in found.payable)
    found.settlement.principal_minor = sum(part.principal_minor for part in left)
    found.settlement.fees_minor = sum(part.fee_minor for part in left)
    found.settlement.late_fees_minor = sum(part.late_fee_minor for part in left)
    found.settlement.fees_rebate_minor = off * len(left)
    if days:
        found.withdraw_until = "2026-12-10"
    return found


def owed(found: pages_pb2.PlanPage) -> pages_pb2.WithdrawPlanPageResponse:
    """The first step of a withdrawal."""
    due = plans_pb2.Withdrawal(
        noticed_on="2026-12-01",
        repay_by="2026-12-31",
        capital_minor=12000,
        interest_minor=33,
        paid_back_minor=125,
        owed_minor=11908,
    )
    return pages_pb2.WithdrawPlanPageResponse(page=found, withdrawal=due)


def _withdrawn() -> pages_pb2.PlanPage:
    """The amount still owed is one last part."""
    owed = plans_pb2.Withdrawal(
        noticed_on="2026-12-01", repay_by="2026-12-31", capital_minor=12000, owed_minor=12000
    )
    dropped = [PART.STATE_CANCELLED] * 3
    found = plan(PLAN.STATE_WITHDRAWN, PAID, *dropped, offer=credit("it"), withdrawal=owed)
    found.instalments.add(
        number=5,
        state=PART.STATE_PLANNED,
        due_on="2026-12-31",
        principal_minor=12000,
        amount_minor=12000,
    )
    found.outstanding_minor = 12000
    return page(found, handed_over=BOTH)


def _refunded() -> pages_pb2.PlanPage:
    """Its first part was paid, and then refunded in full."""
    found = plan(PLAN.STATE_COMPLETED, PAID, *[PART.STATE_CANCELLED] * 2)
    found.instalments[0].refunded_minor = found.instalments[0].amount_minor
    for part in found.instalments:
        part.ClearField("amount_minor")
        part.ClearField("principal_minor")
    found.price_refunded_minor, found.paid_minor = found.amount.amount_minor, 0
    return page(found, handed_over=BOTH)


PAID, MISSED = PART.STATE_PAID, PART.STATE_MISSED
STATES: Final[dict[str, Callable[[], pages_pb2.PlanPage]]] = {
    "read": to_read,
    "half-read": lambda: to_read(handed_over=BOTH[:1]),
    "sign": to_sign,
    "sign-credit": lambda: to_sign(plan(PLAN.STATE_OFFERED, offer=credit("it"))),
    "sign-long": lambda: to_sign(plan(PLAN.STATE_OFFERED, offer=credit("it", 24))),
    "declined": _declined,
    "no-card": lambda: to_sign(cards=[]),
    "not-ready": lambda: page(plan(PLAN.STATE_OFFERED), cards=[card()]),
    "of-partner": lambda: _of_partner(takes_partner=True, partner_needs_email=True),
    "at-partner": _at_partner,
    "financed": lambda: _of_partner(PLAN.STATE_COMPLETED, PART.STATE_PAID),
    "confirm": lambda: _confirming(PLAN.STATE_ACCEPTED, PART.STATE_COLLECTING),
    "processing": lambda: signed(PLAN.STATE_ACCEPTED, PART.STATE_COLLECTING),
    "active": lambda: running(signed(PLAN.STATE_ACTIVE, PAID)),
    "active-credit": lambda: running(signed(PLAN.STATE_ACTIVE, PAID, offer=credit("it"))),
    "active-long": lambda: running(signed(PLAN.STATE_ACTIVE, PAID, offer=credit("it", 24))),
    "active-last": lambda: running(signed(PLAN.STATE_ACTIVE, PAID, PAID), "4242", days=False),
    "confirm-part": lambda: _confirming(PLAN.STATE_ACTIVE, PAID, PART.STATE_COLLECTING),
    "late": lambda: running(_late(), days=False),
    "completed": lambda: signed(PLAN.STATE_COMPLETED, PAID, PAID, PAID),
    "defaulted": lambda: signed(PLAN.STATE_DEFAULTED, PAID, MISSED, MISSED),
    "written-off": lambda: signed(PLAN.STATE_WRITTEN_OFF, PAID, *[PART.STATE_WRITTEN_OFF] * 2),
    "refunded": _refunded,
    "withdrawn": _withdrawn,
    "cancelled": lambda: page(plan(PLAN.STATE_CANCELLED)),
    "expired": lambda: page(plan(PLAN.STATE_EXPIRED)),
    "in-review": lambda: page(plan(PLAN.STATE_IN_REVIEW)),
    "refused": lambda: page(plan(PLAN.STATE_REFUSED)),
    "sign-en": lambda: to_sign(
        plan(PLAN.STATE_OFFERED, offer=credit("en")), locale="en", consent=CONSENT_EN
    ),
    "late-en": lambda: running(_late("en"), "1881"),
}


def show(gateway: Gateway, found: Any) -> None:
    """Sets what the service answers from now on."""
    answer = found if isinstance(found, Exception) else pages_pb2.GetPlanPageResponse(page=found)
    gateway.services.answers["GetPlanPage"] = answer
