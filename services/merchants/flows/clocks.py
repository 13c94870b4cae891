"""Test clocks: how far a test merchant runs ahead of the world. They never run back."""

from datetime import datetime, timedelta

from libs import idempotency
from services.merchants import events
from services.merchants.deps import Deps
from services.merchants.errors import MerchantNotFound
from services.merchants.rules import domain
from services.merchants.store import merchants as merchant_store


async def get_test_clock(deps: Deps, merchant_id: str) -> tuple[datetime, timedelta]:
    """What the merchant's clock shows, and its offset."""
    async with deps.db.connection() as conn:
        merchant = await merchant_store.get_merchant(conn, merchant_id)
    if merchant is None:
        raise MerchantNotFound
    domain.require_test_clock(merchant)
    return deps.now() + merchant.clock_offset, merchant.clock_offset


async def advance_test_clock(
    deps: Deps, merchant_id: str, by: timedelta, once: idempotency.Key | None
) -> tuple[datetime, timedelta]:
    """Move the clock on and tell every service. A repeat answers the same offset."""
    async with deps.db.transaction() as tx:
        merchant = await merchant_store.lock_merchant(tx, merchant_id)
        if merchant is None:
            raise MerchantNotFound
        claim = await idempotency.claim(tx, once, merchant_id)
        if claim.answer is not None:
            offset = timedelta(seconds=int(claim.answer))
            return deps.now() + offset, offset
        ahead = domain.advance(merchant, by)
        await merchant_store.save_merchant(tx, ahead)
        await events.test_clock_advanced(tx, ahead, at=deps.now())
        seconds = int(ahead.clock_offset.total_seconds())
        await idempotency.complete(tx, once, str(seconds).encode())
    return deps.now() + ahead.clock_offset, ahead.clock_offset
