"""The merchants' PSP accounts, routing rules and payment policies, remembered for some seconds.

Every charge needs them and they hardly ever change; another replica's change is seen within TTL.
A name or id that is not known is looked up at once, so that a new account works immediately.
"""

import time
from collections.abc import Collection
from dataclasses import dataclass
from typing import Final

from libs.db import Database
from services.payments.errors import PspAccountNotFound
from services.payments.rules.orders import DuplicatePolicy
from services.payments.rules.routing import Rule
from services.payments.store import accounts
from services.payments.store.accounts import PspAccount

TTL_SECONDS: Final = 5.0
MOST: Final = 10_000  # merchants; and accounts by id


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
    """Of all merchants."""

    def __init__(self, db: Database, *, ttl_seconds: float = TTL_SECONDS) -> None:
        self._db = db
        self._ttl_seconds = ttl_seconds
        self._kept: dict[str, tuple[float, MerchantRouting]] = {}
        self._by_id: dict[str, tuple[float, PspAccount]] = {}

    async def of(self, merchant_id: str, *, naming: Collection[str] = ()) -> MerchantRouting:
        """Read again when it lacks one of the names."""
        read_at, routing = self._kept.get(merchant_id, (0.0, None))
        fresh = time.monotonic() - read_at < self._ttl_seconds
        if routing is None or not fresh or not set(naming) <= set(routing.names):
            routing = await self._read(merchant_id)
        return routing

    async def account(self, merchant_id: str, psp_account_id: str) -> PspAccount:
        """Accounts never change, so that a remembered one is always right."""
        _, routing = self._kept.get(merchant_id, (0.0, None))
        for again in (routing, None):
            known = again or await self._read(merchant_id)
            for account in known.accounts:
                if account.id == psp_account_id:
                    return account
        raise PspAccountNotFound

    async def account_by_id(self, psp_account_id: str) -> PspAccount:
        """Of any merchant: for webhooks, which name nothing else. Raises PspAccountNotFound."""
        read_at, account = self._by_id.get(psp_account_id, (0.0, None))
        if account is None or time.monotonic() - read_at >= self._ttl_seconds:
            async with self._db.connection() as conn:
                account = await accounts.by_id(conn, psp_account_id)
            if account is None:
                raise PspAccountNotFound
            if len(self._by_id) >= MOST:
                self._by_id.clear()
            self._by_id[psp_account_id] = (time.monotonic(), account)
        return account

    def forget(self, merchant_id: str) -> None:
        self._kept.pop(merchant_id, None)

    async def _read(self, merchant_id: str) -> MerchantRouting:
        async with self._db.connection() as conn:
            routing = MerchantRouting(
                tuple(await accounts.list_all(conn, merchant_id)),
                await accounts.rules(conn, merchant_id),
                await accounts.policy(conn, merchant_id),
            )
        if len(self._kept) >= MOST:
            self._kept.clear()
        self._kept[merchant_id] = (time.monotonic(), routing)
        return routing
