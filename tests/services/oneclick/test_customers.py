"""Customers, addresses and the merchants' limits, through the gRPC servicer."""

import asyncio

import pytest

from incasso.oneclick.v1 import events_pb2
from incasso.oneclick.v1 import oneclick_pb2 as pb
from libs import ids
from libs.errors import Refusal
from services.oneclick.rules.domain import MAX_ADDRESSES
from tests.kit.payments_double import money
from tests.services.oneclick.world import World


def address(customer_id: str, **more):
    return pb.CreateAddressRequest(
        customer_id=customer_id,
        name="Giulia Bianchi",
        line1="Via Garibaldi 12",
        city="Torino",
        postcode="10122",
        country="IT",
        **more,
    )


async def test_a_created_customer_is_returned_and_reported_unchanged(world: World):
    request = pb.CreateCustomerRequest(
        email="giulia@example.com",
        name="Giulia",
        phone="+393331234567",
        locale="it",
        metadata={"a": "b"},
    )
    made = (await world.call("CreateCustomer", request)).customer
    found = await world.call("GetCustomer", pb.GetCustomerRequest(customer_id=made.id))
    assert found.customer == made
    assert made.state == pb.Customer.STATE_ACTIVE
    assert not made.HasField("default_instrument_id")
    body = await world.value("SELECT body FROM outbox WHERE aggregate_id = $1", made.id)
    assert events_pb2.CustomerCreated.FromString(body).customer == made


async def test_the_same_key_creates_one_customer(world: World):
    request = pb.CreateCustomerRequest(email="giulia@example.com")
    answers = await asyncio.gather(
        *(world.call("CreateCustomer", request, key="c-1") for _ in range(20))
    )
    assert len({answer.customer.id for answer in answers}) == 1
    assert all(answer == answers[0] for answer in answers)


async def test_customers_are_listed_newest_first_page_by_page(world: World):
    made = [await world.customer(email=f"{n}@example.com") for n in range(5)]
    seen, cursor = [], ""
    while True:
        answer = await world.call("ListCustomers", pb.ListCustomersRequest(limit=2, cursor=cursor))
        seen += [customer.id for customer in answer.data]
        cursor = answer.next_cursor
        if not answer.HasField("next_cursor"):
            break
    assert seen == made[::-1]
    only = await world.call("ListCustomers", pb.ListCustomersRequest(email="3@example.com"))
    assert [customer.id for customer in only.data] == [made[3]]


async def test_customers_are_filtered_by_creation_time(world: World):
    await world.customer()
    middle = (await world.call("CreateCustomer", pb.CreateCustomerRequest(name="M"))).customer
    await world.customer()
    answer = await world.call(
        "ListCustomers", pb.ListCustomersRequest(created_from=middle.created_at)
    )
    assert len(answer.data) == 2
    answer = await world.call(
        "ListCustomers", pb.ListCustomersRequest(created_to=middle.created_at)
    )
    assert len(answer.data) == 1


async def test_an_update_changes_only_the_sent_fields_and_is_reported_once(world: World):
    customer_id = await world.customer(email="giulia@example.com", name="Giulia")
    request = pb.UpdateCustomerRequest(customer_id=customer_id, name="Giulia Bianchi")
    for _ in range(2):
        changed = (await world.call("UpdateCustomer", request)).customer
    assert (changed.name, changed.email) == ("Giulia Bianchi", "giulia@example.com")
    subjects = await world.rows("SELECT subject FROM outbox WHERE aggregate_id = $1", customer_id)
    assert [row["subject"].rpartition(".")[2] for row in subjects] == ["created", "updated"]


async def test_the_first_address_is_the_default_until_another_is_chosen(world: World):
    customer_id = await world.customer()
    first = (await world.call("CreateAddress", address(customer_id, line2="int. 3"))).address
    second = (await world.call("CreateAddress", address(customer_id))).address
    assert (first.default, second.default) == (True, False)
    third = (await world.call("CreateAddress", address(customer_id, make_default=True))).address
    listed = await world.call("ListAddresses", pb.ListAddressesRequest(customer_id=customer_id))
    assert [(a.id, a.default) for a in listed.data] == [
        (third.id, True),
        (first.id, False),
        (second.id, False),
    ]
    assert listed.data[1].line2 == "int. 3"


async def test_removing_an_address_again_changes_nothing(world: World):
    customer_id = await world.customer()
    made = (await world.call("CreateAddress", address(customer_id))).address
    request = pb.DeleteAddressRequest(customer_id=customer_id, address_id=made.id)
    for _ in range(2):
        await world.call("DeleteAddress", request)
    listed = await world.call("ListAddresses", pb.ListAddressesRequest(customer_id=customer_id))
    assert not listed.data
    assert (
        await world.value("SELECT default_address_id FROM customers WHERE id = $1", customer_id)
        is None
    )


async def test_the_number_of_addresses_is_limited(world: World):
    customer_id = await world.customer()
    for _ in range(MAX_ADDRESSES):
        await world.call("CreateAddress", address(customer_id))
    with pytest.raises(Refusal) as refused:
        await world.call("CreateAddress", address(customer_id))
    assert refused.value.reason == "too_many_addresses"


async def test_contact_data_is_normalised(world: World):
    pasted = {
        "email": " Giulia.Bianchi@Example.COM ",
        "phone": "0039 333 123-45-67",
        "locale": "it_it",
    }
    request = pb.CreateCustomerRequest(**pasted)
    made = (await world.call("CreateCustomer", request, key="c-1")).customer
    assert made.email == "Giulia.Bianchi@example.com"
    assert (made.phone, made.locale) == ("+393331234567", "it-IT")
    typed = pb.CreateCustomerRequest(email=made.email, phone=made.phone, locale=made.locale)
    again = (await world.call("CreateCustomer", typed, key="c-1")).customer
    assert again == made  # for its key it is the same body, however it was typed


@pytest.mark.parametrize(
    "asked", ["giulia@example.com", " GIULIA@EXAMPLE.COM", "Giulia@Example.com"]
)
async def test_customers_are_found_by_email_in_any_case(world: World, asked: str):
    customer_id = await world.customer(email="Giulia@example.com")
    await world.customer(email="giuliana@example.com")
    listed = await world.call("ListCustomers", pb.ListCustomersRequest(email=asked))
    assert [customer.id for customer in listed.data] == [customer_id]


async def test_limits_have_defaults_and_change_one_by_one(world: World):
    before = (await world.call("GetPolicy", pb.GetPolicyRequest())).policy
    assert before == pb.Policy(
        max_charge_minor=50_000,
        max_daily_minor=150_000,
        max_hourly_charges=10,
        grace_seconds=900,
        max_charge=money(50_000),
        max_daily=money(150_000),
    )
    await world.call("UpdatePolicy", pb.UpdatePolicyRequest(max_charge=money(70_000, "JPY")))
    await world.call("UpdatePolicy", pb.UpdatePolicyRequest(grace_seconds=60))
    after = (await world.call("GetPolicy", pb.GetPolicyRequest())).policy
    assert (after.max_charge, after.max_daily) == (money(70_000, "JPY"), money(150_000))
    assert (after.max_hourly_charges, after.grace_seconds) == (10, 60)


async def test_a_limit_given_in_minor_units_keeps_its_currency(world: World):
    await world.call("UpdatePolicy", pb.UpdatePolicyRequest(max_charge=money(70_000, "JPY")))
    request = pb.UpdatePolicyRequest(max_charge_minor=80_000)
    changed = (await world.call("UpdatePolicy", request)).policy
    assert changed.max_charge == money(80_000, "JPY")
    both = pb.UpdatePolicyRequest(max_daily_minor=1, max_daily=money(1))
    with pytest.raises(Refusal) as refused:
        await world.call("UpdatePolicy", both)
    assert refused.value.violations[0].field == "max_daily_minor"


async def test_contacts_include_only_reachable_customers(world: World, other: World):
    known = await world.customer(email="giulia@example.com", name="Giulia", locale="it")
    phone = await world.customer(phone="+393331234567")
    silent = await world.customer(name="Nobody")
    erased = await world.customer(email="mario@example.com")
    await world.call("EraseCustomer", pb.EraseCustomerRequest(customer_id=erased))
    foreign = await other.customer(email="foreign@example.com")
    asked = [known, phone, silent, erased, foreign, ids.new("cus"), known]
    found = await world.call("GetContacts", pb.GetContactsRequest(customer_ids=asked))
    contacts = {one.customer_id: one for one in found.data}
    assert set(contacts) == {known, phone}
    contact = contacts[known]
    assert (contact.email, contact.name, contact.locale) == ("giulia@example.com", "Giulia", "it")
    assert (contacts[phone].email, contacts[phone].phone) == ("", "+393331234567")
