"""A merchant's settings for instalments."""

from dataclasses import dataclass

from libs import context
from libs.dataclass_copies import patched
from libs.money import Money
from services.instalments.deps import Deps
from services.instalments.rules import settings as rules
from services.instalments.rules.settings import SellerSize, Settings
from services.instalments.store.settings import SETTINGS


@dataclass(frozen=True, slots=True)
class UpdateSettings:
    """None keeps the current value."""

    jurisdiction: str | None
    seller_size: SellerSize | None
    lender_registration: str | None
    exposure_limit: Money | None
    time_zone: str | None
    creditor_address: str | None
    creditor_email: str | None
    creditor_phone: str | None
    supervisor: str | None
    redress: str | None


async def get_settings(deps: Deps) -> Settings:
    return await deps.db.run(SETTINGS.get, context.merchant_id(), rules.DEFAULT)


async def update_settings(deps: Deps, cmd: UpdateSettings) -> Settings:
    """Raises InvalidArgument."""
    async with deps.db.transaction() as tx:
        before = await SETTINGS.lock(tx, context.merchant_id(), rules.DEFAULT)
        after = rules.checked(patched(before, cmd))
        await SETTINGS.save(tx, context.merchant_id(), after)
    return after
