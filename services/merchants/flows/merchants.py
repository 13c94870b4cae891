"""Merchants: created by operators with their first keys, changed by themselves."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace

from libs import context, idempotency, ids
from libs import time_zones as known_zones
from libs.db import Conn
from libs.errors import required
from libs.idempotency import Key
from libs.pages import Listed, Page
from services.merchants import events
from services.merchants.deps import Deps
from services.merchants.errors import LogoNotFound, MerchantNotFound
from services.merchants.flows.api_keys import MadeKey, add_key
from services.merchants.rules import credential, domain, time_zones
from services.merchants.rules.credential import Secret
from services.merchants.rules.domain import ApiKey, Branding, Kind, Merchant, MerchantChange
from services.merchants.rules.logos import Logo
from services.merchants.store import api_keys as key_store
from services.merchants.store import merchants as merchant_store


@dataclass(frozen=True, slots=True)
class CreateMerchant:
    name: str
    country: str
    default_currency: str
    locale: str  # "" by default
    test: bool
    plan: str  # "" by default
    contact_email: str = ""  # "" by default
    time_zone: str = ""  # "" by default


@dataclass(frozen=True, slots=True)
class MadeMerchant:
    merchant: Merchant
    keys: Sequence[MadeKey]


async def create_merchant(deps: Deps, cmd: CreateMerchant, key: Key | None) -> MadeMerchant:
    """The merchant, a secret key with all scopes and a publishable key, in one transaction.

    A repeat returns the same objects without the keys' secrets, which are stored nowhere.
    """
    plan = cmd.plan or domain.DEFAULT_PLAN
    time_zone = cmd.time_zone or time_zones.of_country(cmd.country)
    known_zones.check(time_zone)
    secrets = {kind: credential.generate(kind) for kind in (Kind.SECRET, Kind.PUBLISHABLE)}

    async def create(tx: Conn, merchant_id: str) -> None:
        plans = await merchant_store.plans(tx)
        domain.check_plan(plan, plans.keys())
        merchant = Merchant(
            id=merchant_id,
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
            time_zone=time_zone,
            quotas=plans[plan],
        )
        await merchant_store.insert_merchant(tx, merchant)
        await events.merchant_created(tx, merchant, at=merchant.created_at)
        for kind, secret in secrets.items():
            await _add_first_key(tx, merchant, kind, secret)

    made = await idempotency.once(deps.db, key, ids.new("mer"), create)
    async with deps.db.connection() as conn:
        merchant = required(
            await merchant_store.get_merchant(conn, made.resource_id), MerchantNotFound
        )
        keys = await key_store.first_api_keys(conn, merchant.id)
    return MadeMerchant(
        merchant, [MadeKey(key, secrets[key.kind] if made.fresh else None) for key in keys]
    )


async def _add_first_key(conn: Conn, merchant: Merchant, kind: Kind, secret: Secret) -> None:
    key = ApiKey(
        id=ids.new("key"),
        merchant_id=merchant.id,
        kind=kind,
        state=domain.INITIAL,
        name="first",
        scopes=(domain.ALL_SCOPES,) if kind is Kind.SECRET else (),
        last4="",
        created_at=merchant.created_at,
    )
    await add_key(conn, key, secret)


async def list_merchants(deps: Deps, page: Page) -> Listed[Merchant]:
    return await deps.db.run(merchant_store.list_merchants, page)


async def get_merchant(deps: Deps) -> Merchant:
    async with deps.db.connection() as conn:
        found = await merchant_store.get_merchant(conn, context.merchant_id())
    return required(found, MerchantNotFound)


async def locked(tx: Conn, merchant_id: str) -> Merchant:
    return required(await merchant_store.lock_merchant(tx, merchant_id), MerchantNotFound)


async def changed_once(
    deps: Deps, key: Key | None, change: Callable[[Conn, str], Awaitable[None]]
) -> Merchant:
    """The current call's merchant after a change; a repeat does not apply it again."""
    await idempotency.once(deps.db, key, context.merchant_id(), change)
    return await get_merchant(deps)


async def update_merchant(deps: Deps, wanted: MerchantChange, key: Key | None) -> Merchant:
    async def change(tx: Conn, merchant_id: str) -> None:
        merchant = await locked(tx, merchant_id)
        await _save(deps, tx, merchant, domain.change_merchant(merchant, wanted))

    return await changed_once(deps, key, change)


async def set_contact_email(deps: Deps, email: str | None) -> Merchant:
    """The merchant with the address at which its owner is warned."""
    async with deps.db.transaction() as tx:
        merchant = await locked(tx, context.merchant_id())
        return await _save(deps, tx, merchant, replace(merchant, contact_email=email))


async def put_logo(deps: Deps, logo: Logo) -> Merchant:
    """The merchant with this logo instead of any earlier one."""
    async with deps.db.transaction() as tx:
        merchant = await locked(tx, context.merchant_id())
        await merchant_store.save_logo(tx, merchant.id, logo, now=deps.now())
        return await _save(deps, tx, merchant, domain.change_logo(merchant, logo.id))


async def delete_logo(deps: Deps) -> Merchant:
    """The merchant without a logo."""
    async with deps.db.transaction() as tx:
        merchant = await locked(tx, context.merchant_id())
        await merchant_store.delete_logo(tx, merchant.id)
        return await _save(deps, tx, merchant, domain.change_logo(merchant, None))


async def _save(deps: Deps, tx: Conn, before: Merchant, after: Merchant) -> Merchant:
    """Saves a locked merchant, with an event if it has changed."""
    if after != before:
        await merchant_store.save_merchant(tx, after)
        await events.merchant_updated(tx, after, at=deps.now())
    return after


async def get_logo(deps: Deps, logo_id: str) -> Logo:
    """Raises LogoNotFound."""
    async with deps.db.connection() as conn:
        return required(await merchant_store.get_logo(conn, logo_id), LogoNotFound)
