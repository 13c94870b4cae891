"""The RPCs of the one-page shop: products, the shop, its page, and buying from it."""

import asyncio
from datetime import timedelta

import pytest

from incasso.paylink.v1 import pages_pb2
from incasso.paylink.v1 import shop_pb2 as pb
from libs import ids, tokens
from libs.errors import Refusal
from services.paylink.errors import TooManyProducts, TooManyPurchases
from services.paylink.rules import products as rules
from tests.services.paylink.shop_world import (
    PUBLIC_URL,
    ShopWorld,
    money,
    reason_of,
)

NOTHING = ids.new("prd")


async def test_a_product_comes_back_as_it_was_created(shop_world: ShopWorld):
    made = await shop_world.product(description="Della casa", position=3, metadata={"sku": "o-5"})
    found = (await shop_world.call("GetProduct", pb.GetProductRequest(product_id=made.id))).product
    assert found == made
    assert (made.name, made.description, made.price) == ("Olio", "Della casa", money(4590))
    assert (made.max_quantity, made.position) == (10, 3)
    assert made.state == pb.Product.STATE_ACTIVE
    assert dict(made.metadata) == {"sku": "o-5"}


async def test_creating_a_product_again_with_the_same_key_returns_the_same_one(
    shop_world: ShopWorld,
):
    request = pb.CreateProductRequest(name="Olio", price=money(4590))
    one = await shop_world.call("CreateProduct", request, key="k")
    two = await shop_world.call("CreateProduct", request, key="k")
    assert one == two
    assert len((await shop_world.call("ListProducts", pb.ListProductsRequest())).data) == 1
    request.name = "Aceto"
    again = shop_world.call("CreateProduct", request, key="k")
    assert await reason_of(again) == ("idempotency_key_reused", 422)


async def test_products_are_listed_newest_first_a_page_at_a_time(shop_world: ShopWorld):
    made = [(await shop_world.product(f"n{number}")).id for number in range(5)]
    listed, cursor = [], ""
    for _ in range(3):
        request = pb.ListProductsRequest(limit=2, cursor=cursor)
        page = await shop_world.call("ListProducts", request)
        listed += [product.id for product in page.data]
        cursor = page.next_cursor
    assert listed == made[::-1]
    assert not cursor
    wrong = shop_world.call("ListProducts", pb.ListProductsRequest(cursor="x"))
    assert await reason_of(wrong) == ("cursor_invalid", 400)


async def test_products_are_listed_by_state(shop_world: ShopWorld):
    kept, gone = await shop_world.product("kept"), await shop_world.product("gone")
    await shop_world.call("ArchiveProduct", pb.ArchiveProductRequest(product_id=gone.id))
    for state, expected in ((pb.Product.STATE_ACTIVE, kept), (pb.Product.STATE_ARCHIVED, gone)):
        page = await shop_world.call("ListProducts", pb.ListProductsRequest(state=state))
        assert [product.id for product in page.data] == [expected.id]


async def test_updating_a_product_keeps_unnamed_fields(shop_world: ShopWorld):
    made = await shop_world.product(description="Della casa")
    request = pb.UpdateProductRequest(product_id=made.id, price=money(4990))
    changed = (await shop_world.call("UpdateProduct", request)).product
    assert (changed.price, changed.description) == (money(4990), "Della casa")
    found = (await shop_world.call("GetProduct", pb.GetProductRequest(product_id=made.id))).product
    assert found == changed


async def test_archiving_is_idempotent_and_prevents_changes(shop_world: ShopWorld):
    made = await shop_world.product()
    request = pb.ArchiveProductRequest(product_id=made.id)
    once = (await shop_world.call("ArchiveProduct", request)).product
    twice = (await shop_world.call("ArchiveProduct", request)).product
    assert once == twice
    assert once.state == pb.Product.STATE_ARCHIVED
    change = pb.UpdateProductRequest(product_id=made.id, name="x")
    assert await reason_of(shop_world.call("UpdateProduct", change)) == ("product_archived", 409)


async def many_products(shop_world: ShopWorld, count: int) -> None:
    """Copies of one product, named n0001 and so on, in the reverse order of their creation."""
    made = await shop_world.product()
    await shop_world.rows(
        "INSERT INTO products (merchant_id, id, state, name, price_minor, currency, max_quantity,"
        " position, metadata, created_at)"
        " SELECT merchant_id, id || n, state, 'n' || lpad(($2 - n)::text, 4, '0'), price_minor,"
        " currency, max_quantity, position, metadata, created_at"
        " FROM products, generate_series(1, $2 - 1) AS n WHERE id = $1",
        made.id,
        count,
    )


async def test_the_number_of_products_per_merchant_is_limited(shop_world: ShopWorld):
    await many_products(shop_world, rules.MAX_PRODUCTS)
    assert await reason_of(shop_world.product()) == (TooManyProducts.reason, 409)


async def test_a_shop_is_opened_by_its_first_change_which_needs_a_slug(shop_world: ShopWorld):
    assert await reason_of(shop_world.call("GetShop", pb.GetShopRequest())) == (
        "shop_not_found",
        404,
    )
    first = shop_world.call("UpdateShop", pb.UpdateShopRequest(title="La Bottega"))
    assert await reason_of(first) == ("invalid_argument", 400)
    opened = await shop_world.open_shop(title="La Bottega")
    assert opened.url == f"{PUBLIC_URL}/shop/{opened.slug}"
    assert opened.state == pb.Shop.STATE_OPEN
    assert (await shop_world.call("GetShop", pb.GetShopRequest())).shop == opened


async def test_two_concurrent_first_updates_open_one_shop(shop_world: ShopWorld):
    slug = f"s-{shop_world.merchant_id[4:]}"
    requests = [pb.UpdateShopRequest(slug=slug, title=title) for title in ("A", "B")]
    shops = await asyncio.gather(*(shop_world.call("UpdateShop", request) for request in requests))
    stored = (await shop_world.call("GetShop", pb.GetShopRequest())).shop
    assert {answer.shop.slug for answer in shops} == {slug}
    assert stored.title in {"A", "B"}


async def test_another_merchants_slug_is_refused(shop_world: ShopWorld):
    mine = await shop_world.open_shop()
    other = shop_world.neighbour()
    assert await reason_of(other.open_shop(slug=mine.slug)) == ("slug_taken", 409)
    theirs = await other.open_shop()
    assert await reason_of(other.open_shop(slug=mine.slug)) == ("slug_taken", 409)
    assert (await other.call("GetShop", pb.GetShopRequest())).shop == theirs


async def test_the_page_shows_active_products_in_their_order(shop_world: ShopWorld):
    await shop_world.product("Vino", position=2)
    await shop_world.product("Olio", position=1)
    await shop_world.product("Aceto", position=2)
    gone = await shop_world.product("Burro")
    await shop_world.call("ArchiveProduct", pb.ArchiveProductRequest(product_id=gone.id))
    shop = await shop_world.open_shop(description="Dal 1950")
    page = await shop_world.visit("GetShopPage", pages_pb2.GetShopPageRequest(slug=shop.slug))
    assert [product.name for product in page.products] == ["Olio", "Aceto", "Vino"]
    assert (page.title, page.description, page.locale) == ("La Bottega", "Dal 1950", "it")
    assert page.merchant.id == shop_world.merchant_id
    assert page.form_key


async def test_the_page_limits_shown_products_and_the_others_can_still_be_bought(
    shop_world: ShopWorld,
):
    await many_products(shop_world, rules.SHOWN_PRODUCTS)
    last, shop = await shop_world.product("z", position=9), await shop_world.open_shop()
    page = await shop_world.visit("GetShopPage", pages_pb2.GetShopPageRequest(slug=shop.slug))
    names = [product.name for product in page.products]
    assert len(names) == rules.SHOWN_PRODUCTS
    assert names[1:] == [f"n{number:04}" for number in range(1, rules.SHOWN_PRODUCTS)]
    assert await shop_world.buy(shop, last)


async def test_a_closed_shop_is_refused_like_an_unknown_one(shop_world: ShopWorld):
    product = await shop_world.product()
    shop = await shop_world.open_shop(state=pb.Shop.STATE_CLOSED)
    for slug in (shop.slug, "nobody"):
        page = pages_pb2.GetShopPageRequest(slug=slug)
        assert await reason_of(shop_world.visit("GetShopPage", page)) == ("shop_not_found", 404)
        buy = shop_world.purchase(shop, product, slug=slug)
        assert await reason_of(shop_world.visit("BuyProduct", buy, key="k")) == (
            "shop_not_found",
            404,
        )
    assert (await shop_world.call("GetShop", pb.GetShopRequest())).shop == shop


async def test_buying_creates_an_unsent_link_valid_for_one_day(shop_world: ShopWorld):
    product, shop = await shop_world.product(), await shop_world.open_shop()
    token = await shop_world.buy(shop, product, quantity=3, name="Giulia")
    (link,) = await shop_world.links()
    assert (link["state"], link["origin"], link["channels"]) == ("created", "shop", [])
    assert (link["amount_minor"], link["reusable"], link["description"]) == (13770, False, "Olio")
    assert link["line_items"] == [{"name": "Olio", "quantity": 3, "unit_amount_minor": 4590}]
    assert (link["recipient_email"], link["recipient_name"]) == ("giulia@example.com", "Giulia")
    assert link["expires_at"] - link["created_at"] == timedelta(days=1)
    assert link["order_reference"].startswith("shop-")
    assert link["metadata"] == {"product_id": product.id}
    (address,) = await shop_world.rows("SELECT * FROM link_tokens WHERE link_id = $1", link["id"])
    assert address["token_hash"] == tokens.hash_of(token)
    assert [subject for subject, _ in await shop_world.events()] == ["payment_link.created"]


async def test_buying_again_with_the_same_key_returns_the_same_link(shop_world: ShopWorld):
    product, shop = await shop_world.product(), await shop_world.open_shop()
    request = shop_world.purchase(shop, product)
    got = await asyncio.gather(
        *(shop_world.visit("BuyProduct", request, key="k") for _ in range(5)),
        return_exceptions=True,
    )
    again = await shop_world.visit("BuyProduct", request, key="k")
    answers = {answer.token for answer in got if not isinstance(answer, Refusal)}
    assert answers <= {again.token}
    assert len(await shop_world.links()) == 1
    stored = await shop_world.rows("SELECT answer FROM idempotency_keys WHERE key = 'k'")
    assert all(again.token.encode() not in row["answer"] for row in stored)
    request.quantity = 2
    other = shop_world.visit("BuyProduct", request, key="k")
    assert await reason_of(other) == ("idempotency_key_reused", 422)
    bare = shop_world.visit("BuyProduct", request)
    assert await reason_of(bare) == ("idempotency_key_missing", 400)


async def test_purchase_keys_are_scoped_to_their_shop(shop_world: ShopWorld):
    other = shop_world.neighbour()
    mine = await shop_world.buy(await shop_world.open_shop(), await shop_world.product(), key="k")
    theirs = await other.buy(await other.open_shop(), await other.product(), key="k")
    assert mine != theirs
    assert len(await other.links()) == 1


async def test_a_product_of_another_merchant_is_not_sold(shop_world: ShopWorld):
    other = shop_world.neighbour()
    foreign, shop = await other.product(), await shop_world.open_shop()
    assert await reason_of(shop_world.buy(shop, foreign)) == ("product_not_found", 404)
    assert not await shop_world.links()
    assert not await other.links()


@pytest.mark.parametrize(
    ("wrong", "reason"),
    [
        ({"shown_minor": 4589}, ("amount_changed", 409)),
        ({"quantity": 11}, ("invalid_argument", 400)),
        ({"quantity": 0}, ("invalid_argument", 400)),
        ({"email": "nobody"}, ("invalid_argument", 400)),
        ({"product_id": NOTHING}, ("product_not_found", 404)),
    ],
)
async def test_a_refused_purchase_creates_no_link_and_frees_its_key(
    shop_world: ShopWorld, wrong, reason
):
    product, shop = await shop_world.product(), await shop_world.open_shop()
    assert await reason_of(shop_world.buy(shop, product, key="k", **wrong)) == reason
    assert not await shop_world.links()
    assert await shop_world.buy(shop, product, key="k")


async def test_purchases_do_not_count_against_the_link_quota(shop_world: ShopWorld):
    shop_world.merchants.quotas[shop_world.merchant_id] = {"links_per_month": 0}
    assert await shop_world.buy(await shop_world.open_shop(), await shop_world.product())


async def test_unpaid_purchases_per_email_and_day_are_limited(shop_world: ShopWorld):
    product, shop = await shop_world.product(), await shop_world.open_shop()
    emails = ("giulia@example.com", "GIULIA@example.com")
    for number in range(rules.OPEN_PURCHASES):
        await shop_world.buy(shop, product, email=emails[number % 2])
    assert await reason_of(shop_world.buy(shop, product)) == (TooManyPurchases.reason, 429)
    assert await shop_world.buy(shop, product, email="marco@example.com")
    other = shop_world.neighbour()
    assert await other.buy(await other.open_shop(), await other.product())
    await shop_world.advance(timedelta(days=1, minutes=1))
    assert await shop_world.buy(shop, product)


async def test_a_test_merchants_clock_dates_its_shop_page_and_purchases(shop_world: ShopWorld):
    product, shop = await shop_world.product(), await shop_world.open_shop()
    await shop_world.advance(timedelta(days=400))
    page = await shop_world.visit("GetShopPage", pages_pb2.GetShopPageRequest(slug=shop.slug))
    await shop_world.buy(shop, product)
    (link,) = await shop_world.links()
    assert page.read_at.ToDatetime().year > shop.created_at.ToDatetime().year
    assert link["created_at"] - shop_world.deps.clock.now() > timedelta(days=399)
