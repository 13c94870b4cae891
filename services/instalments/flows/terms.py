"""Terms: created, archived. A merchant who has created none has the default."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from google.protobuf.message import Message

from libs import context, idempotency, ids
from libs.dataclass_copies import copy_as
from libs.db import Conn
from libs.errors import required
from libs.idempotency import Key
from libs.money import exponent
from libs.pages import Listed, Page
from services.instalments import events
from services.instalments.deps import Deps
from services.instalments.errors import TermsNotFound, TooManyTerms
from services.instalments.rules import terms as rules
from services.instalments.rules.settings import DEFAULT
from services.instalments.rules.terms import (
    Bearer,
    Dunning,
    FinancedBy,
    Frequency,
    Partner,
    Remainder,
    Terms,
    TermsState,
)
from services.instalments.store import terms as store
from services.instalments.store.settings import SETTINGS

MOST_ACTIVE: Final = 50
DEFAULT_ID: Final = "trm_default"


@dataclass(frozen=True, slots=True)
class CreateTerms:
    """None for what the caller left out."""

    name: str
    currency: str
    payments: int
    every: Frequency
    down_payment_basis_points: int | None
    interest_basis_points: int
    upfront_fee_minor: int
    upfront_fee_basis_points: int
    payment_fee_minor: int
    min_amount_minor: int | None
    max_amount_minor: int | None
    categories: tuple[str, ...]
    excluded_categories: tuple[str, ...]
    segments: tuple[str, ...]
    working_days_only: bool
    grace_days: int | None
    late_fee_minor: int
    late_fees_most_minor: int
    dunning: Dunning | None
    partner: Partner | None
    metadata: dict[str, str]
    fees_borne_by: Bearer = Bearer.SHOPPER
    remainder: Remainder = Remainder.LAST
    financed_by: FinancedBy = FinancedBy.OWN


async def create_terms(deps: Deps, cmd: CreateTerms, key: Key | None) -> bytes:
    """Returns the InstalmentTerms message, the same for the same key. Raises InvalidArgument."""

    async def create(tx: Conn, terms_id: str) -> Message:
        merchant_id = context.merchant_id()
        await SETTINGS.lock(tx, merchant_id, DEFAULT)  # two calls must not exceed the limit
        if await store.count_active(tx, merchant_id) >= MOST_ACTIVE:
            raise TooManyTerms
        terms = rules.checked(_terms(deps, cmd, terms_id))
        await store.TERMS.add(tx, terms)
        return events.terms_pb(terms)

    return (await idempotency.once(deps.db, key, ids.new("trm"), create)).body


def _terms(deps: Deps, cmd: CreateTerms, terms_id: str) -> Terms:
    major = 10 ** exponent(cmd.currency)
    lowest, highest = rules.SMALLEST_MAJOR * major, rules.LARGEST_MAJOR * major
    least = lowest if cmd.min_amount_minor is None else cmd.min_amount_minor
    most = max(highest, least) if cmd.max_amount_minor is None else cmd.max_amount_minor
    return copy_as(
        Terms,
        cmd,
        id=terms_id,
        merchant_id=context.merchant_id(),
        state=TermsState.ACTIVE,
        min_amount_minor=least,
        max_amount_minor=most,
        grace_days=rules.DEFAULT_GRACE_DAYS if cmd.grace_days is None else cmd.grace_days,
        dunning=cmd.dunning or rules.DEFAULT_DUNNING,
        created_at=deps.clock.now(),
    )


async def get_terms(deps: Deps, terms_id: str) -> Terms:
    async with deps.db.connection() as conn:
        return required(await find(deps, conn, terms_id), TermsNotFound)


async def find(deps: Deps, conn: Conn, terms_id: str) -> Terms | None:
    """Includes the default, which is archived once the merchant has created others."""
    if terms_id == DEFAULT_ID:
        replaced = await store.has_any(conn, context.merchant_id())
        state = TermsState.ARCHIVED if replaced else TermsState.ACTIVE
        return replace(await _default(deps), state=state)
    return await store.TERMS.get(conn, context.merchant_id(), terms_id)


async def active(deps: Deps, conn: Conn) -> Sequence[Terms]:
    """The offered terms, in order of creation."""
    found = await store.active(conn, context.merchant_id())
    if found or await store.has_any(conn, context.merchant_id()):
        return found
    return [await _default(deps)]


async def list_terms(deps: Deps, page: Page, state: TermsState | None) -> Listed[Terms]:
    async with deps.db.snapshot() as conn:
        listed = await store.list_page(conn, context.merchant_id(), page, state)
        if listed.rows or state is TermsState.ARCHIVED:
            return listed
        if await store.has_any(conn, context.merchant_id()):
            return listed
    return Listed([await _default(deps)])


async def _default(deps: Deps) -> Terms:
    merchant = await deps.merchants.get()
    return rules.default_terms(
        terms_id=DEFAULT_ID,
        merchant_id=merchant.id,
        currency=merchant.default_currency,
        now=merchant.created_at,
    )


async def archive_terms(deps: Deps, terms_id: str) -> Terms:
    """Archiving again changes nothing."""
    async with deps.db.transaction() as tx:
        terms = required(await store.TERMS.lock(tx, context.merchant_id(), terms_id), TermsNotFound)
        return await store.archive(tx, terms)
