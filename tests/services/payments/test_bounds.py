"""A payment with many refunds stays small: in events, in answers, and by a limit."""

import pytest

from incasso.payments.v1 import events_pb2
from services.payments import events
from services.payments.errors import TooManyRefunds
from services.payments.rules.domain import MOST_REFUNDS, Payment
from services.payments.rules.outcomes import Approved
from services.payments.rules.states import DisputeState, State
from tests.services.payments.conftest import World
from tests.services.payments.psp_double import REFUND
from tests.services.payments.psp_webhooks import dispute, external_notice


async def last_event(world: World) -> bytes:
    [row] = await world.rows("SELECT body FROM outbox ORDER BY seq DESC LIMIT 1")
    return row["body"]


async def with_refunds(world: World, count: int) -> Payment:
    paid = await world.create()
    for _ in range(count):
        await world.refund(paid, 1)
    return await world.get(paid)


async def test_an_event_carries_only_the_refund_it_reports(world: World):
    paid = await with_refunds(world, 3)
    event = events_pb2.PaymentRefunded.FromString(await last_event(world))
    assert event.refund.id == paid.refunds[-1].id
    assert list(event.payment.refunds) == [event.refund]
    assert event.payment.refunded_minor == 3
    await world.notice(dispute("e1", paid.psp_reference, DisputeState.OPEN))
    opened = events_pb2.DisputeOpened.FromString(await last_event(world))
    assert list(opened.payment.refunds) == []
    assert list(opened.payment.disputes) == [opened.dispute]


async def test_refunds_are_limited_except_those_made_at_the_psp(world: World):
    paid = await with_refunds(world, MOST_REFUNDS)
    with pytest.raises(TooManyRefunds):
        await world.refund(paid, 1)
    size = len(await last_event(world))
    for number in range(3):
        done = Approved(f"re_{number}", 1)
        await world.notice(
            external_notice(
                f"c{number}", REFUND, paid.psp_reference, done, reference=f"re_{number}"
            )
        )
    after = await world.get(paid)
    assert (after.state, after.refunded_minor) == (State.PARTIALLY_REFUNDED, MOST_REFUNDS + 3)
    assert len(after.refunds) == MOST_REFUNDS + 3
    answer = events.payment_pb(after)
    assert len(answer.refunds) == MOST_REFUNDS
    assert answer.refunds[-1].psp_reference == "re_2"
    assert answer.refunds[-1].made_at_psp
    assert len(await last_event(world)) < size + 100
