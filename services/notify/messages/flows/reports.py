"""Delivery reports: callbacks from providers of text messages, and returned mail."""

from collections.abc import Mapping

from libs import clock
from libs.db import Conn
from services.notify.deps import Deps
from services.notify.errors import ProviderUnknown
from services.notify.messages.flows.record import apply_report
from services.notify.messages.rules import bounces
from services.notify.messages.rules.domain import DeliveryReport, Message, State
from services.notify.messages.store import messages, reports


async def handle_sms_status(
    deps: Deps, *, provider: str, url: str, headers: Mapping[str, str], body: bytes
) -> None:
    """A report that arrives before its reference is stored is kept until then."""
    if provider not in deps.providers:
        raise ProviderUnknown
    callback = deps.providers[provider].read_callback(url=url, headers=headers, body=body)
    if callback.report is None:
        return
    async with deps.db.transaction() as tx:
        await reports.lock(tx, [callback.reference])
        message = await messages.lock_by_reference(tx, callback.reference)
        if message is None:
            await reports.keep(tx, callback.reference, callback.report)
        else:
            await _apply(deps, tx, message, callback.report)


async def handle_bounce(deps: Deps, body: bytes) -> None:
    """Its return address is the proof. It may arrive before the mail server's own reply."""
    bounce = bounces.read(body, deps.return_addresses)
    if bounce.report is None:
        return
    async with deps.db.transaction() as tx:
        await reports.lock(tx, [bounce.message_id])
        message = await messages.lock_by_id(tx, bounce.message_id)
        if message is None:
            return
        if message.state is State.SENDING:
            await reports.keep(tx, message.id, bounce.report)
        else:
            await _apply(deps, tx, message, bounce.report)


async def _apply(deps: Deps, tx: Conn, message: Message, report: DeliveryReport) -> None:
    """Uses the clock of the message's merchant, whom the report does not name."""
    ahead = await clock.offset(tx, message.merchant_id)
    await apply_report(tx, message, report, now=deps.now() + ahead)
