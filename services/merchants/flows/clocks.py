"""Test clocks: how far a test merchant is ahead of real time. They never go back."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from google.protobuf.message import Message

from libs import context, idempotency
from libs.db import Conn
from libs.idempotency import Key
from services.merchants import events
from services.merchants.deps import Deps
from services.merchants.flows.merchants import get_merchant, locked
from services.merchants.rules import domain
from services.merchants.store import merchants as merchant_store


@dataclass(frozen=True, slots=True)
class MerchantClock:
    """The merchant's current time, and how far it is ahead."""

    now: datetime
    offset_seconds: int


async def get_test_clock(deps: Deps) -> MerchantClock:
    merchant = await get_merchant(deps)
    domain.require_test_clock(merchant)
    return _shown(deps, merchant.clock_offset)


async def advance_test_clock(deps: Deps, seconds: int, key: Key | None) -> MerchantClock:
    """Advances the clock, with an event for every service. A repeat returns the same offset."""

    async def advance(tx: Conn, merchant_id: str) -> Message:
        ahead = domain.advance(await locked(tx, merchant_id), timedelta(seconds=seconds))
        await merchant_store.save_merchant(tx, ahead)
        return await events.test_clock_advanced(tx, ahead, at=deps.now())

    advanced = await idempotency.once(deps.db, key, context.merchant_id(), advance)
    return _shown(deps, events.offset_of(advanced.body))


def _shown(deps: Deps, offset: timedelta) -> MerchantClock:
    return MerchantClock(deps.now() + offset, int(offset.total_seconds()))
