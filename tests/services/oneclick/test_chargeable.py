"""Saved cards for the other methods: which may be charged, and the history of their challenges."""

import itertools
from datetime import timedelta
from typing import Any

import pytest

from incasso.oneclick.v1 import oneclick_pb2 as pb
from incasso.payments.v1 import payments_pb2
from libs import ids, wire
from libs.clock import Clock
from libs.errors import Kind, Refusal
from tests.kit.payments_double import money
from tests.services.oneclick.test_worker import happens
from tests.services.oneclick.world import World

State = payments_pb2.Payment


async def chargeable(world: World, customer_id: str) -> list[Any]:
    request = pb.ListChargeableInstrumentsRequest(customer_id=customer_id)
    return list((await world.call("ListChargeableInstruments", request)).data)


async def history(world: World, customer_id: str) -> tuple[int, int]:
    [one] = await chargeable(world, customer_id)
    sca = one.sca_history
    return sca.payments_since_challenge, sca.amount_since_challenge_minor


def by_link(instrument_id: str, amount_minor: int = 2000, **fields: Any) -> payments_pb2.Payment:
    """A payment that the paylink service made with a saved card."""
    return payments_pb2.Payment(**{
        "id": ids.new("pay"),
        "method": "link",
        "amount": money(amount_minor),
        "instrument_id": instrument_id,
        "created_at": wire.timestamp(Clock().now()),
        **fields,
    })  # fmt: skip


async def test_a_chargeable_card_carries_its_tokens_and_sca_history(world: World):
    customer_id = await world.customer()
    first = await world.attach(customer_id)
    second = await world.attach(customer_id, "tok_mastercard", make_default=True)
    found = await chargeable(world, customer_id)
    assert [one.instrument.id for one in found] == [second.id, first.id]
    assert [one.instrument.default for one in found] == [True, False]
    charge = found[1].charge
    assert (charge.instrument_id, charge.brand, charge.country) == (first.id, "visa", "IT")
    [token] = charge.tokens
    assert token.psp_account == "sandbox-a"
    assert token.psp_customer == f"psp-{customer_id}"
    assert found[1].HasField("sca_history")


async def test_a_chargeable_card_has_the_instrument_that_a_click_charges(world: World):
    customer_id = await world.shopper()
    await world.charge(customer_id)
    [asked] = world.payments.calls["CreatePayment"]
    [one] = await chargeable(world, customer_id)
    assert one.charge == asked.instrument


async def test_cards_that_cannot_be_charged_are_left_out(world: World):
    customer_id = await world.customer()
    world.payments.cards["tok_old"] = {"exp_month": 1, "exp_year": 2027}
    old = await world.attach(customer_id, "tok_old")
    await world.attach(customer_id, "tok_3ds")
    gone = await world.attach(customer_id, "tok_amex")
    kept = await world.attach(customer_id)
    request = pb.DetachInstrumentRequest(customer_id=customer_id, instrument_id=gone.id)
    await world.call("DetachInstrument", request)
    found = [one.instrument.id for one in await chargeable(world, customer_id)]
    assert sorted(found) == sorted([old.id, kept.id])
    world.offset = timedelta(days=180)
    assert [one.instrument.id for one in await chargeable(world, customer_id)] == [kept.id]


async def test_a_card_without_one_click_consent_is_still_chargeable(world: World):
    customer_id = await world.shopper()
    async with world.db.connection() as conn:
        await conn.execute(
            "UPDATE instruments SET consent_id = NULL WHERE customer_id = $1", customer_id
        )
    assert len(await chargeable(world, customer_id)) == 1


async def test_customers_without_cards_have_none(world: World):
    assert await chargeable(world, await world.customer()) == []


async def of_ids(world: World, *instrument_ids: str) -> list[Any]:
    request = pb.GetChargeableInstrumentsRequest(instrument_ids=instrument_ids)
    return list((await world.call("GetChargeableInstruments", request)).data)


async def test_cards_of_many_customers_are_returned_in_one_call(world: World, other: World):
    ours = [(await world.attach(await world.customer())).id for _ in range(3)]
    foreign = await other.attach(await other.customer())
    found = await of_ids(world, *ours, foreign.id, "ins_nobody")
    assert sorted(one.instrument.id for one in found) == sorted(ours)
    assert {one.charge.tokens[0].psp_account for one in found} == {"sandbox-a"}
    assert not any(one.HasField("sca_history") for one in found)


async def test_a_batch_returns_only_cards_that_can_be_charged(world: World):
    customer_id = await world.customer()
    world.payments.cards["tok_old"] = {"exp_month": 1, "exp_year": 2027}
    old = await world.attach(customer_id, "tok_old")
    challenged = await world.attach(customer_id, "tok_3ds")
    gone = await world.attach(customer_id, "tok_amex")
    request = pb.DetachInstrumentRequest(customer_id=customer_id, instrument_id=gone.id)
    await world.call("DetachInstrument", request)
    cards = old.id, challenged.id, gone.id
    assert [one.instrument.id for one in await of_ids(world, *cards)] == [old.id]
    world.offset = timedelta(days=180)
    assert await of_ids(world, *cards) == []
    world.offset = timedelta()
    await world.call("EraseCustomer", pb.EraseCustomerRequest(customer_id=customer_id))
    assert await of_ids(world, *cards) == []


async def test_more_cards_than_a_request_may_name_are_refused(world: World):
    with pytest.raises(Refusal) as refused:
        await of_ids(world, *(f"ins_{number}" for number in range(101)))
    assert refused.value.reason == "invalid_argument"


async def test_unknown_foreign_and_erased_customers_are_refused(world: World, other: World):
    customer_id = await world.shopper()
    for asker, wanted in ((world, "cus_nobody"), (other, customer_id)):
        with pytest.raises(Refusal) as refused:
            await chargeable(asker, wanted)
        assert (refused.value.kind, refused.value.reason) == (Kind.NOT_FOUND, "customer_not_found")
    await world.call("EraseCustomer", pb.EraseCustomerRequest(customer_id=customer_id))
    with pytest.raises(Refusal) as refused:
        await chargeable(world, customer_id)
    assert (refused.value.kind, refused.value.reason) == (Kind.CONFLICT, "customer_erased")


async def test_the_history_counts_clicks_and_links_alike(world: World):
    customer_id = await world.shopper()
    [one] = await chargeable(world, customer_id)
    assert await history(world, customer_id) == (0, 0)
    await world.charge(customer_id, 1000)
    await happens(world, by_link(one.instrument.id), State.STATE_CAPTURED)
    assert await history(world, customer_id) == (2, 3000)
    await world.charge(customer_id, 500)
    asked = world.payments.calls["CreatePayment"][-1]
    assert asked.sca_history.payments_since_challenge == 2
    assert asked.sca_history.amount_since_challenge_minor == 3000


@pytest.mark.parametrize(
    "states",
    [
        *itertools.permutations([State.STATE_REQUIRES_ACTION, State.STATE_CAPTURED]),
        *itertools.permutations(
            [State.STATE_REQUIRES_ACTION, State.STATE_AUTHORISED, State.STATE_CANCELLED]
        ),
    ],
)
async def test_a_passed_challenge_resets_the_history(world: World, states):
    customer_id = await world.shopper()
    [one] = await chargeable(world, customer_id)
    await world.charge(customer_id, 1000)
    payment = by_link(one.instrument.id)
    for state in (*states, *states):
        await happens(world, payment, state)
    assert await history(world, customer_id) == (0, 0)
    challenged_at = await world.value(
        "SELECT last_challenge_at FROM instruments WHERE id = $1", one.instrument.id
    )
    assert challenged_at == wire.time_of(payment.created_at)


@pytest.mark.parametrize("end", [State.STATE_DECLINED, State.STATE_CANCELLED])
async def test_a_link_payment_that_failed_does_not_count(world: World, end):
    customer_id = await world.shopper()
    [one] = await chargeable(world, customer_id)
    payment = by_link(one.instrument.id)
    await happens(world, payment, State.STATE_REQUIRES_ACTION)
    assert await history(world, customer_id) == (1, 2000)
    await happens(world, payment, end)
    assert await history(world, customer_id) == (0, 0)


async def test_payments_with_unknown_or_foreign_instruments_are_not_recorded(
    world: World, other: World
):
    customer_id = await world.shopper()
    [one] = await chargeable(world, customer_id)
    await happens(world, by_link("ins_nobody"), State.STATE_CAPTURED)
    await happens(world, by_link(""), State.STATE_CAPTURED)
    await happens(other, by_link(one.instrument.id), State.STATE_CAPTURED)
    assert await history(world, customer_id) == (0, 0)
    rows = await world.rows(
        "SELECT 1 FROM payments_elsewhere WHERE merchant_id = ANY($1)",
        [world.merchant_id, other.merchant_id],
    )
    assert rows == []


async def test_payments_in_another_currency_do_not_count_in_the_history(world: World):
    customer_id = await world.shopper()
    [one] = await chargeable(world, customer_id)
    dollars = by_link(one.instrument.id, amount=money(700, "USD"))
    await happens(world, dollars, State.STATE_CAPTURED)
    assert await history(world, customer_id) == (0, 0)


async def test_the_history_counts_only_the_latest_ten_payments(world: World):
    customer_id = await world.shopper()
    [one] = await chargeable(world, customer_id)
    for _ in range(12):
        await happens(world, by_link(one.instrument.id, 100), State.STATE_CAPTURED)
    await world.charge(customer_id, 5)
    assert await history(world, customer_id) == (10, 905)
