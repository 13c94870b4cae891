"""Merchants: made by operators with their first keys, changed by themselves."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from libs import idempotency, ids
from libs.db import Conn
from libs.pages import Listed, Page
from services.merchants import events
from services.merchants.deps import Deps
from services.merchants.errors import LogoNotFound, MerchantNotFound
from services.merchants.flows.api_keys import MadeKey, add_key
from services.merchants.rules import credential, domain
from services.merchants.rules.domain import ApiKey, Branding, Kind, Merchant, MerchantChange
from services.merchants.rules.pictures import Picture
from services.merchants.store import api_keys as key_store
from services.merchants.store import merchants as merchant_store


@dataclass(frozen=True, slots=True)
class CreateMerchant:
    name: str
    country: str
    default_currency: str
    locale: str  # "" when not said
    test: bool
    plan: str  # "" when not said
    contact_email: str = ""  # "" when not said
    once: idempotency.Key | None = None


@dataclass(frozen=True, slots=True)
class MadeMerchant:
    merchant: Merchant
    keys: Sequence[MadeKey]


async def create_merchant(deps: Deps, cmd: CreateMerchant) -> MadeMerchant:
    """The merchant, a secret key with all scopes and a publishable key, in one transaction.

    A repeat answers the same objects without the keys' secrets, which are kept nowhere.
    """
    plan = cmd.plan or domain.DEFAULT_PLAN
    async with deps.db.transaction() as tx:
        plans = await merchant_store.plans(tx)
        domain.check_plan(plan, plans.keys())
        claim = await idempotency.claim(tx, cmd.once, ids.new("mer"))
        if not claim.fresh:
            return await _made_before(tx, claim.resource_id)
        merchant = Merchant(
            id=claim.resource_id,
            name=cmd.name,
            country=cmd.country,
            default_currency=cmd.default_currency,
            locale=cmd.locale or domain.default_locale(cmd.country),
            test=cmd.test,
            plan=plan,
            branding=Branding(),
            clock_offset=domain.NO_OFFSET,
            created_at=deps.now(),
            contact_email=cmd.contact_email or None,
            quotas=plans[plan],
        )
        await merchant_store.insert_merchant(tx, merchant)
        await events.merchant_created(tx, merchant, at=merchant.created_at)
        keys = [
            await _add_first_key(tx, merchant, Kind.SECRET, (domain.ALL_SCOPES,)),
            await _add_first_key(tx, merchant, Kind.PUBLISHABLE, ()),
        ]
        await idempotency.complete(tx, cmd.once, b"")
    return MadeMerchant(merchant, keys)


async def _add_first_key(
    conn: Conn, merchant: Merchant, kind: Kind, scopes: tuple[str, ...]
) -> MadeKey:
    key = ApiKey(
        id=ids.new("key"),
        merchant_id=merchant.id,
        kind=kind,
        state=domain.INITIAL,
        name="first",
        scopes=scopes,
        last4="",
        created_at=merchant.created_at,
    )
    return await add_key(conn, key, credential.generate(kind))


async def _made_before(conn: Conn, merchant_id: str) -> MadeMerchant:
    merchant = _found(await merchant_store.get_merchant(conn, merchant_id))
    keys = await key_store.first_api_keys(conn, merchant_id)
    return MadeMerchant(merchant, [MadeKey(key) for key in keys])


async def list_merchants(deps: Deps, page: Page) -> Listed[Merchant]:
    async with deps.db.connection() as conn:
        return await merchant_store.list_merchants(conn, page)


async def get_merchant(deps: Deps, merchant_id: str) -> Merchant:
    async with deps.db.connection() as conn:
        return _found(await merchant_store.get_merchant(conn, merchant_id))


async def update_merchant(
    deps: Deps, merchant_id: str, change: MerchantChange, once: idempotency.Key | None
) -> Merchant:
    """The merchant after the change; a repeat changes nothing again."""
    async with deps.db.transaction() as tx:
        merchant = _found(await merchant_store.lock_merchant(tx, merchant_id))
        if not (await idempotency.claim(tx, once, merchant_id)).fresh:
            return merchant
        changed = domain.change_merchant(merchant, change)
        if changed != merchant:
            await merchant_store.save_merchant(tx, changed)
            await events.merchant_updated(tx, changed, at=deps.now())
        await idempotency.complete(tx, once, b"")
    return changed


async def set_contact_email(deps: Deps, merchant_id: str, email: str | None) -> Merchant:
    """The merchant whose owner is told of what matters at this address."""
    async with deps.db.transaction() as tx:
        merchant = _found(await merchant_store.lock_merchant(tx, merchant_id))
        changed = replace(merchant, contact_email=email)
        if changed != merchant:
            await merchant_store.save_merchant(tx, changed)
            await events.merchant_updated(tx, changed, at=deps.now())
    return changed


async def put_logo(deps: Deps, merchant_id: str, logo: Picture) -> Merchant:
    """The merchant with this logo instead of one before."""
    async with deps.db.transaction() as tx:
        merchant = _found(await merchant_store.lock_merchant(tx, merchant_id))
        await merchant_store.save_logo(tx, merchant_id, logo, now=deps.now())
        return await _change_logo(deps, tx, merchant, logo.id)


async def delete_logo(deps: Deps, merchant_id: str) -> Merchant:
    """The merchant without a logo."""
    async with deps.db.transaction() as tx:
        merchant = _found(await merchant_store.lock_merchant(tx, merchant_id))
        await merchant_store.delete_logo(tx, merchant_id)
        return await _change_logo(deps, tx, merchant, None)


async def _change_logo(deps: Deps, tx: Conn, merchant: Merchant, logo_id: str | None) -> Merchant:
    changed = domain.change_logo(merchant, logo_id)
    if changed != merchant:
        await merchant_store.save_merchant(tx, changed)
        await events.merchant_updated(tx, changed, at=deps.now())
    return changed


async def get_logo(deps: Deps, logo_id: str) -> Picture:
    """Raises LogoNotFound."""
    async with deps.db.connection() as conn:
        logo = await merchant_store.get_logo(conn, logo_id)
    if logo is None:
        raise LogoNotFound
    return logo


def _found(merchant: Merchant | None) -> Merchant:
    if merchant is None:
        raise MerchantNotFound
    return merchant
