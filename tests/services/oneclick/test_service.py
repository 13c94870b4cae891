"""Every refusal of the gRPC servicer: code and reason."""

import pytest

from incasso.oneclick.v1 import oneclick_pb2 as pb
from libs import ids
from libs.errors import Refusal
from tests.kit.payments_double import money
from tests.services.oneclick.test_customers import address
from tests.services.oneclick.world import World

NOBODY = ids.new("cus")


async def refusal(world: World, name: str, request, *, key: str = "") -> tuple[str, int, str]:
    with pytest.raises(Refusal) as refused:
        await world.call(name, request, key=key)
    kind = refused.value.kind
    return refused.value.reason, kind.http_status, kind.grpc_code.name


CUSTOMER_CALLS = [
    ("GetCustomer", pb.GetCustomerRequest(customer_id=NOBODY)),
    ("UpdateCustomer", pb.UpdateCustomerRequest(customer_id=NOBODY, name="G")),
    ("EraseCustomer", pb.EraseCustomerRequest(customer_id=NOBODY)),
    ("CreateAddress", address(NOBODY)),
    ("ListAddresses", pb.ListAddressesRequest(customer_id=NOBODY)),
    ("DeleteAddress", pb.DeleteAddressRequest(customer_id=NOBODY, address_id="adr_1")),
    ("ListInstruments", pb.ListInstrumentsRequest(customer_id=NOBODY)),
    ("SetDefaultInstrument", pb.SetDefaultInstrumentRequest(customer_id=NOBODY, instrument_id="i")),
    ("DetachInstrument", pb.DetachInstrumentRequest(customer_id=NOBODY, instrument_id="i")),
    (
        "CreateOneClickPayment",
        pb.CreateOneClickPaymentRequest(customer_id=NOBODY, amount=money(1), order_reference="A-1"),
    ),
    (
        "CreateOneClickSession",
        pb.CreateOneClickSessionRequest(customer_id=NOBODY, amount=money(1), order_reference="A-1"),
    ),
]


@pytest.mark.parametrize(("name", "request_"), CUSTOMER_CALLS, ids=[c[0] for c in CUSTOMER_CALLS])
async def test_an_unknown_customer_is_not_found(world: World, name: str, request_):
    found = await refusal(world, name, request_, key=ids.new("key"))
    assert found == ("customer_not_found", 404, "NOT_FOUND")


async def test_an_unknown_customer_cannot_save_a_card(world: World):
    found = await refusal(world, "AttachInstrument", world.attach_request(NOBODY))
    assert found == ("customer_not_found", 404, "NOT_FOUND")
    assert not world.payments.setups


async def test_unknown_addresses_instruments_payments_and_sessions_are_not_found(world: World):
    customer_id = await world.shopper()
    asked = [
        (
            "DeleteAddress",
            pb.DeleteAddressRequest(customer_id=customer_id, address_id="adr_1"),
            "address_not_found",
        ),
        (
            "SetDefaultInstrument",
            pb.SetDefaultInstrumentRequest(customer_id=customer_id, instrument_id="ins_1"),
            "instrument_not_found",
        ),
        (
            "DetachInstrument",
            pb.DetachInstrumentRequest(customer_id=customer_id, instrument_id="ins_1"),
            "instrument_not_found",
        ),
        (
            "CreateOneClickPayment",
            world.charge_request(customer_id, address_id="adr_1"),
            "address_not_found",
        ),
        (
            "CreateOneClickPayment",
            world.charge_request(customer_id, instrument_id="ins_1"),
            "instrument_not_found",
        ),
        (
            "UndoOneClickPayment",
            pb.UndoOneClickPaymentRequest(payment_id="pay_1"),
            "payment_not_found",
        ),
        (
            "GetOneClickSession",
            pb.GetOneClickSessionRequest(session_id="ocs_1"),
            "session_not_found",
        ),
        (
            "PayOneClickSession",
            pb.PayOneClickSessionRequest(session_id="ocs_1"),
            "session_not_found",
        ),
    ]
    for name, request, reason in asked:
        assert await refusal(world, name, request, key=ids.new("key")) == (reason, 404, "NOT_FOUND")
    assert not world.payments.books


async def test_an_instrument_of_another_customer_is_not_found(world: World):
    mine, theirs = await world.shopper(), await world.shopper()
    request = pb.ListInstrumentsRequest(customer_id=theirs)
    (card,) = (await world.call("ListInstruments", request)).data
    found = await refusal(
        world,
        "CreateOneClickPayment",
        world.charge_request(mine, instrument_id=card.id),
        key=ids.new("key"),
    )
    assert found == ("instrument_not_found", 404, "NOT_FOUND")


async def test_a_charge_without_a_card_or_consent_or_above_its_limit_is_refused(world: World):
    customer_id = await world.customer()
    request = world.charge_request(customer_id)
    assert await refusal(world, "CreateOneClickPayment", request, key="1") == (
        "no_instrument",
        409,
        "FAILED_PRECONDITION",
    )
    card = await world.attach(customer_id)
    request = world.charge_request(customer_id, 50_001)
    assert await refusal(world, "CreateOneClickPayment", request, key="1") == (
        "charge_limit_exceeded",
        422,
        "OUT_OF_RANGE",
    )
    async with world.db.connection() as conn:
        await conn.execute("UPDATE instruments SET consent_id = NULL WHERE id = $1", card.id)
    request = world.charge_request(customer_id)
    assert await refusal(world, "CreateOneClickPayment", request, key="1") == (
        "consent_missing",
        409,
        "FAILED_PRECONDITION",
    )
    assert await world.charges() == []


async def test_hourly_and_daily_limits_have_their_own_codes(world: World):
    customer_id = await world.shopper()
    await world.call("UpdatePolicy", pb.UpdatePolicyRequest(max_hourly_charges=1))
    await world.charge(customer_id, 100)
    request = world.charge_request(customer_id, 100)
    assert await refusal(world, "CreateOneClickPayment", request, key="1") == (
        "velocity_exceeded",
        429,
        "RESOURCE_EXHAUSTED",
    )
    await world.call("UpdatePolicy", pb.UpdatePolicyRequest(max_daily_minor=150))
    assert await refusal(world, "CreateOneClickPayment", request, key="1") == (
        "daily_limit_exceeded",
        422,
        "OUT_OF_RANGE",
    )


@pytest.mark.parametrize("name", ["CreateOneClickPayment", "UndoOneClickPayment"])
async def test_calls_that_move_money_need_a_key(world: World, name: str):
    requests = {
        "CreateOneClickPayment": world.charge_request(NOBODY),
        "UndoOneClickPayment": pb.UndoOneClickPaymentRequest(payment_id="pay_1"),
    }
    found = await refusal(world, name, requests[name])
    assert found == ("idempotency_key_missing", 400, "INVALID_ARGUMENT")


async def test_grace_without_a_delayed_capture_is_refused(world: World):
    customer_id = await world.shopper()
    request = world.charge_request(customer_id, grace_seconds=60)
    with pytest.raises(Refusal) as refused:
        await world.call("CreateOneClickPayment", request, key="1")
    assert [v.field for v in refused.value.violations] == ["grace_seconds"]


async def test_a_made_up_cursor_is_refused(world: World):
    found = await refusal(world, "ListCustomers", pb.ListCustomersRequest(cursor="bm9wZQ=="))
    assert found == ("cursor_invalid", 400, "INVALID_ARGUMENT")


async def test_a_call_without_a_merchant_is_refused(world: World):
    world.merchant_id = ""
    found = await refusal(world, "GetCustomer", pb.GetCustomerRequest(customer_id=NOBODY))
    assert found == ("merchant_missing", 401, "UNAUTHENTICATED")
