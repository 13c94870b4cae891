"""Reads the trail of a payment's money."""

from collections.abc import Sequence

from libs import context
from services.reporting.deps import Deps
from services.reporting.rules.trails import TrailStep
from services.reporting.store import trails as store


async def payment_trail(deps: Deps, payment_id: str) -> Sequence[TrailStep]:
    return await deps.db.run(store.of_payment, context.merchant_id(), payment_id)
