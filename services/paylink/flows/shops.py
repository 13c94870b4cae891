"""The merchant's one-page shop: open it, look at it, change it."""

from libs import context
from libs.errors import required
from services.paylink.deps import Deps
from services.paylink.errors import ShopNotFound
from services.paylink.rules import products as rules
from services.paylink.rules.products import Shop, ShopChange
from services.paylink.store import shops as store


async def get_shop(deps: Deps) -> Shop:
    """Also a closed one: its merchant asks."""
    async with deps.db.connection() as conn:
        return required(await store.get(conn, context.merchant_id()), ShopNotFound)


async def update_shop(deps: Deps, new: ShopChange) -> Shop:
    """Opens the shop at the first call, which needs a slug."""
    merchant_id = context.merchant_id()
    async with deps.db.transaction() as tx:
        before = await store.lock(tx, merchant_id)
        if before is None:
            first = rules.first_shop(merchant_id, new, deps.clock.now())
            if await store.insert(tx, first):
                return first
            before = required(await store.lock(tx, merchant_id), ShopNotFound)
        after = rules.change_shop(before, new)
        await store.save(tx, after)
    return after
