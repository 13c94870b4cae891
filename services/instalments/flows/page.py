"""A plan's page: finds the plan by its token, and returns what the page shows, and documents."""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass, replace

from libs import context
from libs.errors import Refusal, required
from libs.logs import log
from libs.money import Money
from libs.payments.saved_cards import SavedCard
from libs.seal import SealBrokenError
from services.instalments.deps import Deps
from services.instalments.documents.wording import wording_of
from services.instalments.errors import PlanNotFound
from services.instalments.flows import documents, plans
from services.instalments.rules import choices, document_delivery, urls
from services.instalments.rules import plans as rules
from services.instalments.rules.cards import CardField
from services.instalments.rules.choices import Choices
from services.instalments.rules.merchants import Merchant
from services.instalments.rules.plans import Document, DocumentKind, Plan, Shown
from services.instalments.store import plans as store
from services.instalments.store.addresses import ADDRESSES
from services.instalments.store.plans import PLANS


@dataclass(frozen=True, slots=True)
class PlanPage:
    shown: Shown
    merchant: Merchant
    cards: Sequence[SavedCard]  # usable to sign the plan or to pay
    handed_over: Sequence[DocumentKind]
    agreement_sha256: str | None  # once all documents were delivered
    consent: str | None  # the sentence to accept; None if the plan cannot be signed
    form_key: str
    choices: Choices
    card_field: CardField | None
    takes_partner: bool
    partner_needs_email: bool


async def get_address(deps: Deps, plan_id: str) -> str:
    """URL of the plan's page; created on the first call."""
    async with deps.db.transaction() as tx:
        plan = required(await PLANS.get(tx, context.merchant_id(), plan_id), PlanNotFound)
        sealed = await ADDRESSES.issue(tx, plan, deps.seal, deps.clock.now())
    try:
        return urls.page_url(deps.public_url, deps.seal.open(sealed))
    except SealBrokenError:  # the seal key is lost
        raise PlanNotFound from None


async def open_plan(deps: Deps, token: str) -> Plan:
    """The plan; from here on the call acts for its merchant. Raises PlanNotFound."""
    found = required(await deps.db.run(ADDRESSES.find, token), PlanNotFound)
    context.act_as_shopper(found.row.merchant_id, found.clock_offset_seconds)
    return found.row


async def get_page(deps: Deps, opened: Plan) -> PlanPage:
    """A pure read."""
    async with deps.db.snapshot() as conn:
        shown = await plans.shown(conn, opened.id)
        delivered = await store.delivered_kinds(conn, shown.plan)
    now = deps.clock.now()
    shown = replace(shown, plan=rules.expired(shown.plan, shown.parts[0], now))
    unsigned, by_partner = rules.is_signable(shown, now), shown.plan.by_partner
    signable, takes_partner = unsigned and not by_partner, unsigned and by_partner
    can = choices.choices(shown, now)
    merchant, takes_cards = await deps.merchants.get(), signable or can.payable
    return PlanPage(
        shown=shown,
        merchant=merchant,
        cards=await _cards(deps, shown.plan) if takes_cards else (),
        handed_over=document_delivery.delivered_kinds(delivered),
        agreement_sha256=document_delivery.agreement_of(delivered),
        consent=await documents.get_consent(deps, shown.plan) if signable else None,
        form_key=secrets.token_urlsafe(16),
        choices=can,
        card_field=await _card_field(deps, shown, merchant) if takes_cards else None,
        takes_partner=takes_partner,
        partner_needs_email=takes_partner and await _has_no_email(deps, shown.plan),
    )


async def _cards(deps: Deps, plan: Plan) -> Sequence[SavedCard]:
    """Empty if oneclick does not answer: the page is shown without cards."""
    try:
        cards = await deps.saved_cards.of_customer(plan.customer_id)
    except Refusal as refusal:
        log.info("plan page shown without cards", reason=refusal.reason)
        return ()
    return [card for card in cards if card.usable]


async def _has_no_email(deps: Deps, plan: Plan) -> bool:
    """False also if that is unknown: the partner asks for what it needs."""
    try:
        return not (await deps.saved_cards.customer(plan.customer_id)).email
    except Refusal as refusal:
        log.info("plan page shown without the customer's data", reason=refusal.reason)
        return False


async def _card_field(deps: Deps, shown: Shown, merchant: Merchant) -> CardField | None:
    """None if no new card can be added, or if payments returns no field."""
    plan = shown.plan
    amount = Money(shown.parts[0].amount_minor, plan.amount.currency)
    try:
        field = await deps.payments.card_field(amount, customer_id=plan.customer_id)
    except Refusal as refusal:
        log.info("plan page shown without a card field", reason=refusal.reason)
        return None
    return replace(
        field, consent=wording_of(plan.locale).say("consent.card", creditor=merchant.name)
    )


async def get_document(deps: Deps, opened: Plan, kind: DocumentKind) -> Document:
    return await documents.get_document(deps, opened.id, kind)
