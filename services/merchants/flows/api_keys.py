"""API keys: created, authenticated, replaced and revoked. A merchant never sees another's."""

from dataclasses import dataclass, replace
from datetime import timedelta

from libs import context, idempotency, ids
from libs.db import Conn
from libs.errors import required
from libs.idempotency import Answered, Key
from libs.identity import CONSOLE, OPERATOR
from libs.pages import Listed, Page
from services.merchants import events
from services.merchants.deps import Deps
from services.merchants.errors import ApiKeyNotFound, ApiKeyUnknown, MerchantNotFound
from services.merchants.rules import credential, domain
from services.merchants.rules.credential import Secret
from services.merchants.rules.domain import ApiKey, Caller, Kind
from services.merchants.store import api_keys as key_store
from services.merchants.store import merchants as merchant_store


@dataclass(frozen=True, slots=True)
class MadeKey:
    """`secret` only in the answer that created the key: a repeat cannot show it again."""

    key: ApiKey
    secret: Secret | None = None


@dataclass(frozen=True, slots=True)
class CreateApiKey:
    kind: Kind
    name: str
    scopes: tuple[str, ...]


async def authenticate(deps: Deps, secret: Secret) -> Caller:
    """The caller of a key. Raises ApiKeyUnknown, ApiKeyRevoked."""
    if not secret.is_well_formed:
        raise ApiKeyUnknown
    async with deps.db.connection() as conn:
        found = await key_store.find_by_secret(conn, secret.hash)
    if found is None:
        raise ApiKeyUnknown
    return replace(found, key=domain.authenticate(found.key, deps.now()))


async def create_api_key(deps: Deps, cmd: CreateApiKey, key: Key | None) -> MadeKey:
    merchant_id, secret = context.merchant_id(), credential.generate(cmd.kind)

    async def create(tx: Conn, key_id: str) -> None:
        new = ApiKey(
            id=key_id,
            merchant_id=merchant_id,
            kind=cmd.kind,
            state=domain.INITIAL,
            name=cmd.name,
            scopes=domain.grant(
                cmd.kind, cmd.scopes, known=deps.scopes, held=await _held(tx, deps)
            ),
            last4="",
            created_at=deps.now(),
        )
        merchant = required(await merchant_store.lock_merchant(tx, merchant_id), MerchantNotFound)
        domain.check_room(merchant, await key_store.count_active_keys(tx, merchant.id))
        await add_key(tx, new, secret)

    return await _made(deps, await idempotency.once(deps.db, key, ids.new("key"), create), secret)


async def _made(deps: Deps, answered: Answered, secret: Secret | None) -> MadeKey:
    """A repeat returns the key in its current state."""
    async with deps.db.connection() as conn:
        made = required(
            await key_store.get_api_key(conn, context.merchant_id(), answered.resource_id),
            ApiKeyNotFound,
        )
    return MadeKey(made, secret if answered.fresh else None)


async def add_key(conn: Conn, key: ApiKey, secret: Secret) -> MadeKey:
    """Stores a key under the hash of its secret, with its event."""
    key = replace(key, last4=secret.last4)
    await key_store.insert_api_key(conn, key, secret.hash)
    await events.api_key_created(conn, key, at=key.created_at)
    return MadeKey(key, secret)


async def list_api_keys(deps: Deps, page: Page) -> Listed[ApiKey]:
    """The keys in their current state."""
    async with deps.db.connection() as conn:
        found = await key_store.list_api_keys(conn, context.merchant_id(), page)
    now = deps.now()
    return replace(found, rows=[domain.at(key, now) for key in found.rows])


async def rotate_api_key(deps: Deps, key_id: str, overlap: timedelta, key: Key | None) -> MadeKey:
    """A new key of the same kind and scopes; the old one ends after the overlap.

    A caller without the key's scopes cannot get them by replacing it.
    """
    secret: Secret | None = None

    async def rotate(tx: Conn, new_id: str) -> None:
        nonlocal secret
        old, now = await _found(tx, key_id, lock=True), deps.now()
        secret = credential.generate(old.kind)
        domain.check_held(old.scopes, await _held(tx, deps))
        await _save(tx, deps, old, domain.rotate(old, overlap=overlap, now=now))
        new = replace(old, id=new_id, state=domain.INITIAL, created_at=now, expires_at=None)
        await add_key(tx, new, secret)

    return await _made(deps, await idempotency.once(deps.db, key, ids.new("key"), rotate), secret)


async def revoke_api_key(deps: Deps, api_key_id: str) -> ApiKey:
    """The key, refused from now on. A repeat changes nothing.

    A caller without the key's scopes cannot lock out its holders.
    """
    async with deps.db.transaction() as tx:
        key = await _found(tx, api_key_id, lock=True)
        domain.check_held(key.scopes, await _held(tx, deps))
        revoked = domain.revoke(key, deps.now())
        await _save(tx, deps, key, revoked)
    return revoked


async def expire_api_key(deps: Deps, due: ApiKey) -> None:
    """Records that a replaced key has ended; it is refused after `expires_at` anyway."""
    async with deps.db.transaction() as tx:
        key = await key_store.lock_api_key(tx, due.merchant_id, due.id)
        if key is not None:
            await _save(tx, deps, key, domain.at(key, deps.now()))


async def _save(conn: Conn, deps: Deps, before: ApiKey, after: ApiKey) -> None:
    """Saves a decision about a locked key, with the event if it ended the key."""
    if after == before:
        return
    await key_store.save_api_key(conn, before, after)
    if after.state in domain.FINAL:
        await events.api_key_revoked(conn, after, at=deps.now())


async def _held(conn: Conn, deps: Deps) -> frozenset[str]:
    """Scopes of the caller: a key holds those it was granted, a member those of the role, the
    operator all, others none.
    """
    call = context.current()
    actor = call.actor
    if actor == OPERATOR or (call.caller == CONSOLE and call.scopes >= deps.scopes):
        return frozenset({domain.ALL_SCOPES})
    if call.caller == CONSOLE:
        return call.scopes
    key = await key_store.get_api_key(conn, context.merchant_id(), actor)
    if key is None or domain.at(key, deps.now()).state in domain.FINAL:
        return frozenset()
    return frozenset(key.scopes)


async def _found(conn: Conn, key_id: str, *, lock: bool = False) -> ApiKey:
    look_up = key_store.lock_api_key if lock else key_store.get_api_key
    return required(await look_up(conn, context.merchant_id(), key_id), ApiKeyNotFound)
