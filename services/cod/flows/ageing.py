"""Money that couriers have collected and not passed on."""

from collections.abc import Sequence

from libs import context
from services.cod.deps import Deps
from services.cod.rules.ageing import Ageing
from services.cod.store import ageing


async def ageing_of_couriers(deps: Deps) -> Sequence[Ageing]:
    """Ageing by courier and currency, largest open amount first."""
    return await deps.db.run(ageing.of_couriers, context.merchant_id(), deps.clock.now())
