"""Card testing: how many declined cards are allowed, by who tries them, on all replicas."""

import asyncio
from collections import Counter
from dataclasses import replace
from datetime import timedelta

import pytest

from incasso.payments.v1 import events_pb2
from libs.errors import Kind
from libs.idempotency import Key
from libs.retention import keep_to
from services.payments.deps import Deps
from services.payments.errors import TooManyDeclines
from services.payments.flows.create import Token
from services.payments.retention import KEPT
from services.payments.routing_cache import RoutingCache
from services.payments.rules import velocity
from services.payments.rules.domain import Payment
from services.payments.rules.outcomes import ActionRequired, Approved, DeclineCode
from services.payments.rules.states import State
from tests.services.payments.conftest import World, key
from tests.services.payments.grpc_client import EUR_59_90, GrpcClient
from tests.services.payments.psp_double import AUTHORISE, CANCEL, Fault, declined
from tests.services.payments.psp_webhooks import external_notice

FLOOD = 150
NO = declined(DeclineCode.CARD_BLOCKED)
SUBJECT = "card_testing.suspected"


class Shop:
    """Declined attempts, with new cards unless stated otherwise."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.refused: Counter[str] = Counter()
        self.made: list[Payment] = []

    async def attempt(
        self, *subjects: str, deps: Deps | None = None, key: Key | None = None, **changes
    ) -> Payment | None:
        changes = {"instrument_id": "", "tokens": {"a": Token("tok", "")}, **changes}
        cmd = self.world.order(velocity_subjects=subjects, **changes)
        try:
            made = await self.world.ask(cmd, key, deps=deps)
        except TooManyDeclines as refusal:
            self.refused[refusal.facts["subject"]] += 1
            return None
        self.made.append(await self.world.get(made.id))
        return self.made[-1]

    async def declined(self, *subjects: str, outcome=NO, **changes) -> Payment | None:
        self.world.a.plan(AUTHORISE, outcome)
        made = await self.attempt(*subjects, **changes)
        if made is None:
            self.world.a.forget_plans()
        return made

    async def published(self) -> list[events_pb2.CardTestingSuspected]:
        rows = await self.world.rows(
            "SELECT body FROM outbox WHERE subject = $1 ORDER BY seq", f"incasso.payments.{SUBJECT}"
        )
        return [events_pb2.CardTestingSuspected.FromString(row["body"]) for row in rows]


@pytest.fixture
def shop(world: World) -> Shop:
    return Shop(world)


async def test_a_link_is_barred_after_ten_declines_and_reported_once(shop: Shop):
    for n in range(FLOOD):
        await shop.declined("link:lnk_1", f"address:{n}")
    assert len(shop.made) == len(shop.world.a.sent(AUTHORISE)) == 10
    assert shop.refused == {"link": FLOOD - 10}
    [event] = await shop.published()
    assert (event.kind, event.reference, event.declines) == ("link", "lnk_1", 10)
    assert event.window_seconds == 24 * 3600
    assert event.payment.id == shop.made[-1].id
    assert await shop.attempt("link:lnk_2") is not None


async def test_an_address_is_barred_across_links(shop: Shop):
    for n in range(FLOOD):
        await shop.declined(f"link:lnk_{n}", "address:aa")
    assert len(shop.made) == 20
    assert shop.refused == {"address": FLOOD - 20}
    [event] = await shop.published()
    assert (event.kind, event.HasField("reference")) == ("address", False)


async def test_a_flood_across_links_and_addresses_bars_the_merchant(shop: Shop):
    for n in range(FLOOD):
        await shop.declined(f"link:lnk_{n}", f"address:{n}")
    assert len(shop.made) == 100
    assert shop.refused == {"merchant": FLOOD - 100}
    [event] = await shop.published()
    assert event.kind == "merchant"


async def test_a_merchant_with_more_payments_than_declines_is_not_barred(shop: Shop):
    for n in range(101):
        await shop.attempt(f"link:good_{n}")
    for n in range(100):
        await shop.declined(f"link:lnk_{n}")
    assert await shop.attempt("link:lnk_last") is not None
    assert shop.refused == {}
    assert [event.kind for event in await shop.published()] == ["merchant"]


async def test_sessions_of_one_customer_are_barred_together(shop: Shop):
    for n in range(FLOOD):
        saved = {"instrument_id": f"ins_{n}"}
        await shop.declined(f"session:ocs_{n}", "customer:cus_1", **saved)
    assert len(shop.made) == 10
    assert shop.refused == {"customer": FLOOD - 10}


async def test_one_session_is_barred_by_its_own_declines(shop: Shop):
    for n in range(8):
        await shop.declined("session:ocs_1", f"customer:cus_{n}", instrument_id=f"ins_{n}")
    assert (len(shop.made), shop.refused) == (5, {"session": 3})


async def test_a_saved_card_is_barred_by_its_own_declines_only(shop: Shop):
    for n in range(8):
        await shop.declined(f"customer:cus_{n}", instrument_id="ins_1")
    assert (len(shop.made), shop.refused) == (5, {"instrument": 3})
    assert await shop.attempt("customer:cus_9", instrument_id="ins_2") is not None


async def test_a_strangers_flood_does_not_bar_saved_cards(shop: Shop):
    for n in range(150):
        await shop.declined("link:lnk_1", "address:aa", "customer:cus_1")
        await shop.declined(f"link:other_{n}", f"address:{n}", "customer:cus_1")
    assert set(shop.refused) == {"link", "merchant"}
    paid = await shop.attempt("link:lnk_1", "address:aa", "customer:cus_1", instrument_id="ins_1")
    assert paid is not None
    assert paid.state is State.CAPTURED


async def test_an_approved_card_does_not_reset_the_declines(shop: Shop):
    for _ in range(9):
        await shop.declined("link:lnk_1")
    for _ in range(20):
        assert await shop.attempt("link:lnk_1") is not None
    await shop.declined("link:lnk_1")
    assert await shop.attempt("link:lnk_1") is None


@pytest.mark.parametrize("code", sorted(velocity.NOT_COUNTED, key=lambda code: code.value))
async def test_declines_unrelated_to_the_card_are_not_counted(shop: Shop, code: DeclineCode):
    for _ in range(15):
        await shop.declined("link:lnk_1", outcome=declined(code))
    assert len(shop.made) == 15


async def test_a_failed_challenge_counts_as_a_decline(shop: Shop):
    for n in range(12):
        await shop.declined("link:lnk_1", outcome=ActionRequired("", "https://psp.test/c"))
        if n < 10:
            attempt = (await shop.world.attempts())[-1]
            shop.world.a.settle(attempt["id"], declined(DeclineCode.AUTHENTICATION_FAILED))
            await shop.world.recover()
    assert (len(shop.made), shop.refused) == (10, {"link": 2})


async def test_the_count_restarts_when_its_window_ends(shop: Shop):
    for _ in range(11):
        await shop.declined("link:lnk_1")
    assert shop.refused == {"link": 1}
    shop.world.time.ahead += timedelta(hours=25)
    for _ in range(11):
        await shop.declined("link:lnk_1")
    assert (len(shop.made), shop.refused) == (20, {"link": 2})
    assert len(await shop.published()) == 2


async def test_attempts_with_an_unknown_outcome_count_until_it_is_known(shop: Shop):
    for _ in range(12):
        await shop.declined("link:lnk_1", outcome=Fault.LOST_ANSWER)
    assert (len(shop.made), shop.refused) == (10, {"link": 2})
    await shop.world.recover()
    assert await shop.attempt("link:lnk_1") is not None
    [counter] = await shop.world.rows("SELECT * FROM decline_counters WHERE subject = 'link:lnk_1'")
    assert (counter["declines"], counter["under_way"]) == (0, 0)


async def test_an_attempt_cancelled_in_the_psps_console_no_longer_counts_as_under_way(shop: Shop):
    await shop.declined("link:lnk_1", outcome=Fault.LOST_ANSWER)
    [attempt] = await shop.world.attempts()
    gone = external_notice(
        "c1", CANCEL, "", Approved("op_1", 5990), reference="op_1", charge_key=attempt["id"]
    )
    await shop.world.notice(gone)
    [counter] = await shop.world.rows("SELECT * FROM decline_counters")
    assert (counter["declines"], counter["under_way"]) == (0, 0)


async def test_a_concurrent_flood_on_two_replicas_is_bounded(shop: Shop):
    """Both use one database. At the same instant, one attempt per connection may exceed the limit."""
    world = shop.world
    other = replace(world.deps, routing_cache=RoutingCache(world.db))
    world.a.plan(AUTHORISE, *[NO] * FLOOD)
    world.a.on_call = lambda _: asyncio.sleep(0.05)
    await asyncio.gather(
        *(
            shop.attempt("shared_link:lnk_1", f"address:{n}", deps=(world.deps, other)[n % 2])
            for n in range(FLOOD)
        )
    )
    assert len(shop.made) <= 30 + 10  # the pool's connections
    assert sum(shop.refused.values()) == FLOOD - len(shop.made)
    [event] = await shop.published()
    assert event.declines == 30


async def test_an_idempotency_key_refused_while_barred_can_be_used_later(shop: Shop):
    for _ in range(10):
        await shop.declined("link:lnk_1")
    for _ in range(2):
        assert await shop.attempt("link:lnk_1", key=key("k"), order_reference="B") is None
    shop.world.time.ahead += timedelta(hours=25)
    assert await shop.attempt("link:lnk_1", key=key("k"), order_reference="B") is not None


async def test_a_repeat_is_answered_although_its_link_is_barred(shop: Shop):
    same = {"order_reference": "B"}
    first = await shop.attempt("link:lnk_1", key=key("k"), **same)
    assert first is not None
    for _ in range(10):
        await shop.declined("link:lnk_1")
    cmd = shop.world.order(
        velocity_subjects=("link:lnk_1",), instrument_id="", tokens={"a": Token("tok", "")}, **same
    )
    assert (await shop.world.ask(cmd, key("k"))).id == first.id


async def test_each_merchant_has_its_own_counters(shop: Shop):
    for _ in range(10):
        await shop.declined("address:aa")
    await shop.world.rows("UPDATE decline_counters SET merchant_id = 'mer_2'")
    for _ in range(10):
        await shop.declined("address:aa")
    assert shop.refused == {}


async def test_velocity_subjects_are_deleted_when_the_payment_ends(shop: Shop):
    await shop.declined("link:lnk_1", "address:aa", outcome=ActionRequired("", "https://psp.test"))
    [row] = await shop.world.rows("SELECT velocity_subjects FROM payments")
    assert row["velocity_subjects"] == ["link:lnk_1", "address:aa"]
    attempt = (await shop.world.attempts())[-1]
    shop.world.a.pass_challenge(attempt["id"])
    await shop.world.recover()
    [row] = await shop.world.rows("SELECT velocity_subjects FROM payments")
    assert row["velocity_subjects"] == []


async def test_old_counters_are_purged_unless_attempts_are_under_way(shop: Shop):
    await shop.declined("link:old")
    await shop.declined("link:open", outcome=Fault.LOST_ANSWER)
    await shop.world.rows(
        "UPDATE decline_counters SET window_ends_at = now() - interval '25 hours'"
    )
    await shop.declined("link:new")
    await keep_to(shop.world.db, KEPT.rules)
    rows = await shop.world.rows("SELECT subject FROM decline_counters ORDER BY subject")
    assert [row["subject"] for row in rows] == ["link:new", "link:open", "merchant"]


async def test_the_card_field_is_refused_for_a_barred_link(client: GrpcClient):
    shop = Shop(client.world)
    asked = {
        "amount": EUR_59_90,
        "method": "link",
        "velocity_subjects": ["link:lnk_1"],
    }
    assert (await client.call("GetCardField", **asked)).psp_account.name
    for _ in range(10):
        await shop.declined("link:lnk_1")
    assert await client.refused("GetCardField", **asked) == (Kind.CONFLICT, "too_many_declines")
    wrong = {**asked, "velocity_subjects": ["address:203.0.113.7"]}
    assert await client.refused("GetCardField", **wrong) == (Kind.INVALID, "invalid_argument")


def test_limited_subjects_depend_on_the_card_and_are_sorted():
    subjects = ["link:b", "customer:c", "address:a", "unknown:x"]
    new = velocity.limited_subjects(subjects, instrument_id="")
    assert [each.subject for each in new] == ["address:a", "link:b", "merchant"]
    assert [each.reserves for each in new] == [True, True, False]
    saved = velocity.limited_subjects(subjects, instrument_id="ins_1")
    assert [each.subject for each in saved] == ["customer:c", "instrument:ins_1"]
    assert not any(each.reserves for each in saved)
