"""Plans: created from a quote, and read."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from google.protobuf.message import Message

from libs import context, idempotency, ids, outbox, pages, telemetry
from libs.dataclass_copies import copy_as
from libs.db import Conn, Snapshot
from libs.errors import InternalError, required
from libs.idempotency import Key
from libs.pages import Page
from services.instalments import events
from services.instalments.deps import Deps
from services.instalments.errors import CustomerErased, PlanNotFound, QuoteExpired, QuoteNotFound
from services.instalments.flows import affordability
from services.instalments.flows import terms as terms_flow
from services.instalments.rules import current_schedule, reviews
from services.instalments.rules.affordability import Concern
from services.instalments.rules.items import Line, check_sum
from services.instalments.rules.plans import Plan, Shown
from services.instalments.rules.settings import DEFAULT
from services.instalments.rules.states import PLAN_INITIAL, PlanState
from services.instalments.store import collections
from services.instalments.store import plans as store
from services.instalments.store.plans import PLANS
from services.instalments.store.quotes import QUOTES
from services.instalments.store.settings import SETTINGS


@dataclass(frozen=True, slots=True)
class CreatePlan:
    quote_id: str
    customer_id: str
    return_url: str
    metadata: Mapping[str, str]
    items: tuple[Line, ...] = ()


async def create_plan(deps: Deps, cmd: CreatePlan, key: Key) -> bytes:
    """Returns the InstalmentPlan message, the same for the same key, whatever was erased since."""
    if (again := await idempotency.answered(deps.db, key)) is not None:
        return again.body
    if (await deps.saved_cards.customer(cmd.customer_id)).erased:
        raise CustomerErased
    merchant_id = context.merchant_id()
    quote = required(await deps.db.run(QUOTES.get, merchant_id, cmd.quote_id), QuoteNotFound)
    async with deps.db.connection() as conn:
        terms = required(await terms_flow.find(deps, conn, quote.terms_id), InternalError)
    scored: tuple[Concern, ...] = ()
    if terms.partner is None:  # otherwise the risk is the partner's
        scored = await affordability.opinion(deps, quote, cmd.customer_id)

    async def create(tx: Conn, plan_id: str) -> Message:
        now = deps.clock.now()
        if quote.expires_at <= now:
            raise QuoteExpired
        check_sum(cmd.items, quote.amount.amount_minor)
        settings = await SETTINGS.get(tx, merchant_id, DEFAULT)
        plan = copy_as(
            Plan,
            cmd,
            merchant_id=merchant_id,
            id=plan_id,
            state=PLAN_INITIAL,
            order_reference=quote.order_reference,
            amount=quote.amount,
            locale=quote.locale,
            terms=terms,
            priced=quote.priced,
            offer=quote.offer,
            time_zone=settings.time_zone,
            trace_id=telemetry.trace_id(),
            expires_at=quote.expires_at,
            due_at=quote.expires_at,
            created_at=now,
        )
        return events.plan_pb(await _added(deps, tx, plan, scored))

    return (await idempotency.once(deps.db, key, ids.new("pln"), create)).body


async def _added(deps: Deps, tx: Conn, plan: Plan, scored: tuple[Concern, ...]) -> Shown:
    """Ready to be signed, or to be reviewed first."""
    parts, now = current_schedule.first_parts(plan), deps.clock.now()
    found = () if plan.by_partner else await affordability.concerns(deps, tx, plan, scored)
    after = reviews.sent_to_review(plan, found, now) if found else plan
    await store.insert(tx, after, parts)
    await events.plan_created(tx, plan, parts, now)
    if found:
        await affordability.opened(deps, tx, plan, after)
        await outbox.append(tx, *events.for_change(Shown(plan, parts), Shown(after, parts), now))
    return Shown(after, parts)


@dataclass(frozen=True, slots=True)
class Filter:
    """None: no filter."""

    state: PlanState | None
    customer_id: str | None
    order_reference: str | None


async def list_plans(
    deps: Deps, merchant_id: str, wanted: Filter, page: Page
) -> tuple[Sequence[Shown], str | None]:
    """A page, newest first, and the cursor of the next."""
    conditions = {
        "merchant_id = {}": merchant_id,
        "state = {}": wanted.state,
        "customer_id = {}": wanted.customer_id,
        "order_reference = {}": wanted.order_reference,
    }
    async with deps.db.snapshot() as conn:
        listed = await pages.fetch(conn, PLANS, page, conditions)
        parts = await store.parts_of(conn, merchant_id, [plan.id for plan in listed.rows])
    return [Shown(plan, parts[plan.id]) for plan in listed.rows], listed.next_cursor


async def get_plan(deps: Deps, plan_id: str) -> Shown:
    async with deps.db.snapshot() as conn:
        return await shown(conn, plan_id)


async def shown(conn: Snapshot, plan_id: str) -> Shown:
    """Raises PlanNotFound."""
    plan = required(await PLANS.get(conn, context.merchant_id(), plan_id), PlanNotFound)
    return Shown(
        plan,
        await store.parts(conn, plan.merchant_id, plan.id),
        await collections.latest(conn, plan.merchant_id, plan.id),
    )


async def found(deps: Deps, plan_id: str) -> Plan:
    """Raises PlanNotFound."""
    return required(await deps.db.run(PLANS.get, context.merchant_id(), plan_id), PlanNotFound)


async def locked(tx: Conn, plan_id: str) -> Shown:
    """Locked until the end of the transaction. Raises PlanNotFound."""
    plan = required(await PLANS.lock(tx, context.merchant_id(), plan_id), PlanNotFound)
    return Shown(plan, await store.parts(tx, plan.merchant_id, plan.id))
