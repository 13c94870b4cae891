"""A part paid by its customer: intent, commit, call payments, record."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from typing import Protocol, TypeAlias

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
from services.instalments.errors import InstrumentNotFound, InstrumentNotUsable, PlanNotActive
from services.instalments.flows import plans as plans_flow
from services.instalments.flows.collecting import AskedCollection
from services.instalments.payments_client import method_of, payment_request
from services.instalments.rules.collecting import collecting
from services.instalments.rules.plans import Collection, Instalment, Plan, Shown
from services.instalments.rules.settling import Figure
from services.instalments.rules.states import COLLECTION_INITIAL
from services.instalments.store import collections
from services.instalments.store import plans as store
from services.instalments.store.collections import COLLECTIONS


class Means(Protocol):
    """What is charged: a saved card, or a partner's method, which has no id. `charge` and
    `sca_history` are messages of payments.
    """

    @property
    def instrument_id(self) -> str | None: ...

    @property
    def charge(self) -> bytes: ...

    @property
    def sca_history(self) -> bytes: ...


# Writes the intent to charge the means on the locked plan, under the id.
Start: TypeAlias = Callable[[Conn, Shown, Means, str], Awaitable[Collection]]


async def charge(
    deps: Deps,
    plan: Plan,
    key: Key,
    instrument_id: str | None,
    start: Start,
    *,
    first: Callable[[], Awaitable[None]] | None = None,
    email: str | None = None,
) -> Shown:
    """Returns the plan after payments' answer, or still in progress if there is none.

    `instrument_id`: None for the plan's own card, or its partner. The same key returns the same
    attempt in its current state, even if the card is gone. `first`: runs before anything is
    written. `email`: for a partner, if the customer has none. Raises InstrumentNotFound,
    InstrumentNotUsable, PlanNotActive.
    """
    if (again := await idempotency.answered(deps.db, key)) is not None:
        return await _repeated(deps, plan.id, again.resource_id)
    means = await _means(deps, plan, instrument_id, email)
    if first is not None:
        await first()
    intent: Collection | None = None

    async def begun(tx: Conn, collection_id: str) -> Message | None:
        nonlocal intent
        intent = await start(tx, await plans_flow.locked(tx, plan.id), means, collection_id)
        return None

    started = await idempotency.once(deps.db, key, ids.new("icl"), begun)
    if intent is None:
        return await _repeated(deps, plan.id, started.resource_id)
    try:
        await asking.perform(deps.payments, AskedCollection(deps, intent))
    except (ServiceUnavailable, IdempotencyKeyInUse) as refusal:
        log.info("payment of an instalment has no answer yet", reason=refusal.reason)
    return await plans_flow.get_plan(deps, plan.id)


async def _repeated(deps: Deps, plan_id: str, collection_id: str) -> Shown:
    asked = await deps.db.run(COLLECTIONS.get, context.merchant_id(), collection_id)
    found = required(asked, InternalError)
    if found.refusal is not None:
        raise found.refusal.raised()
    return await plans_flow.get_plan(deps, plan_id)


async def _means(deps: Deps, plan: Plan, instrument_id: str | None, email: str | None) -> Means:
    if plan.terms.partner is not None:
        known = (await deps.saved_cards.customer(plan.customer_id)).email
        return method_of(plan.terms.partner, plan, known or email or "")
    return await card_of(deps, plan, required(instrument_id or plan.instrument_id, PlanNotActive))


async def card_of(deps: Deps, plan: Plan, instrument_id: str) -> SavedCard:
    """Raises InstrumentNotFound, InstrumentNotUsable."""
    cards = await deps.saved_cards.of_customer(plan.customer_id)
    card = next((card for card in cards if card.instrument_id == instrument_id), None)
    if card is None:
        raise InstrumentNotFound
    if not card.usable:
        raise InstrumentNotUsable
    return card


def intent_of(
    deps: Deps,
    plan: Plan,
    part: Instalment,
    means: Means,
    *,
    collection_id: str,
    by_customer: bool,
    rebate_minor: int = 0,
    settles: Figure | None = None,
    return_url: str | None = None,
) -> Collection:
    """The intent to charge `part`, less its rebate, or everything that `settles` covers, of which
    `part` is the first.

    `return_url`: after a challenge; None: the plan's.
    """
    amount = Money(part.amount_minor - rebate_minor, plan.amount.currency)
    collection = Collection(
        merchant_id=plan.merchant_id,
        id=collection_id,
        plan_id=plan.id,
        number=part.number,
        state=COLLECTION_INITIAL,
        amount=settles.amount if settles else amount,
        instrument_id=means.instrument_id,
        by_customer=by_customer,
        rebate_minor=settles.rebate_minor if settles else rebate_minor,
        covers=settles.covers if settles else (),
        request=None,
        created_at=deps.clock.now(),
    )
    asked = payment_request(
        plan,
        collection,
        means.charge,
        means.sca_history,
        return_url=plan.return_url if return_url is None else return_url,
    )
    return replace(collection, request=deps.payments.sealed(asked))


async def begin(tx: Conn, parts: Sequence[Instalment], intent: Collection) -> Collection:
    """Marks the parts that it pays; their plan is locked in this transaction. Raises PlanBusy."""
    await collections.insert(tx, intent)
    await store.save_parts(tx, [collecting(part) for part in parts])
    return intent
