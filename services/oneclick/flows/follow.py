"""Charges after the click: payments' events, and unfinished charges."""

from libs import context
from libs.db import Conn
from libs.errors import Refusal
from libs.logs import log
from libs.payments import asking
from libs.payments.answer import Answer
from libs.payments.due import DueRow
from services.oneclick.deps import Deps
from services.oneclick.flows.charge import AskedCharge, record
from services.oneclick.flows.undo import lower
from services.oneclick.rules.domain import ChargeState
from services.oneclick.store import charges


async def follow_payment(conn: Conn, answer: Answer) -> None:
    """Records an event of payments, in the inbox's transaction. Events may repeat, in any order."""
    charge = await charges.of_payment(conn, context.merchant_id(), answer.id, answer.key)
    if charge is not None:
        await record(conn, charge, answer)


async def settle_due(deps: Deps, due: DueRow) -> None:
    """Finishes a charge whose caller crashed or got no answer."""
    async with deps.db.connection() as conn:
        charge = await charges.get(conn, due.merchant_id, due.id)
    if charge is None:
        return
    if charge.lowering is not None:
        try:
            await lower(deps, charge, charge.lowering)
        except Refusal as refusal:
            log.info("a charge is not lowered yet", reason=refusal.reason)
    elif charge.state in {ChargeState.STARTED, ChargeState.UNDER_WAY}:
        await asking.settle(deps.payments, AskedCharge(deps, charge), age=due.age)
