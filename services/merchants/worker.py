"""Entry points besides gRPC: expiring keys and due changes of bank accounts."""

from collections.abc import Sequence

from libs.db import Conn
from libs.due import DueWorker
from libs.queues import Room
from services.merchants.deps import Deps
from services.merchants.flows.api_keys import expire_api_key
from services.merchants.flows.bank_accounts import take_effect
from services.merchants.rules.bank_accounts import BankAccountChange
from services.merchants.rules.domain import ApiKey
from services.merchants.store import api_keys as key_store
from services.merchants.store import bank_accounts as change_store


def key_expiry(deps: Deps) -> DueWorker[ApiKey]:
    async def claim(conn: Conn, room: Room) -> Sequence[ApiKey]:
        return await key_store.claim_expired(conn, room, deps.now())

    async def expire(key: ApiKey) -> None:
        await expire_api_key(deps, key)

    return DueWorker("expire_api_key", deps.db, claim, expire)


def bank_account_changes(deps: Deps) -> DueWorker[BankAccountChange]:
    async def claim(conn: Conn, room: Room) -> Sequence[BankAccountChange]:
        return await change_store.claim(conn, room, deps.now())

    async def apply(change: BankAccountChange) -> None:
        await take_effect(deps, change)

    return DueWorker("bank_account_change", deps.db, claim, apply)
