"""A PSP's own methods, e.g. Klarna: the shopper approves on the PSP's page."""

import pytest

from incasso.payments.v1 import payments_pb2 as pb
from libs.errors import Kind
from services.payments.flows.create import Token
from services.payments.rules.domain import Shopper
from services.payments.rules.outcomes import ActionRequired, DeclineCode
from services.payments.rules.states import Exemption, State
from services.payments.rules.tokens import method_of
from tests.services.payments.conftest import World, key
from tests.services.payments.grpc_client import EUR_59_90, GrpcClient
from tests.services.payments.psp_double import AUTHORISE, Fault, declined
from tests.services.payments.test_flows_crashes import assert_settled, until_the_fault

GIULIA = Shopper("giulia@example.com", "IT")
KLARNA = {
    "instrument_id": "",
    "brand": "klarna",
    "method": "instalments",
    "tokens": {"a": Token("method:klarna", "", GIULIA)},
}
PAGE = ActionRequired("", "https://psp.test/klarna")


async def shopper_data(world: World) -> str:
    """Everything stored about them."""
    [payment] = await world.rows("SELECT candidates::text AS kept FROM payments")
    [attempt] = await world.rows("SELECT attempts::text AS kept FROM attempts")
    return payment["kept"] + attempt["kept"]


@pytest.mark.parametrize(
    ("token", "method"), [("method:klarna", "klarna"), ("tok_visa", ""), ("pm_1", "")]
)
def test_a_token_with_the_method_prefix_names_a_psp_method(token, method):
    assert method_of(token) == method


async def test_shopper_data_is_deleted_once_the_psp_redirects_the_shopper(world: World):
    world.a.plan(AUTHORISE, PAGE)
    waiting = await world.create(**KLARNA)
    [sent] = world.a.sent(AUTHORISE)
    assert (sent.method, sent.shopper, sent.token) == ("klarna", GIULIA, "")
    assert (waiting.state, waiting.exemption) == (State.REQUIRES_ACTION, Exemption.NONE)
    assert waiting.next_action_url == PAGE.url
    kept = await shopper_data(world)
    assert "giulia" not in kept
    assert "method:klarna" not in kept
    world.a.pass_challenge(sent.key)
    await world.recover()
    assert (await world.get(waiting)).state is State.CAPTURED


@pytest.mark.parametrize("fault", list(Fault))
async def test_a_payment_by_psp_method_is_taken_once_despite_faults(world: World, fault):
    world.a.plan(AUTHORISE, fault)
    await until_the_fault(world.create(**KLARNA, key=key("k")))
    assert "giulia@example.com" in await shopper_data(world), "a repeat needs it"
    await world.recover()
    payment = await world.only_payment()
    assert world.a.taken() == [(payment.id, 5990)]
    sent = world.a.sent(AUTHORISE)
    assert {(each.key, each.method, each.shopper) for each in sent} == {
        (sent[0].key, "klarna", GIULIA)
    }
    assert "giulia" not in await shopper_data(world)
    await assert_settled(world)


async def test_a_decline_by_the_partner_is_final(world: World):
    world.a.plan(AUTHORISE, declined(DeclineCode.DO_NOT_HONOR))
    payment = await world.create(**KLARNA)
    assert (payment.state, world.b.sent(AUTHORISE)) == (State.DECLINED, [])
    assert "giulia" not in await shopper_data(world)


@pytest.mark.parametrize(
    "shopper", [{"country": "Italy"}, {"email": "g" * 255}], ids=["country", "email"]
)
async def test_invalid_shopper_data_is_refused(client: GrpcClient, shopper):
    token = pb.InstrumentToken(
        psp_account="a", token="method:klarna", shopper=pb.Shopper(**shopper)
    )
    wrong = {"amount": EUR_59_90, "order_reference": "A-1", "method": "instalments"}
    found = await client.refused(
        "CreatePayment", key="k", instrument=pb.Instrument(tokens=[token]), **wrong
    )
    assert found == (Kind.INVALID, "invalid_argument")
    assert await client.world.rows("SELECT id FROM payments") == []


async def test_a_psp_method_is_refused_for_a_merchant_initiated_payment(client: GrpcClient):
    token = pb.InstrumentToken(psp_account="a", token="method:klarna")
    found = await client.refused(
        "CreatePayment",
        key="k",
        amount=EUR_59_90,
        order_reference="A-1",
        method="instalments",
        instrument=pb.Instrument(tokens=[token]),
        initiator=pb.INITIATOR_MERCHANT,
        mandate_reference="m",
    )
    assert found == (Kind.INVALID, "invalid_argument")
