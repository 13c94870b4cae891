"""One order, one payment: across keys, methods and replicas, at once and after a crash."""

import asyncio
import contextlib
import itertools

import pytest

from incasso.payments.v1 import events_pb2
from incasso.payments.v1 import payments_pb2 as pb
from libs import context
from libs.errors import Kind, RemoteRefusal
from libs.payments.certain import is_certain
from services.payments.errors import OrderAlreadyPaid
from services.payments.flows.accounts import update_payment_policy
from services.payments.rules import orders
from services.payments.rules.domain import Payment
from services.payments.rules.orders import DuplicatePolicy, PaymentPolicy
from services.payments.rules.outcomes import ActionRequired, DeclineCode, Pending
from services.payments.rules.states import State
from tests.services.payments.conftest import World, key
from tests.services.payments.grpc_client import GrpcClient
from tests.services.payments.psp_double import AUTHORISE, REFUND, Fault, ProcessDied, declined
from tests.services.payments.psp_webhooks import external_notice

ORDER = "B-7"
SUBJECT = "payment.duplicate_found"


async def pay(world: World, **changes) -> Payment:
    return await world.create(order_reference=ORDER, **changes)


async def want(world: World, policy: DuplicatePolicy) -> None:
    await update_payment_policy(world.deps, PaymentPolicy(policy))


async def published(world: World) -> list[events_pb2.PaymentDuplicateFound]:
    rows = await world.rows(
        "SELECT body FROM outbox WHERE subject = $1 ORDER BY seq", f"incasso.payments.{SUBJECT}"
    )
    return [events_pb2.PaymentDuplicateFound.FromString(row["body"]) for row in rows]


async def pay_at_once(world: World, count: int, **changes) -> tuple[list[Payment], list[str]]:
    """The payments created, and the reasons of those refused."""
    answers = await asyncio.gather(
        *(
            pay(world, key=key(f"click {n}"), instrument_id=f"ins_{n}", **changes)
            for n in range(count)
        ),
        return_exceptions=True,
    )
    made = [answer for answer in answers if isinstance(answer, Payment)]
    refused = [answer.reason for answer in answers if isinstance(answer, OrderAlreadyPaid)]
    assert len(made) + len(refused) == count
    return made, refused


async def test_a_second_payment_is_refused_with_the_first_ones_id_and_state(world: World):
    first = await pay(world, key=key("first"))
    with pytest.raises(OrderAlreadyPaid) as caught:
        await pay(world, key=key("second"), method="link", instrument_id="ins_2")
    assert caught.value.facts == {"payment_id": first.id, "payment_state": "captured"}
    assert first.id in caught.value.message
    assert world.a.taken() == [(first.id, 5990)]
    [event] = await published(world)
    assert (event.payment.id, event.method, event.amount.amount_minor) == (first.id, "link", 5990)
    assert event.duplicate_orders == pb.PaymentPolicy.DUPLICATE_ORDERS_REFUSE
    assert not event.HasField("duplicate")


async def test_a_refused_key_stays_unused_and_the_first_key_keeps_its_answer(world: World):
    first = await pay(world, key=key("first"))
    for _ in range(2):
        with pytest.raises(OrderAlreadyPaid):
            await pay(world, key=key("second"))
    repeated = await world.ask(world.order(order_reference=ORDER), key("first"))
    assert repeated.id == first.id
    await world.refund(first)
    second = await pay(world, key=key("second"))
    assert second.state is State.CAPTURED


async def test_two_merchants_may_use_the_same_order_reference(world: World):
    await pay(world)
    await world.rows("UPDATE payments SET merchant_id = 'mer_2'")
    assert (await pay(world)).state is State.CAPTURED


async def test_twenty_concurrent_clicks_with_different_keys_make_one_capture(world: World):
    made, refused = await pay_at_once(world, 20)
    assert [payment.state for payment in made] == [State.CAPTURED]
    assert len(refused) == 19
    assert world.a.taken() == [(made[0].id, 5990)]
    assert world.b.taken() == []
    assert len(await published(world)) == 19


async def test_concurrent_declined_clicks_leave_the_order_payable(world: World):
    world.a.plan(AUTHORISE, *[declined(DeclineCode.CARD_BLOCKED)] * 20)
    made, refused = await pay_at_once(world, 20)
    assert {payment.state for payment in made} == {State.DECLINED}
    for n in range(len(refused)):
        declined_too = await pay(world, instrument_id=f"other_{n}")
        assert declined_too.state is State.DECLINED
    assert (await pay(world)).state is State.CAPTURED


@pytest.mark.parametrize(
    "fault", [Fault.DIES_BEFORE, Fault.DIES_DURING, Fault.DIES_AFTER, Fault.LOST_ANSWER]
)
async def test_a_payment_with_an_unknown_outcome_blocks_a_second_payment(
    world: World, fault: Fault
):
    world.a.plan(AUTHORISE, fault)
    with contextlib.suppress(ProcessDied):
        await pay(world, key=key("first"))
    with pytest.raises(OrderAlreadyPaid) as caught:
        await pay(world, key=key("second"))
    assert caught.value.facts["payment_state"] == "processing"
    await world.recover()
    with pytest.raises(OrderAlreadyPaid):
        await pay(world, key=key("second"))
    assert [amount for _, amount in world.a.taken()] == [5990]


@pytest.mark.parametrize("outcome", [ActionRequired("a:1", "https://psp.test/c"), Pending("a:1")])
async def test_a_pending_or_challenged_payment_blocks_a_second_payment(world: World, outcome):
    world.a.plan(AUTHORISE, outcome)
    await pay(world)
    with pytest.raises(OrderAlreadyPaid):
        await pay(world)


async def test_declined_cancelled_and_refunded_payments_do_not_block_the_order(world: World):
    world.a.plan(AUTHORISE, declined())
    world.b.plan(AUTHORISE, declined())
    assert (await pay(world)).state is State.DECLINED
    held = await world.hold(order_reference=ORDER)
    await world.cancel(held)
    captured = await pay(world)
    await world.refund(captured, 5000)
    with pytest.raises(OrderAlreadyPaid):
        await pay(world)
    await world.refund(captured)
    assert (await pay(world)).state is State.CAPTURED
    guards = await world.rows("SELECT guards_order FROM payments ORDER BY id")
    assert [row["guards_order"] for row in guards] == [False, False, False, True]


async def test_a_refund_failing_after_a_second_payment_makes_both_block_a_third(world: World):
    """The PSP reports the failure days later: then two payments count, and a third is refused."""
    first = await pay(world)
    await world.refund(first)
    [refund] = await world.attempts(REFUND)
    second = await pay(world)
    reference = refund["psp_reference"]
    no = declined(DeclineCode.REQUEST_REFUSED, reference)
    await world.notice(external_notice("f1", REFUND, first.psp_reference, no, reference=reference))
    assert (await world.get(first)).state is State.CAPTURED
    with pytest.raises(OrderAlreadyPaid) as caught:
        await pay(world)
    assert caught.value.facts["payment_id"] == first.id
    assert (await world.refund(second)).state is State.REFUNDED
    with pytest.raises(OrderAlreadyPaid):
        await pay(world)


async def test_a_payment_written_by_an_older_version_blocks_a_second_payment(world: World):
    await pay(world)
    await world.rows("UPDATE payments SET guards_order = false")
    with pytest.raises(OrderAlreadyPaid):
        await pay(world)


PARTS = ["", "deposit", "balance", "instalment:1", "instalment:2", "use:lpy_1", "use:lpy_2"]


@pytest.mark.parametrize(("one", "other"), list(itertools.product(PARTS, PARTS)))
async def test_only_overlapping_parts_of_an_order_exclude_each_other(
    world: World, one: str, other: str
):
    await pay(world, order_part=one)
    if orders.exclude(one, other):
        with pytest.raises(OrderAlreadyPaid):
            await pay(world, order_part=other)
    else:
        assert (await pay(world, order_part=other)).state is State.CAPTURED


def test_the_whole_order_excludes_every_part_except_uses_and_a_part_excludes_itself():
    excluded = {(a, b) for a in PARTS for b in PARTS if orders.exclude(a, b)}
    parts = [part for part in PARTS if not part.startswith("use:")]
    itself = {(part, part) for part in parts}
    whole = {("", part) for part in parts}
    assert excluded == itself | whole | {(b, a) for a, b in whole}


async def test_concurrent_payments_of_the_whole_and_a_deposit_make_one_capture(world: World):
    answers = await asyncio.gather(
        *(pay(world, key=key(f"{n}"), order_part="deposit" if n % 2 else "") for n in range(20)),
        return_exceptions=True,
    )
    assert sum(isinstance(answer, Payment) for answer in answers) == 1
    assert sum(isinstance(answer, OrderAlreadyPaid) for answer in answers) == 19
    assert len(world.a.taken()) == 1


async def test_a_flagged_duplicate_is_created_marked_and_reported(world: World):
    await want(world, DuplicatePolicy.FLAG)
    first = await pay(world)
    second = await pay(world, key=key("second"))
    assert (first.duplicate_of, second.duplicate_of) == ("", first.id)
    assert await world.get(second) == second
    [event] = await published(world)
    assert (event.payment.id, event.duplicate.id) == (first.id, second.id)
    assert event.duplicate.duplicate_of == first.id
    assert event.duplicate_orders == pb.PaymentPolicy.DUPLICATE_ORDERS_FLAG
    await pay(world, key=key("second"))
    assert len(await published(world)) == 1


async def test_an_allowed_duplicate_is_created_and_reported_but_not_marked(world: World):
    await want(world, DuplicatePolicy.ALLOW)
    first = await pay(world)
    second = await pay(world)
    assert (second.state, second.duplicate_of) == (State.CAPTURED, "")
    [event] = await published(world)
    assert (event.payment.id, event.duplicate.id) == (first.id, second.id)


@pytest.mark.parametrize("policy", [DuplicatePolicy.FLAG, DuplicatePolicy.ALLOW])
async def test_concurrent_duplicates_are_all_reported(world: World, policy: DuplicatePolicy):
    await want(world, policy)
    made, refused = await pay_at_once(world, 20)
    assert (len(made), refused) == (20, [])
    found = await published(world)
    assert len({event.duplicate.id for event in found}) == 19
    assert all(event.payment.id != event.duplicate.id for event in found)


async def test_a_stricter_policy_applies_to_orders_already_paid(world: World):
    await want(world, DuplicatePolicy.ALLOW)
    await pay(world)
    await pay(world)
    await want(world, DuplicatePolicy.REFUSE)
    with pytest.raises(OrderAlreadyPaid):
        await pay(world)


async def test_the_refusal_carries_its_facts_over_grpc(client: GrpcClient):
    first = await client.create(order_reference=ORDER)
    with pytest.raises(RemoteRefusal) as caught:
        await client.create(order_reference=ORDER)
    refusal = caught.value
    assert (refusal.kind, refusal.reason) == (Kind.CONFLICT, "order_already_paid")
    assert refusal.facts == {"payment_id": first.id, "payment_state": "captured"}
    assert is_certain(refusal)


async def test_the_policy_defaults_to_refuse_and_is_set_per_merchant(client: GrpcClient):
    policies = pb.PaymentPolicy
    refuse = policies(duplicate_orders=policies.DUPLICATE_ORDERS_REFUSE)
    allow = policies(duplicate_orders=policies.DUPLICATE_ORDERS_ALLOW)
    assert (await client.call("GetPaymentPolicy")).payment_policy == refuse
    changed = await client.call("UpdatePaymentPolicy", payment_policy=allow)
    assert changed.payment_policy == allow
    assert (await client.call("GetPaymentPolicy")).payment_policy == allow
    assert (await client.call("GetPaymentPolicy", merchant="mer_2")).payment_policy == refuse
    assert await client.refused("UpdatePaymentPolicy", payment_policy=policies()) == (
        Kind.INVALID,
        "invalid_argument",
    )
    for _ in range(2):
        await client.create(order_reference=ORDER)
    assert context.current().merchant_id == ""


async def test_an_unknown_order_part_is_refused(client: GrpcClient):
    assert await client.refused("CreatePayment", key="k", order_part="half") == (
        Kind.INVALID,
        "invalid_argument",
    )
