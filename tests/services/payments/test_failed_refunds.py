"""Refunds that fail after they have succeeded: days later, out of order, through Stripe."""

import hashlib
import hmac
import json
import time

import pytest

from libs import context
from libs.money import Money
from services.payments.connectors.stripe.connector import StripeConnector
from services.payments.flows.webhooks import HandlePspWebhook, handle_psp_webhook
from services.payments.rules.domain import RefundState
from services.payments.rules.outcomes import Approved, DeclineCode
from services.payments.rules.states import State
from tests.services.payments.conftest import World
from tests.services.payments.connectors.conftest import stripe_credentials
from tests.services.payments.connectors.recordings import recorded
from tests.services.payments.psp_double import REFUND, declined
from tests.services.payments.psp_webhooks import external_notice
from tests.services.payments.test_external_operations import amounts, refund_in_console


async def test_a_refund_that_fails_days_later_is_reversed_and_can_be_made_again(world: World):
    paid = await world.create()
    await world.refund(paid)
    assert (await world.get(paid)).state is State.REFUNDED
    [attempt] = await world.attempts(REFUND)
    no = declined(DeclineCode.REQUEST_REFUSED)
    failed = external_notice("f1", REFUND, paid.psp_reference, no, key=attempt["id"])
    await world.notice(failed)
    assert (await world.get(paid)).state is State.REFUNDED, "a no without the refund's reference"
    reference = attempt["psp_reference"]
    named = declined(DeclineCode.REQUEST_REFUSED, reference)
    for event in ("f2", "f3"):
        await world.notice(
            external_notice(event, REFUND, paid.psp_reference, named, reference=reference)
        )
    after = await world.get(paid)
    assert amounts(after) == (State.CAPTURED, 5990, 0, 0)
    assert after.refunds[0].state is RefundState.FAILED
    [charge] = world.a.charges.values()
    charge.refunded_minor = 0
    assert (await world.subjects()).count("payment.refund_failed") == 1
    assert (await world.refund(paid, 2000)).refunded_minor == 2000


async def test_a_late_failure_reverses_only_the_refund_that_failed(world: World):
    paid = await world.create()
    await world.refund(paid, 1000)
    await refund_in_console(world, paid, 4990)
    assert (await world.get(paid)).state is State.REFUNDED
    no = declined(DeclineCode.REQUEST_REFUSED, "re_c")
    await world.notice(external_notice("f1", REFUND, paid.psp_reference, no, reference="re_c"))
    assert amounts(await world.get(paid)) == (State.PARTIALLY_REFUNDED, 5990, 1000, 0)


async def test_a_refund_whose_failure_is_reported_first_stays_failed(world: World):
    paid = await world.create()
    no = declined(DeclineCode.REQUEST_REFUSED, "re_c")
    await world.notice(
        external_notice("f1", REFUND, paid.psp_reference, no, reference="re_c", amount_minor=1000)
    )
    await refund_in_console(world, paid, 1000)
    after = await world.get(paid)
    assert amounts(after) == (State.CAPTURED, 5990, 0, 0)
    assert [refund.state for refund in after.refunds] == [RefundState.FAILED]


def signed(event: dict) -> tuple[bytes, dict[str, str]]:
    body, now = json.dumps(event).encode(), int(time.time())
    secret = b"whsec_stripe"
    digest = hmac.new(secret, f"{now}.".encode() + body, hashlib.sha256).hexdigest()
    return body, {"stripe-signature": f"t={now},v1={digest}"}


@pytest.mark.parametrize("event_type", ["refund.failed", "charge.refund.updated"])
async def test_a_refund_through_stripe_that_fails_days_later_can_be_made_again(
    world: World, event_type: str
):
    paid = await world.create(amount=Money(9000, "EUR"))
    stripe = StripeConnector(stripe_credentials("http://127.0.0.1:9"), None)  # type: ignore[arg-type]  # makes no calls
    world.a.parse_webhook = stripe.parse_webhook  # type: ignore[method-assign]  # only its webhook parser
    world.a.plan(REFUND, Approved("re_3QA", 4000))
    await world.refund(paid, 4000)
    [attempt] = await world.attempts(REFUND)
    refund = {
        **recorded("stripe_documented")["refunds"]["failed"],
        "amount": 4000,
        "payment_intent": paid.psp_reference,
        "metadata": {"attempt_id": attempt["id"]},
    }
    event = {"id": "evt_9", "type": event_type, "created": time.time(), "data": {"object": refund}}
    body, headers = signed(event)
    before = context.current()
    await handle_psp_webhook(world.deps, HandlePspWebhook(world.account_ids["a"], body, headers))
    context.set_current(before)
    after = await world.get(paid)
    assert amounts(after) == (State.CAPTURED, 9000, 0, 0)
    assert (await world.subjects())[-1] == "payment.refund_failed"
    assert (await world.refund(paid, 9000)).state is State.REFUNDED
