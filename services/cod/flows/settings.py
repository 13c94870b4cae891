"""A merchant's settings for all cash on delivery."""

from libs import context, ids
from libs.db import Conn
from libs.telemetry import trace_id
from services.cod.deps import Deps
from services.cod.rules import settings as rules
from services.cod.rules import texts
from services.cod.rules.settings import Settings, SettingsChange
from services.cod.store.settings import FEE_ACKNOWLEDGEMENTS, SETTINGS, FeeAcknowledgement


async def get_settings(deps: Deps) -> Settings:
    default = await default_settings(deps)
    return await deps.db.run(SETTINGS.get, context.merchant_id(), default)


async def update_settings(deps: Deps, new: SettingsChange) -> Settings:
    """Records who has read the warning together with the change; the record stays."""
    default = await default_settings(deps)
    async with deps.db.transaction() as tx:
        now, version = deps.clock.now(), texts.FEE_WARNING_VERSION
        before = await SETTINGS.lock(tx, context.merchant_id(), default)
        after = rules.change(before, new, version=version, now=now)
        await SETTINGS.save(tx, context.merchant_id(), after)
        if new.acknowledgement is not None:
            await _record(tx, after)
    return after


async def default_settings(deps: Deps) -> Settings:
    """Defaults for a merchant without settings: offered for carts in its currency, without a
    fee.
    """
    merchant = await deps.merchants.get()
    return Settings(currency=merchant.default_currency)


async def _record(tx: Conn, settings: Settings) -> None:
    read = settings.fee_acknowledgement
    assert read is not None  # just created
    await FEE_ACKNOWLEDGEMENTS.add(
        tx,
        FeeAcknowledgement(
            merchant_id=context.merchant_id(),
            id=ids.new("ack"),
            acknowledged_by=read.acknowledged_by,
            version=read.version,
            fee=settings.fee,
            actor=context.current().actor,
            trace_id=trace_id(),
            acknowledged_at=read.acknowledged_at,
        ),
    )
