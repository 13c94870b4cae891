"""Which card a one-click charge uses."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from incasso.oneclick.v1 import oneclick_pb2 as pb
from libs import ids
from libs.errors import Refusal
from services.oneclick.flows.instruments import detach
from services.oneclick.rules.instruments import InstrumentEvent, InstrumentState
from services.oneclick.store import customers, instruments
from tests.kit.connections import until_locked_out
from tests.services.oneclick.world import World


async def test_another_instrument_and_address_can_be_named(world: World):
    customer_id = await world.shopper()
    second = await world.attach(customer_id, "tok_mastercard")
    address = await world.call(
        "CreateAddress",
        pb.CreateAddressRequest(
            customer_id=customer_id,
            name="G",
            line1="Via Po 1",
            city="Torino",
            postcode="1",
            country="IT",
        ),
    )
    request = world.charge_request(
        customer_id, instrument_id=second.id, address_id=address.address.id
    )
    answer = await world.call("CreateOneClickPayment", request, key=ids.new("key"))
    assert answer.payment.instrument_id == second.id
    (charge,) = await world.charges()
    assert charge["address_id"] == address.address.id


async def waiting_charge(world: World, customer_id: str, **more) -> asyncio.Task:
    """A charge that waits for the customer's lock, which another transaction holds."""
    charging = asyncio.create_task(world.charge(customer_id, **more))
    await until_locked_out(world.db)
    return charging


async def test_a_waiting_charge_uses_a_default_card_changed_meanwhile(world: World):
    customer_id = await world.shopper()
    async with world.db.transaction() as tx:
        await customers.lock(tx, world.merchant_id, customer_id)
        charging = await waiting_charge(world, customer_id)
        (first,) = await instruments.of_customer(tx, world.merchant_id, customer_id)
        second = replace(first, id=ids.new("ins"), state=InstrumentState.SETTING_UP)
        await instruments.insert(tx, second, check_after=timedelta())
        ready = replace(second, state=InstrumentState.ACTIVE)
        await instruments.save(tx, InstrumentState.SETTING_UP, InstrumentEvent.READY, ready)
        await customers.set_default_instrument(tx, world.merchant_id, customer_id, second.id)
    assert (await charging).instrument_id == second.id


async def test_a_card_detached_while_a_charge_waits_is_not_charged(world: World):
    customer_id = await world.shopper()
    async with world.db.transaction() as tx:
        await customers.lock(tx, world.merchant_id, customer_id)
        (card,) = await instruments.of_customer(tx, world.merchant_id, customer_id)
        charging = await waiting_charge(world, customer_id, instrument_id=card.id)
        world.act()
        await detach(tx, card, card.created_at)
    with pytest.raises(Refusal) as refused:
        await charging
    assert refused.value.reason == "instrument_not_usable"
    assert not world.payments.books
