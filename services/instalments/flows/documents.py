"""Documents of a plan, delivered before acceptance and on withdrawal: stored unchanged, as
evidence.
"""

import hashlib
from collections.abc import Sequence
from datetime import timedelta
from zoneinfo import ZoneInfo

from libs import context, threads
from libs.documents import render
from libs.errors import Refusal, required
from libs.logs import log
from services.instalments.deps import Deps
from services.instalments.documents import letters, model
from services.instalments.documents.before_consent import before_consent
from services.instalments.documents.figures import PlanFigures
from services.instalments.documents.model import Creditor
from services.instalments.errors import CreditorDetailsMissing, NotWithdrawn, PlanNotFound
from services.instalments.rules import partners, plans, regimes, withdrawing
from services.instalments.rules.merchants import Merchant
from services.instalments.rules.plans import Document, DocumentKind, Plan
from services.instalments.rules.settings import DEFAULT, Settings
from services.instalments.rules.withdrawal import Withdrawn
from services.instalments.store import plans as store
from services.instalments.store.plans import PLANS
from services.instalments.store.settings import SETTINGS


async def get_document(deps: Deps, plan_id: str, kind: DocumentKind) -> Document:
    """Created on the first request; the same from then on."""
    async with deps.db.connection() as conn:
        plan = required(await PLANS.get(conn, context.merchant_id(), plan_id), PlanNotFound)
        content = await store.delivered(conn, plan, kind)
        settings = await SETTINGS.get(conn, context.merchant_id(), DEFAULT)
    if not content:  # not delivered yet, or erased
        made = _document(kind, await _made(deps, plan, kind, settings))
        content = await deps.db.run(store.deliver, plan, made, deps.clock.now())
    return _document(kind, content)


def _document(kind: DocumentKind, content: bytes) -> Document:
    return Document(kind, content, hashlib.sha256(content).hexdigest())


async def _made(deps: Deps, plan: Plan, kind: DocumentKind, settings: Settings) -> bytes:
    if kind is DocumentKind.RECEIPT:
        withdrawn = required(plan.withdrawal, NotWithdrawn)
        proposal = await _proposed(deps, plan, settings)
        return await threads.run(render.pdf, letters.receipt(_notice(plan, withdrawn, proposal)))
    partners.check_own(plan)
    plans.check_unsigned(plan, deps.clock.now())
    information, agreement = before_consent(await _proposed(deps, plan, settings))
    chosen = information if kind is DocumentKind.INFORMATION else agreement
    return await threads.run(render.pdf, chosen)


async def get_consent(deps: Deps, plan: Plan) -> str | None:
    """What the customer accepts, in one sentence; None while documents cannot be created."""
    settings = await deps.db.run(SETTINGS.get, plan.merchant_id, DEFAULT)
    try:
        return PlanFigures(await _proposed(deps, plan, settings)).consent().text
    except Refusal as refusal:
        log.info("a plan cannot be signed on its page", reason=refusal.reason)
        return None


async def get_reminder(deps: Deps, plan: Plan) -> Sequence[str]:
    """Sentences of the reminder of the right to withdraw. Raises CreditorDetailsMissing."""
    settings = await deps.db.run(SETTINGS.get, plan.merchant_id, DEFAULT)
    proposal = await _proposed(deps, plan, settings)
    return letters.reminding(proposal, signed_on=withdrawing.signed_day(plan))


async def _proposed(deps: Deps, plan: Plan, settings: Settings) -> model.Plan:
    customer = await deps.saved_cards.customer(plan.customer_id)
    shopper = customer.name or plan.customer_id
    return _proposal(plan, settings, await deps.merchants.get(), shopper)


def _notice(plan: Plan, withdrawn: Withdrawn, proposal: model.Plan) -> model.Notice:
    return model.Notice(
        plan=proposal,
        signed_on=withdrawing.signed_day(plan),
        name=withdrawn.name,
        received_at=withdrawn.noticed_at.astimezone(ZoneInfo(plan.time_zone)),
        sent_to=withdrawn.sent_to,
        due=withdrawn.due,
    )


def _proposal(plan: Plan, settings: Settings, merchant: Merchant, shopper: str) -> model.Plan:
    """Raises CreditorDetailsMissing."""
    if not settings.creditor_address or not settings.creditor_email:
        raise CreditorDetailsMissing
    regime = regimes.named(plan.priced.classification.regime)
    schedule = plan.priced.schedule
    return model.Plan(
        locale=plan.locale,
        creditor=Creditor(
            name=merchant.name,
            address=settings.creditor_address,
            email=settings.creditor_email,
            phone=settings.creditor_phone or "",
            registered=settings.lender_registration or "",
            supervisor=settings.supervisor or "",
            redress=settings.redress or "",
        ),
        shopper=shopper,
        order_reference=plan.order_reference,
        goods=plan.order_reference,
        schedule=schedule,
        taeg=plan.priced.taeg,
        classification=plan.priced.classification,
        grace_days=plan.terms.grace_days,
        late_fee_minor=plan.terms.late_fee_minor,
        late_fees_most_minor=plan.terms.late_fees_most_minor,
        valid_until=plan.expires_at.astimezone(ZoneInfo(plan.time_zone)).date(),
        withdraw_until=schedule.signed_on + timedelta(days=regime.withdrawal_days),
    )
