"""A cache of the merchants' PSP accounts, routing rules and payment policies, for a few seconds.

Every charge needs them and they hardly ever change; another replica's change is seen within TTL. An
unknown name or id is looked up at once, so a new account works immediately.
"""

from collections.abc import Collection
from dataclasses import dataclass
from functools import partial
from typing import Final

from libs.db import Database
from libs.errors import required
from libs.remote_cache import RemoteCache
from services.payments.errors import PspAccountNotFound
from services.payments.rules.orders import DuplicatePolicy
from services.payments.rules.routing import Rule
from services.payments.store import accounts
from services.payments.store.accounts import PspAccount

TTL_SECONDS: Final = 5.0


@dataclass(frozen=True, slots=True)
class MerchantRouting:
    """One merchant's accounts, in the order of creation, its rules and its policy."""

    accounts: tuple[PspAccount, ...]
    rules: tuple[Rule, ...]
    policy: DuplicatePolicy

    @property
    def names(self) -> list[str]:
        return [account.name for account in self.accounts]

    def named(self, name: str) -> PspAccount:
        """Raises PspAccountNotFound."""
        for account in self.accounts:
            if account.name == name:
                return account
        raise PspAccountNotFound


class RoutingCache:
    """For all merchants."""

    def __init__(self, db: Database, *, ttl_seconds: float = TTL_SECONDS) -> None:
        self._db = db
        self._routings: RemoteCache[MerchantRouting] = RemoteCache(fresh_seconds=ttl_seconds)
        self._accounts: RemoteCache[PspAccount] = RemoteCache(fresh_seconds=ttl_seconds)

    async def of(self, merchant_id: str, *, naming: Collection[str] = ()) -> MerchantRouting:
        """Reloaded if it lacks one of the names."""
        read = partial(self._read, merchant_id)
        routing = await self._routings.get(merchant_id, read)
        if not set(naming) <= set(routing.names):
            routing = await self._routings.refresh(merchant_id, read)
        return routing

    async def account(self, merchant_id: str, psp_account_id: str) -> PspAccount:
        """Raises PspAccountNotFound."""
        account = await self.account_by_id(psp_account_id)
        if account.merchant_id != merchant_id:
            raise PspAccountNotFound
        return account

    async def account_by_id(self, psp_account_id: str) -> PspAccount:
        """For any merchant: webhooks name only the account. Raises PspAccountNotFound."""
        return await self._accounts.get(psp_account_id, partial(self._account, psp_account_id))

    def invalidate(self, merchant_id: str) -> None:
        self._routings.invalidate(merchant_id)

    async def _account(self, psp_account_id: str) -> PspAccount:
        async with self._db.connection() as conn:
            return required(await accounts.by_id(conn, psp_account_id), PspAccountNotFound)

    async def _read(self, merchant_id: str) -> MerchantRouting:
        async with self._db.snapshot() as conn:
            return MerchantRouting(
                tuple(await accounts.list_all(conn, merchant_id)),
                await accounts.rules(conn, merchant_id),
                await accounts.policy(conn, merchant_id),
            )
