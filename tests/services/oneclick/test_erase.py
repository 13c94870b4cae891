"""Erasing: personal data is deleted everywhere, the record of the money stays."""

import asyncio

import pytest

from incasso.oneclick.v1 import oneclick_pb2 as pb
from libs import ids
from libs.errors import Refusal
from services.oneclick import worker
from tests.services.oneclick.test_customers import address
from tests.services.oneclick.test_sessions import find_session, opened
from tests.services.oneclick.test_undo import an_order
from tests.services.oneclick.world import World

PERSONAL = (
    "giulia@example.com",
    "Giulia Bianchi",
    "393331234567",
    "Garibaldi",
    "203.0.113.7",
    "gold",
    "Scarpe",
)


async def full_customer(world: World) -> str:
    request = pb.CreateCustomerRequest(
        email="giulia@example.com",
        name="Giulia Bianchi",
        phone="+393331234567",
        locale="it",
        metadata={"tier": "gold"},
    )
    made = await world.call("CreateCustomer", request, key=ids.new("key"))
    customer_id = made.customer.id
    await world.call("CreateAddress", address(customer_id))
    await world.attach(customer_id)
    await world.call(
        "UpdateCustomer", pb.UpdateCustomerRequest(customer_id=customer_id, locale="en")
    )
    return customer_id


async def erase(world: World, customer_id: str):
    request = pb.EraseCustomerRequest(customer_id=customer_id)
    return (await world.call("EraseCustomer", request)).customer


async def everything(world: World) -> str:
    """All of the merchant's rows as text; bytes as latin-1."""
    tables = ("customers", "addresses", "consents", "instruments", "charges", "sessions")
    texts = []
    for table in (*tables, "idempotency_keys", "outbox"):
        for row in await world.rows(
            f"SELECT * FROM {table} WHERE merchant_id = $1", world.merchant_id
        ):
            texts += [v.decode("latin-1") if isinstance(v, bytes) else str(v) for v in row.values()]
    return "\n".join(texts)


async def test_erasure_removes_personal_data_and_keeps_the_charges(world: World):
    customer_id = await full_customer(world)
    payment = await world.charge(customer_id, metadata={"tier": "gold"}, items=an_order())
    order = {"metadata": {"tier": "gold"}, "items": an_order(), "key": "s-1"}
    session = await opened(world, customer_id, **order)
    before = await everything(world)
    assert all(text in before for text in PERSONAL)
    left = await erase(world, customer_id)
    assert left.state == pb.Customer.STATE_ERASED
    world.payments.books.clear()
    after = await everything(world)
    answers = await world.rows(
        "SELECT answer FROM idempotency_keys WHERE merchant_id = $1 AND method LIKE '%Payment'",
        world.merchant_id,
    )
    assert [
        text
        for text in PERSONAL
        if text in after.replace(answers[0]["answer"].decode("latin-1"), "")
    ] == []
    (charge,) = await world.charges()
    assert charge["payment_id"] == payment.id
    assert (await find_session(world, session)).state == pb.OneClickSession.STATE_EXPIRED
    with pytest.raises(Refusal) as refused:
        await opened(world, customer_id, **order)
    assert refused.value.reason == "customer_erased"


async def test_erasure_removes_the_cards_at_the_psps(world: World):
    customer_id = await full_customer(world)
    await erase(world, customer_id)
    await worker.removal_worker(world.deps).run_once()
    assert len(world.payments.removed) == 1
    listed = await world.call("ListInstruments", pb.ListInstrumentsRequest(customer_id=customer_id))
    assert not listed.data


async def test_erasing_again_changes_nothing(world: World):
    customer_id = await full_customer(world)
    assert await erase(world, customer_id) == await erase(world, customer_id)
    subjects = await world.rows("SELECT subject FROM outbox WHERE aggregate_id = $1", customer_id)
    assert [s["subject"] for s in subjects].count("incasso.oneclick.customer.erased") == 1


async def test_calls_for_an_erased_customer_are_refused(world: World):
    customer_id = await full_customer(world)
    await erase(world, customer_id)
    calls = (
        world.charge(customer_id),
        world.attach(customer_id),
        world.call("UpdateCustomer", pb.UpdateCustomerRequest(customer_id=customer_id, name="G")),
        world.call("CreateAddress", address(customer_id)),
        opened(world, customer_id),
    )
    for call in calls:
        with pytest.raises(Refusal) as refused:
            await call
        assert refused.value.reason == "customer_erased"


async def test_a_card_saved_while_its_customer_is_erased_is_removed(world: World):
    customer_id = await world.customer()
    waiting, go_on = asyncio.Event(), asyncio.Event()

    async def wait() -> None:
        waiting.set()
        await go_on.wait()

    world.payments.before["SetUpInstrument"] = wait
    saving = asyncio.create_task(world.attach(customer_id))
    await waiting.wait()
    await erase(world, customer_id)
    go_on.set()
    assert (await saving).state == pb.Instrument.STATE_DETACHED
    await worker.removal_worker(world.deps).run_once()
    (setup,) = world.payments.setups.values()
    assert world.payments.removed == [("sandbox-a", setup.token)]


async def test_the_consent_of_a_charge_is_returned_without_the_ip_address(world: World):
    customer_id = await world.shopper()
    payment = await world.charge(customer_id)
    await world.call("EraseCustomer", pb.EraseCustomerRequest(customer_id=customer_id))
    wanted = pb.GetOneClickConsentRequest(payment_id=payment.id)
    consent = (await world.call("GetOneClickConsent", wanted)).consent
    assert consent.text_version == "2026-11"
    assert consent.accepted_at.seconds <= consent.created_at.seconds
    assert consent.created_at.seconds <= consent.charged_at.seconds
    assert not consent.in_session
    assert "203.0.113.7" not in str(consent)
