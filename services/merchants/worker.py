"""The other door of merchants: replaced keys whose overlap is over."""

from collections.abc import Sequence

from libs.db import Conn
from libs.due import DueWorker, Room
from services.merchants import store
from services.merchants.deps import Deps
from services.merchants.domain import ApiKey
from services.merchants.flows.api_keys import expire_api_key


def key_expiry(deps: Deps) -> DueWorker[ApiKey]:
    async def claim(conn: Conn, room: Room) -> Sequence[ApiKey]:
        return await store.claim_expired(conn, room, deps.now())

    async def expire(key: ApiKey) -> None:
        await expire_api_key(deps, key)

    return DueWorker("expire_api_key", deps.db, claim, expire)
