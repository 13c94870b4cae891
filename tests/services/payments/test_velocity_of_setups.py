"""Saving a card tests it, so customers who try to save declined cards are stopped, too."""

from incasso.payments.v1 import events_pb2
from libs.errors import Kind
from services.payments.rules.outcomes import DeclineCode
from tests.services.payments.grpc_client import GrpcClient
from tests.services.payments.psp_double import declined

TOO_MANY = (Kind.CONFLICT, "too_many_declines")


def fields(customer: str, n: int = 0) -> dict[str, str]:
    return {
        "key": f"{customer} {n}",
        "psp_account": "a",
        "token": "tok",
        "customer_id": customer,
        "email": "giulia@example.com",
    }


async def test_a_customer_is_barred_after_ten_declined_setups(client: GrpcClient):
    client.world.a.setup_outcome = declined(DeclineCode.CARD_INVALID)
    answers = [await client.refused("SetUpInstrument", **fields("cus_1", n)) for n in range(12)]
    assert [reason for _, reason in answers[:10]] == ["instrument_refused"] * 10
    assert answers[10:] == [TOO_MANY] * 2
    assert len(client.world.a.calls) == 10
    rows = await client.world.rows("SELECT body FROM outbox")
    [event] = [events_pb2.CardTestingSuspected.FromString(row["body"]) for row in rows]
    assert (event.kind, event.reference) == ("customer", "cus_1")
    assert not event.HasField("payment")
    client.world.a.setup_outcome = None
    await client.call("SetUpInstrument", **fields("cus_2"))


async def test_an_address_is_barred_after_twenty_declined_setups(client: GrpcClient):
    client.world.a.setup_outcome = declined(DeclineCode.CARD_INVALID)
    there = {"velocity_subjects": ["address:aa"]}
    answers = [
        await client.refused("SetUpInstrument", **fields(f"cus_{n}"), **there) for n in range(25)
    ]
    assert [reason for _, reason in answers[:20]] == ["instrument_refused"] * 20
    assert answers[20:] == [TOO_MANY] * 5
    rows = await client.world.rows("SELECT body FROM outbox")
    [event] = [events_pb2.CardTestingSuspected.FromString(row["body"]) for row in rows]
    assert (event.kind, event.HasField("reference")) == ("address", False)
    client.world.a.setup_outcome = None
    await client.call("SetUpInstrument", **fields("cus_99"), velocity_subjects=["address:bb"])


async def test_a_repeated_setup_is_answered_although_the_customer_is_barred(client: GrpcClient):
    saved = await client.call("SetUpInstrument", **fields("cus_1", 99))
    client.world.a.setup_outcome = declined(DeclineCode.CARD_INVALID)
    for n in range(10):
        await client.refused("SetUpInstrument", **fields("cus_1", n))
    client.world.a.setup_outcome = None
    assert await client.call("SetUpInstrument", **fields("cus_1", 99)) == saved


async def test_an_unavailable_psp_bars_no_customer(client: GrpcClient):
    client.world.a.setup_outcome = declined(DeclineCode.PSP_UNAVAILABLE)
    for n in range(12):
        await client.refused("SetUpInstrument", **fields("cus_1", n))
    client.world.a.setup_outcome = None
    await client.call("SetUpInstrument", **fields("cus_1", 99))
