import asyncio

import pytest

from incasso.cod.v1 import cod_pb2
from incasso.common.v1 import offer_pb2
from incasso.instalments.v1 import instalments_pb2
from incasso.oneclick.v1 import oneclick_pb2
from incasso.paylink.v1 import paylink_pb2
from libs.errors import Kind, RemoteRefusal
from tests.services.gateway.test_transcoder import problem

PATH = "/v1/checkout-options?amount_minor=15990&currency=EUR&country=IT&customer_id=cus_1"
LINK = offer_pb2.Offer(method="link", available=True, label="Pay by link")
LINK_ROW = {
    "method": "link",
    "available": True,
    "label": "Pay by link",
    "fee_minor": 0,
    "instalments": [],
}
PLAN = offer_pb2.InstalmentOffer(terms_id="trm_1", available=False, reason="minimum_amount")
PLANS = offer_pb2.Offer(method="instalments", reason="minimum_amount", instalments=[PLAN])


def unavailable(method):
    return {
        "method": method,
        "available": False,
        "reason": "method_unavailable",
        "label": "",
        "fee_minor": 0,
        "instalments": [],
    }


COD = offer_pb2.Offer(method="cod", reason="no_courier")
ROWS = [
    unavailable("one_click"),
    LINK_ROW,
    unavailable("instalments") | {"reason": "minimum_amount"},
    unavailable("cod") | {"reason": "no_courier"},
]


def offers(one_click):
    """A function that answers GetOffer for each service; `one_click` answers for oneclick."""

    def answer(request):
        if isinstance(request, paylink_pb2.GetOfferRequest):
            return paylink_pb2.GetOfferResponse(offer=LINK)
        if isinstance(request, instalments_pb2.GetOfferRequest):
            return instalments_pb2.GetOfferResponse(offer=PLANS)
        if isinstance(request, cod_pb2.GetOfferRequest):
            return cod_pb2.GetOfferResponse(offer=COD)
        return one_click(request) if callable(one_click) else one_click

    return answer


def shown(found):
    """The rows, without their instalment plans."""
    return [row | {"instalments": []} for row in found["data"]]


async def test_offers_come_from_the_method_services(gateway):
    card = offer_pb2.OfferedCard(instrument_id="ins_1", brand="visa", last4="4242")
    offer = offer_pb2.Offer(method="one_click", available=True, label="Visa •••• 4242", card=card)
    gateway.services.answers["GetOffer"] = offers(oneclick_pb2.GetOfferResponse(offer=offer))
    path = f"{PATH}&categories=shoes&categories=hats&postcode=20121&failed_methods=link"
    async with gateway.request("GET", path) as response:
        found = await response.json()
    assert response.status == 200
    assert found["amount"] == {"amount_minor": 15990, "currency": "EUR"}
    rows = found["data"]
    (plan,) = rows[2]["instalments"]
    assert (plan["terms_id"], plan["reason"]) == ("trm_1", "minimum_amount")
    assert found["data"] == [
        {
            "method": "one_click",
            "available": True,
            "label": "Visa •••• 4242",
            "fee_minor": 0,
            "card": {"instrument_id": "ins_1", "brand": "visa", "last4": "4242"},
            "instalments": [],
        },
        LINK_ROW,
        rows[2],
        ROWS[3],
    ]
    cart = gateway.services.last("GetOffer").request.cart
    assert cart.customer_id == "cus_1"
    assert list(cart.categories) == ["shoes", "hats"]
    assert (cart.postcode, list(cart.failed_methods)) == ("20121", ["link"])
    assert gateway.services.last("GetOffer").call.merchant_id == "mer_1"


async def test_a_slow_method_service_makes_only_its_own_method_unavailable(gateway):
    gateway.services.answers["GetOffer"] = offers(lambda _: asyncio.Event().wait())
    async with gateway.request("GET", PATH) as response:
        assert response.status == 200
        assert shown(await response.json()) == ROWS


async def test_a_refusing_method_service_makes_only_its_own_method_unavailable(gateway):
    refusal = RemoteRefusal(Kind.INTERNAL, "internal_error", "x")
    gateway.services.answers["GetOffer"] = offers(refusal)
    async with gateway.request("GET", PATH) as response:
        assert shown(await response.json()) == ROWS


async def test_a_dead_method_service_makes_only_its_own_method_unavailable(new_gateway):
    async with new_gateway(alone="oneclick") as gateway:
        gateway.services.answers["GetOffer"] = offers(None)
        await gateway.servers["oneclick"].stop(0)
        async with gateway.request("GET", PATH) as response:
            assert response.status == 200
            assert shown(await response.json()) == ROWS


@pytest.mark.parametrize(
    ("query", "pointer"),
    [
        ("currency=EUR", "/amount_minor"),
        ("amount_minor=100", "/currency"),
        ("amount_minor=100&currency=XXX", "/currency"),
        ("amount_minor=100&currency=EUR&country=Italy", "/country"),
    ],
)
async def test_a_wrong_cart_is_refused(gateway, query, pointer):
    async with gateway.request("GET", f"/v1/checkout-options?{query}") as response:
        found = await problem(response, 400, "invalid_argument")
    assert [error["pointer"] for error in found["errors"]] == [pointer]
