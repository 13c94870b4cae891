"""Which webhooks are stored without a lock: those that can change nothing in any later state."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import product

import pytest

from libs import context
from services.payments.connectors.base import OperationNotice
from services.payments.routing_cache import RoutingCache
from services.payments.rules.domain import Attempt, Payment
from services.payments.rules.outcomes import (
    ActionRequired,
    Approved,
    DeclineCode,
    Declined,
    Outcome,
    Pending,
    Unknown,
)
from services.payments.rules.settling import settle
from services.payments.rules.stale import CAPTURED_STATES, is_stale, standings
from services.payments.rules.states import (
    TRANSITIONS,
    AttemptKind,
    AttemptState,
    State,
)
from tests.services.payments.conftest import MERCHANT, World
from tests.services.payments.psp_double import AUTHORISE, CAPTURE
from tests.services.payments.psp_webhooks import operation_notice

NOW = datetime(2026, 11, 2, tzinfo=UTC)
OUTCOMES: tuple[Outcome, ...] = (
    Approved("x", 5990),
    Approved("x", 5990, captured=True),
    Declined(DeclineCode.DO_NOT_HONOR, "no"),
    Declined(DeclineCode.CARD_BLOCKED, "no"),
    Declined(DeclineCode.REQUEST_REFUSED, "no", psp_reference="x"),
    ActionRequired("x", "https://psp.test/c"),
    Pending("x"),
    Unknown("?"),
)


def situations(like: Payment) -> Iterator[tuple[Payment, Attempt, Outcome]]:
    for state, capturing, kind, attempt_state, named, outcome in product(
        State, (0, 5990), AttemptKind, AttemptState, ("", "x"), OUTCOMES
    ):
        attempt = Attempt(
            merchant_id=MERCHANT,
            id="att_1",
            payment_id=like.id,
            kind=kind,
            psp_account_id=like.psp_account_id,
            amount_minor=5990,
            created_at=NOW,
            state=attempt_state,
            psp_reference=named,
        )
        yield replace(like, state=state, capturing_minor=capturing), attempt, outcome


async def test_a_stale_webhook_would_change_nothing(world: World):
    like = await world.create()
    old = 0
    for payment, attempt, outcome in situations(like):
        if is_stale(attempt.kind, attempt.state, payment.state, outcome):
            old += 1
            change = settle(payment, attempt, outcome, now=NOW)
            assert not change.changed, (payment.state, attempt, outcome)
            assert not change.recheck, (payment.state, attempt, outcome)
    assert old


@pytest.mark.parametrize("outcome", OUTCOMES)
@pytest.mark.parametrize("kind", AttemptKind)
def test_the_listed_standings_are_exactly_the_stale_ones(kind: AttemptKind, outcome: Outcome):
    known = standings(kind, outcome)
    for state, payment_state in product(AttemptState, State):
        assert ((state, payment_state) in known) == is_stale(kind, state, payment_state, outcome)


def test_no_transition_leaves_the_captured_states():
    for (state, event), after in TRANSITIONS.items():
        if state in CAPTURED_STATES:
            assert after in CAPTURED_STATES, event


async def test_a_notice_about_another_operation_on_the_attempt_is_not_stale(world: World):
    held = await world.hold()
    [attempt] = await world.attempts()
    named = OperationNotice(
        "e",
        attempt["id"],
        CAPTURE,
        held.psp_reference,
        Approved("op_1", 5990),
        operation_reference="op_1",
    )
    assert await world.notice(named)
    assert (await world.get(held)).state is State.CAPTURED


async def test_a_stale_webhook_waits_for_no_lock_and_is_stored_once(world: World):
    payment = await world.create()
    [attempt] = await world.attempts()
    notice = operation_notice(
        "e1", attempt["id"], Approved(payment.psp_reference, 5990, captured=True)
    )
    async with world.db.transaction() as tx:
        await tx.fetch("SELECT FROM payments FOR UPDATE")
        await tx.fetch("SELECT FROM attempts FOR UPDATE")
        assert [await world.notice(notice) for _ in range(2)] == [True, False]
    [stored] = await world.rows("SELECT handled_at FROM psp_events")
    assert stored["handled_at"] is not None
    assert await world.subjects() == ["payment.captured"]
    assert await world.get(payment) == payment


async def test_a_console_capture_of_a_settled_authorisation_is_not_stale(world: World):
    held = await world.hold()
    [attempt] = await world.attempts()
    taken = Approved(held.psp_reference, 5990, captured=True)
    assert await world.notice(
        operation_notice("e1", attempt["id"], Approved(held.psp_reference, 5990))
    )
    assert (await world.get(held)).state is State.AUTHORISED
    assert await world.notice(operation_notice("e2", attempt["id"], taken))
    assert (await world.get(held)).state is State.CAPTURED


async def test_a_stale_webhook_from_another_account_is_stored_separately(world: World):
    payment = await world.create()
    [attempt] = await world.attempts()
    taken = Approved(payment.psp_reference, 5990, captured=True)
    assert await world.notice(operation_notice("e1", attempt["id"], taken), account="b")
    assert await world.notice(operation_notice("e1", attempt["id"], taken))
    assert len(await world.rows("SELECT FROM psp_events")) == 2


async def test_a_webhook_is_applied_by_the_merchants_current_clock(world: World):
    seen: list[int] = []

    def now() -> datetime:
        seen.append(context.current().clock_offset_seconds)
        return datetime.now(UTC)

    held, later = await world.hold(), await world.hold()
    world.time.now = now  # type: ignore[method-assign]  # the test is about this clock
    for event, payment, ahead in (("e1", held, 0), ("e2", later, 3600)):
        await world.rows("DELETE FROM test_clocks")
        await world.rows("INSERT INTO test_clocks VALUES ($1, $2)", MERCHANT, timedelta(0, ahead))
        taken = Approved(payment.psp_reference, 5990, captured=True)
        await world.notice(OperationNotice(event, "", AUTHORISE, payment.psp_reference, taken))
        assert set(seen) == {ahead}
        seen.clear()


async def test_an_account_found_by_id_is_cached_until_its_ttl(world: World):
    account_id = world.account_ids["a"]
    long, short = RoutingCache(world.db, ttl_seconds=3600), RoutingCache(world.db, ttl_seconds=0)
    for cache in (long, short):
        assert (await cache.account_by_id(account_id)).name == "a"
    await world.rows("UPDATE psp_accounts SET name = 'c' WHERE id = $1", account_id)
    assert (await long.account_by_id(account_id)).name == "a"
    assert (await short.account_by_id(account_id)).name == "c"
