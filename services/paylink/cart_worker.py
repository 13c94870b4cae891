"""Carts whose time has come: a link goes out by itself."""

from typing import Final

from libs import context
from libs.due import DueWorker
from services.paylink.deps import Deps
from services.paylink.flows import carts
from services.paylink.store.carts import DueCart, claim_due

ACTOR: Final = "paylink"


def cart_worker(deps: Deps) -> DueWorker[DueCart]:
    async def work(row: DueCart) -> None:
        context.set_current(
            context.Call(
                merchant_id=row.merchant_id,
                actor=ACTOR,
                clock_offset_seconds=row.clock_offset_seconds,
            )
        )
        await carts.recover_due(deps, row.cart_id)

    return DueWorker("paylink carts", deps.db, claim_due, work)
