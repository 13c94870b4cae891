"""The RPCs of carts: reported, reported again, and recovered by a link."""

import asyncio

import pytest

from incasso.paylink.v1 import events_pb2, paylink_pb2
from incasso.paylink.v1 import shop_pb2 as pb
from libs import tokens
from tests.services.paylink.shop_world import (
    PUBLIC_URL,
    ShopWorld,
    item,
    published,
    reason_of,
)

State = pb.Cart


async def test_a_cart_comes_back_as_it_was_reported(shop_world: ShopWorld):
    made = await shop_world.cart(
        line_items=[item("Scarpe", 2, 5000), item("Sconto", 1, -1000)], metadata={"a": "b"}
    )
    assert (made.amount.amount_minor, made.amount.currency, made.locale) == (9000, "EUR", "it")
    assert made.state == State.STATE_OPEN
    assert not made.HasField("recover_at")
    assert await shop_world.get_cart(made.id) == made


async def test_a_reported_currency_and_locale_override_the_merchants(shop_world: ShopWorld):
    made = await shop_world.cart(currency="USD", locale="en", recover_after_minutes=60)
    assert (made.amount.currency, made.locale) == ("USD", "en")
    assert made.recover_at.seconds - made.created_at.seconds == 3600


async def test_the_same_reference_replaces_the_contents_of_an_open_cart(shop_world: ShopWorld):
    first = await shop_world.cart(recover_after_minutes=60)
    second = await shop_world.cart(line_items=[item("Cappello", 1, 2500)])
    assert (second.id, second.created_at) == (first.id, first.created_at)
    assert second.amount.amount_minor == 2500
    assert not second.HasField("recover_at")
    assert await shop_world.get_cart(first.id) == second
    (row,) = await shop_world.rows("SELECT due_at FROM carts WHERE id = $1", first.id)
    assert row["due_at"] is None


async def test_twenty_concurrent_reports_of_one_reference_create_one_cart(shop_world: ShopWorld):
    made = await asyncio.gather(*(shop_world.cart(recover_after_minutes=60) for _ in range(20)))
    assert len({cart.id for cart in made}) == 1


async def test_repeating_a_report_with_the_same_key_returns_the_first_answer(shop_world: ShopWorld):
    request = shop_world.cart_request()
    one = await shop_world.call("CreateCart", request, key="k")
    await shop_world.cart(line_items=[item("Cappello", 1, 2500)])
    assert await shop_world.call("CreateCart", request, key="k") == one
    request.locale = "en"
    again = shop_world.call("CreateCart", request, key="k")
    assert await reason_of(again) == ("idempotency_key_reused", 422)


@pytest.mark.parametrize(
    "wrong",
    [
        {"recipient": paylink_pb2.Recipient(name="Giulia")},
        {"line_items": [item("Scarpe", 1, 1), item("Sconto", 1, -1)]},
        {"line_items": [item("Oro", 100_000, 999_999_999_999)]},
        {"line_items": []},
        {"recover_after_minutes": 9},
        {"reference": ""},
    ],
)
async def test_an_invalid_cart_is_refused(shop_world: ShopWorld, wrong):
    assert await reason_of(shop_world.cart(**wrong)) == ("invalid_argument", 400)


async def test_carts_are_listed_newest_first_and_by_state(shop_world: ShopWorld):
    made = [(await shop_world.cart(f"cart-{number}")).id for number in range(3)]
    await shop_world.complete(made[1])
    page = await shop_world.call("ListCarts", pb.ListCartsRequest(limit=2))
    assert [cart.id for cart in page.data] == made[:0:-1]
    rest = await shop_world.call("ListCarts", pb.ListCartsRequest(cursor=page.next_cursor))
    assert [cart.id for cart in rest.data] == made[:1]
    still = await shop_world.call("ListCarts", pb.ListCartsRequest(state=State.STATE_OPEN))
    assert [cart.id for cart in still.data] == [made[2], made[0]]
    wrong = shop_world.call("ListCarts", pb.ListCartsRequest(cursor="x"))
    assert await reason_of(wrong) == ("cursor_invalid", 400)


async def test_recovering_sends_a_link_with_the_carts_contents(shop_world: ShopWorld):
    recipient = paylink_pb2.Recipient(email="giulia@example.com", phone="+393331234567")
    made = await shop_world.cart(recipient=recipient, metadata={"a": "b"}, locale="en")
    link = await shop_world.recover(made.id)
    (row,) = await shop_world.rows("SELECT token_hash FROM link_tokens WHERE link_id = $1", link.id)
    token = link.url.removeprefix(f"{PUBLIC_URL}/p/")
    assert tokens.hash_of(token) == row["token_hash"]
    assert (link.state, link.origin, link.cart_id) == (
        paylink_pb2.PaymentLink.STATE_SENT,
        paylink_pb2.PaymentLink.ORIGIN_CART,
        made.id,
    )
    assert list(link.channels) == [paylink_pb2.CHANNEL_EMAIL, paylink_pb2.CHANNEL_SMS]
    assert (link.amount, link.line_items, link.locale) == (made.amount, made.line_items, "en")
    assert (link.order_reference, link.description) == ("cart-77", "Scarpe da corsa")
    assert dict(link.metadata) == {"a": "b"}
    assert link.expires_at.seconds - link.created_at.seconds == 7 * 86400
    cart = await shop_world.get_cart(made.id)
    assert (cart.state, cart.payment_link_id) == (State.STATE_RECOVERING, link.id)


async def test_recovering_publishes_link_message_and_cart_events_without_the_token(
    shop_world: ShopWorld,
):
    made = await shop_world.cart()
    link = await shop_world.recover(made.id)
    assert [subject for subject, _ in await shop_world.events()] == [
        "payment_link.created",
        "payment_link.message_requested",
        "payment_link.sent",
        "cart.recovery_sent",
    ]
    (message,) = await published(shop_world, "payment_link.message_requested")
    asked = events_pb2.PaymentLinkMessageRequested.FromString(message)
    assert asked.reason == events_pb2.PaymentLinkMessageRequested.REASON_CART
    (sent,) = await published(shop_world, "cart.recovery_sent")
    assert events_pb2.CartRecoverySent.FromString(sent).cart == await shop_world.get_cart(made.id)
    token = link.url.rpartition("/")[2].encode()
    assert all(token not in body for _, body in await shop_world.events())


async def test_a_recovery_uses_the_requested_channels_and_expiry(
    shop_world: ShopWorld,
):
    recipient = paylink_pb2.Recipient(email="giulia@example.com", phone="+393331234567")
    made = await shop_world.cart(recipient=recipient)
    whatsapp = [paylink_pb2.CHANNEL_WHATSAPP]
    link = await shop_world.recover(made.id, channels=whatsapp, expires_in_days=2)
    assert list(link.channels) == whatsapp
    assert link.expires_at.seconds - link.created_at.seconds == 2 * 86400


@pytest.mark.parametrize(
    "channels",
    [[paylink_pb2.CHANNEL_SMS], [paylink_pb2.CHANNEL_UNSPECIFIED]],
)
async def test_a_recovery_by_a_channel_without_an_address_is_refused(
    shop_world: ShopWorld, channels
):
    made = await shop_world.cart()
    refused = shop_world.recover(made.id, channels=channels)
    assert await reason_of(refused) == ("invalid_argument", 400)
    assert (await shop_world.get_cart(made.id)).state == State.STATE_OPEN
    assert not await shop_world.links()
