"""The metrics of links: how many are created and paid, and how long attempts wait for an answer."""

import asyncio
from datetime import timedelta

from prometheus_client import REGISTRY

from libs.tasks import cancel
from services.paylink import worker
from services.paylink.store import due
from tests.kit.payments_double import lose_answer
from tests.services.paylink.test_worker import State, deliver
from tests.services.paylink.world import World

OLDEST = "incasso_oldest_unanswered_link_payment_age_seconds"


def counted(name: str, **labels: str) -> float:
    return REGISTRY.get_sample_value(name, labels) or 0.0


async def test_links_are_counted_by_origin_and_uses_by_method(world: World):
    made = counted("incasso_payment_links_total", origin="api")
    by_card = counted("incasso_payment_links_paid_total", method="card")
    by_transfer = counted("incasso_payment_links_paid_total", method="bank_transfer")
    first, second = await world.link(), await world.link()
    await world.pay(first)
    await world.transfer(12900, second.creditor_reference)
    assert counted("incasso_payment_links_total", origin="api") == made + 2
    assert counted("incasso_payment_links_paid_total", method="card") == by_card + 1
    assert counted("incasso_payment_links_paid_total", method="bank_transfer") == by_transfer + 1


async def test_the_oldest_unanswered_attempt_age_drops_once_it_is_answered(world: World):
    link = await world.link()
    world.payments.before["CreatePayment"] = lose_answer
    await world.pay(link)
    await world.age_tries(timedelta(minutes=5))
    watching = asyncio.create_task(worker.watch_unanswered(world.deps))
    while (REGISTRY.get_sample_value(OLDEST) or 0) < 300:  # noqa: ASYNC110 - a gauge cannot notify
        await asyncio.sleep(0.02)
    await cancel([watching])
    world.payments.before.clear()
    await world.work()
    async with world.db.connection() as conn:
        assert await due.oldest_unanswered(conn) < timedelta(minutes=5)


async def test_a_capture_after_a_decline_is_counted(world: World):
    late = counted("incasso_payments_after_their_end_total")
    link = await world.link()
    world.payments.after["CreatePayment"] = lose_answer
    await world.pay(link)
    (payment,) = world.payments.books.values()
    await deliver(world, payment, State.STATE_DECLINED)
    await deliver(world, payment, State.STATE_CAPTURED)
    assert counted("incasso_payments_after_their_end_total") == late + 1
