"""What holds for all cash on delivery of a merchant."""

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
    """Who has read the warning is recorded with what he turned on, whatever comes later."""
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
    """Of a merchant who has said nothing: offered for carts in its currency, without a fee."""
    merchant = await deps.merchants.get()
    return Settings(currency=merchant.default_currency)


async def _record(tx: Conn, settings: Settings) -> None:
    read = settings.fee_acknowledgement
    assert read is not None  # it was just made
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
