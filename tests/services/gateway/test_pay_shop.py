"""GET /shop/{slug} and buying from it."""

import pytest

from incasso.paylink.v1 import pages_pb2
from libs.errors import FieldViolation, Kind, OutcomeUnknown, RemoteRefusal
from services.gateway.pay.shop import BUYS_BURST
from tests.services.gateway import shop_samples
from tests.services.gateway.pay_samples import KEY, TOKEN

SHOP = "/shop/bottega"
FORM = {
    "form_key": KEY,
    "email": "giulia@example.com",
    "name": "Giulia",
    "product_id": "prd_1",
    "quantity-prd_1": "2",
    "shown-prd_1": "690",
    "quantity-prd_2": "7",
}


@pytest.fixture
async def shop(new_gateway):
    async with new_gateway() as gateway:
        gateway.services.answers["GetShopPage"] = shop_samples.shop()
        gateway.services.answers["BuyProduct"] = pages_pb2.BuyProductResponse(token=TOKEN)
        yield gateway


def buy(gateway, form=FORM, path=f"{SHOP}/buy", **headers):
    return gateway.request("POST", path, key=None, data=form, headers=headers)


async def test_products_are_shown_with_their_prices(shop):
    async with shop.request("GET", SHOP, key=None, headers={"Accept-Language": "it"}) as response:
        assert response.status == 200
        text = await response.text()
    assert "Tisana della sera" in text
    assert "6,90\xa0€" in text
    assert f'value="{KEY}"' in text
    assert {seen.name for seen in shop.services.seen} == {"GetShopPage"}


async def test_buying_redirects_to_the_pay_page(shop):
    async with buy(shop, path=f"{SHOP}/buy?lang=it") as response:
        assert response.status == 303
        assert response.headers["Location"] == f"/p/{TOKEN}?lang=it"
    seen = shop.services.last("BuyProduct")
    request = seen.request
    assert (request.slug, request.product_id, request.quantity) == ("bottega", "prd_1", 2)
    assert (request.email, request.name, request.locale) == ("giulia@example.com", "Giulia", "it")
    assert request.shown_minor == 690
    assert seen.call.idempotency_key == f"{KEY}-prd_1-2"


async def test_opening_the_forms_address_redirects_to_the_shop(shop):
    async with shop.request("GET", f"{SHOP}/buy", key=None) as response:
        assert response.headers["Location"] == SHOP


@pytest.mark.parametrize(
    ("refusal", "expected"),
    [
        (RemoteRefusal(Kind.NOT_FOUND, "product_not_found", "x"), "not for sale any more"),
        (RemoteRefusal(Kind.RATE, "quota_exceeded", "x"), "cannot take orders right now"),
        (RemoteRefusal(Kind.CONFLICT, "amount_changed", "x"), "The price has changed"),
        (RemoteRefusal(Kind.RATE, "too_many_purchases", "x"), "not paid them yet"),
        (RemoteRefusal(Kind.UNPROCESSABLE, "idempotency_key_reused", "x"), "had been sent before"),
        (RemoteRefusal(Kind.INTERNAL, "internal_error", "x"), "it is our fault"),
        (OutcomeUnknown(), "did not get an answer"),
        (
            RemoteRefusal(Kind.INVALID, "invalid_argument", "x", [FieldViolation("email", "no")]),
            "type an e-mail address",
        ),
    ],
)
async def test_a_refusal_shows_its_message_and_keeps_the_typed_email(shop, refusal, expected):
    shop.services.answers["BuyProduct"] = refusal
    async with buy(shop, path=f"{SHOP}/buy?lang=en") as response:
        assert response.status == 422
        text = await response.text()
    assert expected in text
    assert 'value="giulia@example.com"' in text


async def test_a_shop_of_two_hundred_products_sells_the_last_of_them(shop):
    rows = {
        f"{name}-prd_{number:026}": "1" for number in range(200) for name in ("quantity", "shown")
    }
    form = {**FORM, **rows, "product_id": f"prd_{199:026}"}
    async with buy(shop, form) as response:
        assert response.status == 303
    assert shop.services.last("BuyProduct").request.quantity == 1


async def test_a_form_without_its_idempotency_key_buys_nothing(shop):
    async with buy(shop, {**FORM, "form_key": ""}) as response:
        assert response.status == 422
    assert shop.services.calls("BuyProduct") == 0


async def test_a_cross_site_form_cannot_buy(shop):
    async with buy(shop, **{"Sec-Fetch-Site": "cross-site"}) as response:
        assert response.status == 403
    assert shop.services.calls("BuyProduct") == 0


async def test_an_unknown_shop_is_not_found(shop):
    refusal = RemoteRefusal(Kind.NOT_FOUND, "shop_not_found", "No.")
    shop.services.answers |= {"GetShopPage": refusal, "BuyProduct": refusal}
    async with shop.request("GET", SHOP, key=None) as response:
        assert response.status == 404
    async with buy(shop) as response:
        assert response.status == 404


async def test_purchases_in_quick_succession_are_rate_limited(shop):
    statuses = []
    for _ in range(int(BUYS_BURST) + 1):
        async with buy(shop) as response:
            statuses.append(response.status)
    assert statuses == [303] * int(BUYS_BURST) + [429]
