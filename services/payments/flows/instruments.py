"""Instruments at PSPs. Nothing is stored here: the idempotency key is the intent, and its resource
id is the PSP's key, so a repeat after a crash finds the same instrument.
"""

from dataclasses import dataclass

from libs import context, idempotency
from libs.idempotency import Key
from services.payments import events
from services.payments.connectors.base import InstrumentReady, InstrumentSetup
from services.payments.deps import Deps
from services.payments.errors import InstrumentRefused, PspUnavailable, TooManyDeclines
from services.payments.flows import calling
from services.payments.rules import retry, velocity
from services.payments.rules.outcomes import Declined, Unknown
from services.payments.rules.velocity import Count
from services.payments.store import velocity as store


@dataclass(frozen=True, slots=True)
class SetUpInstrument:
    psp_account: str
    token: str
    customer_id: str
    email: str
    return_url: str
    psp_customer: str
    velocity_subjects: tuple[str, ...] = ()


async def set_up_instrument(deps: Deps, cmd: SetUpInstrument, key: Key | None) -> InstrumentReady:
    """Raises TooManyDeclines, InstrumentRefused and PspUnavailable.

    A repeat asks the PSP again under its key. Saving a card also tests it, so a refusal counts as a
    decline for the customer and for the address.
    """
    merchant_id, now = context.merchant_id(), deps.clock.now()
    routed = await deps.routing_cache.of(merchant_id, naming=[cmd.psp_account])
    account = routed.named(cmd.psp_account)
    connector = deps.psps.connector(account)
    async with deps.db.transaction() as tx:
        claim = await idempotency.claim(tx, key, deps.new_id("isu"), lock=retry.CALL_FOR)
        subjects = velocity.of_setup(cmd.customer_id, cmd.velocity_subjects)
        if claim.fresh and (barred := await store.barred(tx, merchant_id, subjects, now)):
            raise TooManyDeclines(velocity.kind_of(barred))
    setup = InstrumentSetup(
        key=claim.resource_id,
        token=cmd.token,
        customer_id=cmd.customer_id,
        email=cmd.email,
        psp_customer=cmd.psp_customer,
        return_url=cmd.return_url,
    )
    outcome = await calling.ask(
        "set up instrument", account, lambda: connector.set_up_instrument(setup)
    )
    async with deps.db.transaction() as tx:
        await idempotency.release(tx, key)
        if isinstance(outcome, Declined) and outcome.code not in velocity.NOT_COUNTED:
            alarms = events.card_testing_alarms(merchant_id, subjects, now)
            counts = [Count(each, 1, 0) for each in subjects]
            await store.count(tx, merchant_id, counts, alarms, now)
    match outcome:
        case InstrumentReady():
            return outcome
        case Declined():
            raise InstrumentRefused(f"The PSP refused the instrument: {outcome.message}")
        case Unknown():
            raise PspUnavailable


async def remove_instrument(deps: Deps, *, psp_account: str, token: str) -> None:
    """Raises PspUnavailable unless the PSP confirms the deletion."""
    routed = await deps.routing_cache.of(context.merchant_id(), naming=[psp_account])
    account = routed.named(psp_account)
    connector = deps.psps.connector(account)
    gone = await calling.ask(
        "remove instrument", account, lambda: connector.remove_instrument(token)
    )
    if gone is not True:
        raise PspUnavailable
