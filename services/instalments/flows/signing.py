"""Sign a plan: acceptance and intent, commit, ask payments for the first part, record."""

from dataclasses import dataclass, replace

from google.protobuf.message import Message

from libs import context, idempotency, ids
from libs.db import Conn
from libs.errors import IdempotencyKeyInUse, InternalError, ServiceUnavailable, required
from libs.idempotency import Key
from libs.logs import log
from libs.money import Money
from libs.payments import asking
from libs.payments.saved_cards import SavedCard
from services.instalments.deps import Deps
from services.instalments.documents.wording import wording_of
from services.instalments.errors import InstrumentNotFound, InstrumentNotUsable, PlanNotFound
from services.instalments.flows import plans as plans_flow
from services.instalments.flows.collecting import AskedCollection
from services.instalments.payments_client import payment_request
from services.instalments.rules import plans
from services.instalments.rules.plans import Acceptance, Collection, Instalment, Plan, Shown
from services.instalments.rules.states import COLLECTION_INITIAL
from services.instalments.store import collections
from services.instalments.store import plans as store
from services.instalments.store.collections import COLLECTIONS
from services.instalments.store.plans import PLANS


@dataclass(frozen=True, slots=True)
class SignPlan:
    plan_id: str
    instrument_id: str
    agreement_sha256: str
    ip: str | None


async def sign_plan(deps: Deps, cmd: SignPlan, key: Key) -> Shown:
    """The plan as it is after payments' answer, or under way when there is none.

    The same key answers the same try, as it is by then.
    """
    before = required(
        await deps.db.run(PLANS.get, context.merchant_id(), cmd.plan_id), PlanNotFound
    )
    card = await _card(deps, before, cmd.instrument_id)
    intent: Collection | None = None

    async def start(tx: Conn, collection_id: str) -> Message | None:
        nonlocal intent
        intent = await _start(deps, tx, cmd, card, collection_id)
        return None

    started = await idempotency.once(deps.db, key, ids.new("icl"), start)
    if intent is None:
        return await _repeated(deps, cmd.plan_id, started.resource_id)
    try:
        await asking.perform(deps.payments, AskedCollection(deps, intent))
    except (ServiceUnavailable, IdempotencyKeyInUse) as refusal:
        log.info("payment of an instalment has no answer yet", reason=refusal.reason)
    return await plans_flow.get_plan(deps, cmd.plan_id)


async def _repeated(deps: Deps, plan_id: str, collection_id: str) -> Shown:
    asked = await deps.db.run(COLLECTIONS.get, context.merchant_id(), collection_id)
    found = required(asked, InternalError)
    if found.refusal is not None:
        raise found.refusal.raised()
    return await plans_flow.get_plan(deps, plan_id)


async def _card(deps: Deps, plan: Plan, instrument_id: str) -> SavedCard:
    """Raises InstrumentNotFound, InstrumentNotUsable."""
    cards = await deps.saved_cards.of_customer(plan.customer_id)
    card = next((card for card in cards if card.instrument_id == instrument_id), None)
    if card is None:
        raise InstrumentNotFound
    if not card.usable:
        raise InstrumentNotUsable
    return card


async def _start(
    deps: Deps, tx: Conn, cmd: SignPlan, card: SavedCard, collection_id: str
) -> Collection:
    """Acceptance and intent under the plan's lock, or a refusal."""
    now = deps.clock.now()
    plan = required(await PLANS.lock(tx, context.merchant_id(), cmd.plan_id), PlanNotFound)
    first = (await store.parts(tx, plan.merchant_id, plan.id))[0]
    plans.check_signable(plan, first, now)
    plans.check_delivered(await store.delivered_kinds(tx, plan), cmd.agreement_sha256)
    version = wording_of(plan.locale).version
    acceptance = Acceptance(version, cmd.agreement_sha256, now, cmd.ip)
    signed = plans.accepted(plan, acceptance, cmd.instrument_id)
    await store.save(tx, signed)
    return await begin(deps, tx, signed, first, card, collection_id=collection_id, by_customer=True)


async def begin(
    deps: Deps,
    tx: Conn,
    plan: Plan,
    part: Instalment,
    card: SavedCard,
    *,
    collection_id: str,
    by_customer: bool,
) -> Collection:
    """The intent to charge one part. Raises PlanBusy."""
    collection = Collection(
        merchant_id=plan.merchant_id,
        id=collection_id,
        plan_id=plan.id,
        number=part.number,
        state=COLLECTION_INITIAL,
        amount=Money(part.amount_minor, plan.amount.currency),
        instrument_id=card.instrument_id,
        by_customer=by_customer,
        request=None,
        created_at=deps.clock.now(),
    )
    asked = payment_request(
        plan, collection, card.charge, card.sca_history, return_url=plan.return_url
    )
    intent = replace(collection, request=deps.payments.sealed(asked))
    await collections.insert(tx, intent)
    await store.save_parts(tx, [plans.collecting(part)])
    return intent
