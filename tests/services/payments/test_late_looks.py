"""Look-ups of a late approval during which the attempt that undoes it has ended."""

from datetime import timedelta

from services.payments.rules import late_approvals
from services.payments.rules.late_approvals import Recheck, Undoing
from services.payments.store import attempts
from tests.services.payments.conftest import World
from tests.services.payments.psp_webhooks import operation_notice
from tests.services.payments.test_late_approvals import recover_all, refused


async def test_a_look_up_started_before_the_release_ended_does_not_release_again(world: World):
    payment, key = await refused(world)
    held = world.a.approve_late(key, payment.id, captured=False)
    await world.notice(operation_notice("late", key, held))
    await recover_all(world)
    async with world.db.connection() as conn:
        charge = await attempts.get(conn, payment.merchant_id, key)
        known = await attempts.operations_of(conn, payment.merchant_id, payment.id)
    [release] = known
    assert charge is not None
    assert release.settled_at is not None
    at = release.settled_at

    def judged(asked_at):
        ids = {"attempt_id": "att_new", "asked_at": asked_at, "now": at}
        return late_approvals.decide(payment, charge, held, known, **ids)

    assert judged(at - timedelta(seconds=1)) is Recheck.AGAIN
    assert isinstance(judged(at + timedelta(seconds=1)), Undoing)  # the money is held once more
