"""The breaker of a PSP account opens, sends nothing, and closes again."""

from types import SimpleNamespace

import purgatory.domain.model
import pytest
from prometheus_client import REGISTRY

from services.payments import breakers as breaking
from services.payments.breakers import Breakers
from services.payments.rules.outcomes import Approved, DeclineCode, Declined, Outcome, Unknown
from services.payments.rules.states import State
from tests.services.payments.conftest import World
from tests.services.payments.psp_double import AUTHORISE, Fault, declined

YES = Approved("ref", 1)
UNREACHED = Declined(DeclineCode.PSP_UNAVAILABLE, "down")
UNAVAILABLE = Declined(DeclineCode.PSP_UNAVAILABLE, "too busy", psp_code="rate_limit")


def gauge(account_id: str) -> float | None:
    labels = {"psp_account": "name", "psp_account_id": account_id}
    return REGISTRY.get_sample_value("incasso_psp_breaker_open", labels)


class Psp:
    def __init__(self, outcome: Outcome) -> None:
        self.outcome = outcome
        self.calls = 0

    async def __call__(self) -> Outcome:
        self.calls += 1
        return self.outcome


class Clock:
    def __init__(self) -> None:
        self.seconds = 1_800_000_000.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """The library's clock and ours, which only the test advances."""
    clock = Clock()
    time = SimpleNamespace(time=clock, monotonic=clock)
    monkeypatch.setattr(purgatory.domain.model, "time", time)
    monkeypatch.setattr(breaking, "time", time)
    return clock


async def test_it_opens_after_failures_in_a_row_and_closes_after_a_good_answer(clock: Clock):
    breakers = Breakers(failures=3, pause_seconds=30)
    psp = Psp(Unknown("lost"))
    assert [await breakers.guard("psa_1", "name", psp) for _ in range(3)] == [psp.outcome] * 3
    assert gauge("psa_1") == 1
    assert breakers.open_accounts() == {"psa_1"}
    refused = await breakers.guard("psa_1", "name", psp)
    assert isinstance(refused, Declined)
    assert refused.code is DeclineCode.PSP_UNAVAILABLE
    assert psp.calls == 3, "nothing was sent"

    clock.seconds += 31
    assert breakers.open_accounts() == frozenset(), "it is tried again"
    psp.outcome = YES
    assert await breakers.guard("psa_1", "name", psp) == YES
    assert gauge("psa_1") == 0
    psp.outcome = UNAVAILABLE
    await breakers.guard("psa_1", "name", psp)
    assert gauge("psa_1") == 0, "one failure is not three"


async def test_a_failure_after_the_pause_reopens_the_breaker_at_once(clock: Clock):
    breakers = Breakers(failures=2, pause_seconds=30)
    psp = Psp(UNAVAILABLE)
    for _ in range(2):
        await breakers.guard("psa_2", "name", psp)
    clock.seconds += 31
    await breakers.guard("psa_2", "name", psp)
    assert breakers.open_accounts() == {"psa_2"}


async def test_an_unreachable_psp_opens_the_breaker_but_is_still_called(clock: Clock):
    breakers = Breakers(failures=2, pause_seconds=30)
    psp = Psp(UNREACHED)
    for _ in range(3):
        assert await breakers.guard("psa_6", "name", psp) == UNREACHED
    assert (psp.calls, gauge("psa_6")) == (3, 1)
    assert breakers.open_accounts() == {"psa_6"}
    psp.outcome = YES
    assert await breakers.guard("psa_6", "name", psp) == YES
    assert (breakers.open_accounts(), gauge("psa_6")) == (frozenset(), 0)
    psp.outcome = UNREACHED
    await breakers.guard("psa_6", "name", psp)
    assert gauge("psa_6") == 0, "one failure is not two"


async def test_a_reachable_psp_that_does_not_answer_is_not_called_again(clock: Clock):
    breakers = Breakers(failures=1, pause_seconds=30)
    psp = Psp(UNREACHED)
    await breakers.guard("psa_7", "name", psp)
    psp.outcome = Unknown("lost")
    assert await breakers.guard("psa_7", "name", psp) == psp.outcome
    assert isinstance(await breakers.guard("psa_7", "name", psp), Declined)
    assert psp.calls == 2


async def test_declined_cards_do_not_count_as_psp_failures():
    breakers = Breakers(failures=2)
    psp = Psp(declined(DeclineCode.INSUFFICIENT_FUNDS))
    for _ in range(10):
        await breakers.guard("psa_3", "name", psp)
    assert psp.calls == 10
    assert gauge("psa_3") == 0


async def test_each_account_has_its_own_breaker():
    breakers = Breakers(failures=1)
    await breakers.guard("psa_4", "name", Psp(UNAVAILABLE))
    assert await breakers.guard("psa_5", "name", Psp(YES)) == YES


async def test_payments_go_to_the_next_account_while_the_breaker_is_open(world: World):
    breakers = Breakers(failures=2, pause_seconds=60)
    object.__setattr__(world.deps, "breakers", breakers)
    world.a.plan(AUTHORISE, Fault.NEVER_ARRIVED, Fault.NEVER_ARRIVED)
    for _ in range(2):
        assert (await world.create()).state is State.PROCESSING
    payment = await world.create()
    assert (payment.state, payment.psp_account) == (State.CAPTURED, "b")
    only_a = await world.create(tokens={"a": world.order().tokens["a"]})
    assert only_a.state is State.DECLINED
    assert only_a.decline is not None
    assert only_a.decline.code is DeclineCode.PSP_UNAVAILABLE
    assert len(world.a.sent(AUTHORISE)) == 2
