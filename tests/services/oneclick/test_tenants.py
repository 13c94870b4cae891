"""Merchants do not see each other: no object of one merchant is found by another."""

import pytest

from incasso.oneclick.v1 import oneclick_pb2 as pb
from incasso.payments.v1 import payments_pb2
from libs import descriptors, ids
from libs.errors import Kind, Refusal
from tests.kit.payments_double import money
from tests.services.oneclick.test_customers import address
from tests.services.oneclick.test_sessions import opened, pay
from tests.services.oneclick.world import World

# These name no object of a merchant.
WITHOUT_OBJECT = {
    "CreateCustomer",
    "ListCustomers",
    "GetContacts",
    "GetChargeableInstruments",
    "GetPolicy",
    "UpdatePolicy",
    "GetOffer",
}


async def requests_for(world: World) -> dict[str, object]:
    """A request for each RPC that names objects of this world's merchant."""
    cus = await world.shopper()
    key = ids.new("key")
    await world.call("AttachInstrument", world.attach_request(cus), key=key)
    request = pb.ListInstrumentsRequest(customer_id=cus)
    ins = (await world.call("ListInstruments", request)).data[0].id
    adr = (await world.call("CreateAddress", address(cus))).address.id
    session = await opened(world, cus, capture=payments_pb2.CAPTURE_MODE_DELAYED)
    world.payments.state = payments_pb2.Payment.STATE_AUTHORISED
    pay_id = (await pay(world, session)).payment.id
    return {
        "GetCustomer": pb.GetCustomerRequest(customer_id=cus),
        "UpdateCustomer": pb.UpdateCustomerRequest(customer_id=cus, name="Mallory"),
        "EraseCustomer": pb.EraseCustomerRequest(customer_id=cus),
        "CreateAddress": address(cus),
        "ListAddresses": pb.ListAddressesRequest(customer_id=cus),
        "DeleteAddress": pb.DeleteAddressRequest(customer_id=cus, address_id=adr),
        "AttachInstrument": world.attach_request(cus),
        "RefreshInstrumentByKey": pb.RefreshInstrumentByKeyRequest(key=key),
        "ListInstruments": pb.ListInstrumentsRequest(customer_id=cus),
        "ListChargeableInstruments": pb.ListChargeableInstrumentsRequest(customer_id=cus),
        "SetDefaultInstrument": pb.SetDefaultInstrumentRequest(customer_id=cus, instrument_id=ins),
        "DetachInstrument": pb.DetachInstrumentRequest(customer_id=cus, instrument_id=ins),
        "CreateOneClickPayment": world.charge_request(cus, instrument_id=ins),
        "UndoOneClickPayment": pb.UndoOneClickPaymentRequest(payment_id=pay_id),
        "GetOneClickConsent": pb.GetOneClickConsentRequest(payment_id=pay_id),
        "CreateOneClickSession": pb.CreateOneClickSessionRequest(
            customer_id=cus, amount=money(1), order_reference="A-1"
        ),
        "GetOneClickSession": pb.GetOneClickSessionRequest(
            session_id=session.id, client_secret=session.client_secret
        ),
        "PayOneClickSession": pb.PayOneClickSessionRequest(
            session_id=session.id, client_secret=session.client_secret
        ),
    }


async def test_every_rpc_hides_the_objects_of_another_merchant(world: World, other: World):
    requests = await requests_for(world)
    rpcs = {
        method.name for method in descriptors.service("incasso.oneclick.v1.OneClickService").methods
    }
    assert set(requests) == rpcs - WITHOUT_OBJECT
    before = [dict(row) for row in await world.rows("SELECT * FROM customers")]
    for name, request in requests.items():
        with pytest.raises(Refusal) as refused:
            await other.call(name, request, key=ids.new("key"))
        assert refused.value.kind is Kind.NOT_FOUND, name
    assert [dict(row) for row in await world.rows("SELECT * FROM customers")] == before
    assert len(world.payments.books) == 1


async def test_another_merchants_instrument_is_not_found_for_an_own_customer(
    world: World, other: World
):
    requests = await requests_for(world)
    own = await other.shopper()
    foreign = requests["DetachInstrument"].instrument_id
    with pytest.raises(Refusal) as refused:
        await other.charge(own, instrument_id=foreign)
    assert refused.value.reason == "instrument_not_found"


async def test_lists_offers_and_limits_are_per_merchant(world: World, other: World):
    customer_id = await world.shopper()
    await world.call("UpdatePolicy", pb.UpdatePolicyRequest(max_charge_minor=7))
    assert not (await other.call("ListCustomers", pb.ListCustomersRequest())).data
    policy = (await other.call("GetPolicy", pb.GetPolicyRequest())).policy
    assert policy.max_charge_minor == 50_000
    request = pb.GetOfferRequest()
    request.cart.amount.CopyFrom(money(5))
    request.cart.customer_id = customer_id
    assert (await world.call("GetOffer", request)).offer.available
    assert (await other.call("GetOffer", request)).offer.reason == "customer_unknown"


async def test_two_merchants_may_use_the_same_key(world: World, other: World):
    request = pb.CreateCustomerRequest(name="G")
    one = await world.call("CreateCustomer", request, key="k")
    two = await other.call("CreateCustomer", request, key="k")
    assert one.customer.id != two.customer.id
