"""API keys: made, told apart, replaced and ended. A merchant never sees another one's."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

from libs import idempotency, ids
from libs.db import Conn
from libs.identity import OPERATOR
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
    """`secret` only in the answer that made the key: a repeat cannot show it again."""

    key: ApiKey
    secret: Secret | None = None


@dataclass(frozen=True, slots=True)
class CreateApiKey:
    merchant_id: str
    actor: str  # id of the calling key, or the operator
    kind: Kind
    name: str
    scopes: Sequence[str]
    once: idempotency.Key | None = None


@dataclass(frozen=True, slots=True)
class RotateApiKey:
    merchant_id: str
    actor: str
    key_id: str
    overlap: timedelta
    once: idempotency.Key | None = None


@dataclass(frozen=True, slots=True)
class RevokeApiKey:
    merchant_id: str
    actor: str
    key_id: str


async def authenticate(deps: Deps, secret: Secret) -> Caller:
    """Whose key it is. Raises ApiKeyUnknown, ApiKeyRevoked."""
    if not secret.is_well_formed:
        raise ApiKeyUnknown
    async with deps.db.connection() as conn:
        found = await key_store.find_by_secret(conn, secret.hash)
    if found is None:
        raise ApiKeyUnknown
    return replace(found, key=domain.authenticate(found.key, deps.now()))


async def create_api_key(deps: Deps, cmd: CreateApiKey) -> MadeKey:
    async with deps.db.transaction() as tx:
        claim = await idempotency.claim(tx, cmd.once, ids.new("key"))
        if not claim.fresh:
            return MadeKey(
                _found(await key_store.get_api_key(tx, cmd.merchant_id, claim.resource_id))
            )
        held = await _held(tx, deps, cmd.merchant_id, cmd.actor)
        key = ApiKey(
            id=claim.resource_id,
            merchant_id=cmd.merchant_id,
            kind=cmd.kind,
            state=domain.INITIAL,
            name=cmd.name,
            scopes=domain.grant(cmd.kind, cmd.scopes, known=deps.scopes, held=held),
            last4="",
            created_at=deps.now(),
        )
        merchant = await merchant_store.lock_merchant(tx, cmd.merchant_id)
        if merchant is None:
            raise MerchantNotFound
        domain.check_room(merchant, await key_store.count_active_keys(tx, merchant.id))
        made = await add_key(tx, key, credential.generate(cmd.kind))
        await idempotency.complete(tx, cmd.once, b"")
    return made


async def add_key(conn: Conn, key: ApiKey, secret: Secret) -> MadeKey:
    """Store a key under the hash of its secret, with its event."""
    key = replace(key, last4=secret.last4)
    await key_store.insert_api_key(conn, key, secret.hash)
    await events.api_key_created(conn, key, at=key.created_at)
    return MadeKey(key, secret)


async def list_api_keys(deps: Deps, merchant_id: str, page: Page) -> Listed[ApiKey]:
    """As the keys are now."""
    async with deps.db.connection() as conn:
        found = await key_store.list_api_keys(conn, merchant_id, page)
    now = deps.now()
    return replace(found, rows=[domain.at(key, now) for key in found.rows])


async def rotate_api_key(deps: Deps, cmd: RotateApiKey) -> MadeKey:
    """A new key of the same kind and scopes; the old one ends after the overlap.

    Who does not hold the key's scopes cannot get them by replacing it.
    """
    async with deps.db.transaction() as tx:
        old = _found(await key_store.lock_api_key(tx, cmd.merchant_id, cmd.key_id))
        claim = await idempotency.claim(tx, cmd.once, ids.new("key"))
        if not claim.fresh:
            return MadeKey(
                _found(await key_store.get_api_key(tx, cmd.merchant_id, claim.resource_id))
            )
        now = deps.now()
        domain.check_held(old.scopes, await _held(tx, deps, cmd.merchant_id, cmd.actor))
        await _save(tx, deps, old, domain.rotate(old, overlap=cmd.overlap, now=now))
        new = replace(
            old, id=claim.resource_id, state=domain.INITIAL, created_at=now, expires_at=None
        )
        made = await add_key(tx, new, credential.generate(old.kind))
        await idempotency.complete(tx, cmd.once, b"")
    return made


async def revoke_api_key(deps: Deps, cmd: RevokeApiKey) -> ApiKey:
    """The key, refused from now on. A repeat changes nothing.

    Who does not hold the key's scopes cannot lock out those who do.
    """
    async with deps.db.transaction() as tx:
        key = _found(await key_store.lock_api_key(tx, cmd.merchant_id, cmd.key_id))
        domain.check_held(key.scopes, await _held(tx, deps, cmd.merchant_id, cmd.actor))
        revoked = domain.revoke(key, deps.now())
        await _save(tx, deps, key, revoked)
    return revoked


async def expire_api_key(deps: Deps, due: ApiKey) -> None:
    """Write down that a replaced key has ended; it is refused since `expires_at` anyway."""
    async with deps.db.transaction() as tx:
        key = await key_store.lock_api_key(tx, due.merchant_id, due.id)
        if key is not None:
            await _save(tx, deps, key, domain.at(key, deps.now()))


async def _save(conn: Conn, deps: Deps, before: ApiKey, after: ApiKey) -> None:
    """A decision about a locked key, with the event when it ended the key."""
    if after == before:
        return
    await key_store.save_api_key(conn, before, after)
    if after.state in domain.FINAL:
        await events.api_key_revoked(conn, after, at=deps.now())


async def _held(conn: Conn, deps: Deps, merchant_id: str, actor: str) -> frozenset[str]:
    """Scopes of the caller: of a key what it was given; the operator holds all, others nothing."""
    if actor == OPERATOR:
        return frozenset({domain.ALL_SCOPES})
    key = await key_store.get_api_key(conn, merchant_id, actor)
    if key is None or domain.at(key, deps.now()).state in domain.FINAL:
        return frozenset()
    return frozenset(key.scopes)


def _found(key: ApiKey | None) -> ApiKey:
    if key is None:
        raise ApiKeyNotFound
    return key
