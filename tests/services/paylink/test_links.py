"""Links as merchants create and see them."""

import pytest

from incasso.common.v1 import money_pb2, offer_pb2
from incasso.paylink.v1 import paylink_pb2 as pb
from libs import ids
from libs.errors import Refusal
from libs.wire import time_of
from tests.kit.payments_double import money
from tests.services.paylink.world import PUBLIC_URL, Link, World, token_of

EMAIL = pb.Recipient(email="giulia@example.com", name="Giulia")


async def refused(call) -> str:
    with pytest.raises(Refusal) as caught:
        await call
    return caught.value.reason


async def test_a_link_is_created_with_defaults_and_sent(world: World):
    link = await world.link(recipient=EMAIL, channels=[pb.CHANNEL_EMAIL])
    assert link.state == Link.STATE_SENT
    assert link.url.startswith(f"{PUBLIC_URL}/p/")
    assert len(token_of(link)) == 22
    assert link.amount_due == money(12900)
    assert list(link.methods) == [pb.METHOD_CARD, pb.METHOD_BANK_TRANSFER]
    assert list(link.reminder_days) == [1, 3, 7]
    assert (time_of(link.expires_at) - time_of(link.created_at)).days == 30
    assert (time_of(link.next_reminder_at) - time_of(link.sent_at)).days == 1
    assert link.locale == "it"
    assert await world.subjects(link) == ["created", "message_requested", "sent"]
    assert await world.reasons(link) == ["ISSUED"]
    assert await world.get(link) == link


@pytest.mark.parametrize(
    ("typed", "kept"),
    [("es-419", "es-419"), ("zh-Hant-TW", "zh-Hant-TW"), ("it_it", "it-IT")],
)
async def test_a_link_normalises_its_language_and_contacts(world: World, typed, kept):
    pasted = pb.Recipient(email=" Giulia@Example.com", phone="0039 333 123 45 67")
    link = await world.link(recipient=pasted, channels=[pb.CHANNEL_EMAIL], locale=typed)
    assert link.locale == kept
    assert (link.recipient.email, link.recipient.phone) == ("Giulia@example.com", "+393331234567")


async def test_a_link_without_channels_is_not_sent_and_has_no_reminder(world: World):
    link = await world.link()
    assert link.state == Link.STATE_CREATED
    assert not link.HasField("next_reminder_at")
    assert await world.subjects(link) == ["created"]


async def test_the_token_is_nowhere_in_the_database_or_in_events(world: World):
    link = await world.sent_link()
    token = token_of(link).encode()
    for table in ("links", "link_tokens", "outbox", "idempotency_keys"):
        rows = await world.rows(f"SELECT {table}::text AS line FROM {table}")
        assert not any(token.decode() in row["line"] for row in rows)
        assert not any(token.hex() in row["line"] for row in rows)


async def test_the_same_key_returns_the_same_link_with_its_address(world: World):
    first = await world.sent_link(key="key-1")
    assert await world.sent_link(key="key-1") == first
    assert await refused(world.sent_link(500, key="key-1")) == "idempotency_key_reused"
    assert await refused(world.call("CreatePaymentLink", world.link_request())) == (
        "idempotency_key_missing"
    )


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"amount_minor": None}, "amount"),
        ({"line_items": [pb.LineItem(name="a", quantity=2, unit_amount_minor=500)]}, "line_items"),
        (
            {
                "amount_minor": None,
                "line_items": [pb.LineItem(name="a", quantity=1, unit_amount_minor=-1)],
            },
            "line_items",
        ),
        ({"currency": "USD"}, "currency"),
        ({"deposit": money_pb2.Money(amount_minor=12900, currency="EUR")}, "deposit.amount_minor"),
        ({"deposit": money_pb2.Money(amount_minor=100, currency="USD")}, "deposit.currency"),
        ({"channels": [pb.CHANNEL_SMS], "recipient": EMAIL}, "recipient.phone"),
        ({"channels": [pb.CHANNEL_EMAIL] * 2, "recipient": EMAIL}, "channels.1"),
        ({"channels": [0], "recipient": EMAIL}, "channels.0"),
        ({"max_uses": 3}, "max_uses"),
        ({"methods": [pb.METHOD_CARD] * 2}, "methods"),
        ({"expires_in_days": 121}, "expires_in_days"),
        ({"reminders": pb.Reminders(after_days=[0])}, "reminders.after_days.0"),
        (
            {"reusable": True, "quote": pb.Quote(title="t", text="x", version="1")},
            "quote",
        ),
    ],
)
async def test_an_invalid_link_is_refused_by_field(world: World, fields, field):
    with pytest.raises(Refusal) as caught:
        await world.link(**fields)
    assert [violation.field for violation in caught.value.violations] == [field]


async def test_the_price_is_the_sum_of_the_line_items(world: World):
    items = [
        pb.LineItem(name="Scarpe", quantity=2, unit_amount_minor=5000),
        pb.LineItem(name="Sconto", quantity=1, unit_amount_minor=-500),
    ]
    link = await world.link(None, line_items=items)
    assert link.amount == money(9500)
    assert list(link.line_items) == items


async def test_duplicate_reminders_and_those_past_expiry_are_dropped(world: World):
    reminders = pb.Reminders(after_days=[7, 2, 2, 5])
    link = await world.sent_link(expires_in_days=5, reminders=reminders)
    assert list(link.reminder_days) == [2]


async def test_bank_transfers_need_a_bank_account(world: World):
    world.merchants.without_account.add(world.merchant_id)
    assert list((await world.link()).methods) == [pb.METHOD_CARD]
    asked = world.link(methods=[pb.METHOD_BANK_TRANSFER])
    assert await refused(asked) == "bank_account_missing"


async def test_dollar_links_can_be_paid_only_by_card(world: World):
    assert list((await world.link(money_currency="USD")).methods) == [pb.METHOD_CARD]


async def test_the_plan_limits_links_per_month(world: World):
    world.merchants.quotas[world.merchant_id] = {"links_per_month": 2}
    first = await world.link(key="key-1")
    await world.link()
    assert await refused(world.link()) == "quota_exceeded"
    assert await world.link(key="key-1") == first
    assert (await world.call("GetLinkUsage", pb.GetLinkUsageRequest())).used == 2
    await world.advance(days=32)
    await world.link()
    assert (await world.call("GetLinkUsage", pb.GetLinkUsageRequest())).used == 1


async def test_an_unknown_customer_is_refused(world: World):
    assert await refused(world.link(customer_id="cus_nobody")) == "customer_not_found"
    assert (await world.link(customer_id="cus_giulia")).customer_id == "cus_giulia"


async def test_links_of_other_merchants_are_not_found(world: World, other: World):
    link = await world.link()
    for name in ("GetPaymentLink", "CancelPaymentLink", "GetPaymentLinkQrCode"):
        request = getattr(pb, f"{name}Request")(payment_link_id=link.id)
        assert await refused(other.call(name, request)) == "payment_link_not_found"
    listed = await other.call("ListPaymentLinks", pb.ListPaymentLinksRequest())
    assert list(listed.data) == []
    tries = pb.ListLinkPaymentsRequest(payment_link_id=link.id)
    assert await refused(other.call("ListLinkPayments", tries)) == "payment_link_not_found"


async def test_links_are_listed_newest_first_and_filtered_by_order_and_state(world: World):
    links = [await world.link(order_reference=f"A-{n}") for n in range(3)]
    first = await world.call("ListPaymentLinks", pb.ListPaymentLinksRequest(limit=2))
    assert list(first.data) == links[:0:-1]
    rest = pb.ListPaymentLinksRequest(limit=2, cursor=first.next_cursor)
    assert list((await world.call("ListPaymentLinks", rest)).data) == links[:1]
    by_order = pb.ListPaymentLinksRequest(order_reference="A-1")
    assert list((await world.call("ListPaymentLinks", by_order)).data) == [links[1]]
    paid = pb.ListPaymentLinksRequest(state=Link.STATE_PAID)
    assert list((await world.call("ListPaymentLinks", paid)).data) == []
    bad = world.call("ListPaymentLinks", pb.ListPaymentLinksRequest(cursor="?"))
    assert await refused(bad) == "cursor_invalid"


async def test_cancelling_closes_the_link_and_is_idempotent(world: World):
    link = await world.sent_link()
    request = pb.CancelPaymentLinkRequest(payment_link_id=link.id)
    cancelled = (await world.call("CancelPaymentLink", request)).payment_link
    assert cancelled.state == Link.STATE_CANCELLED
    assert not cancelled.HasField("next_reminder_at")
    assert (await world.call("CancelPaymentLink", request)).payment_link == cancelled
    assert (await world.subjects(link)).count("cancelled") == 1
    assert await refused(world.pay(link)) == "payment_link_closed"
    send = pb.SendPaymentLinkRequest(payment_link_id=link.id)
    assert await refused(world.call("SendPaymentLink", send, key="k")) == "payment_link_closed"
    address = pb.GetPaymentLinkAddressRequest(payment_link_id=link.id)
    assert await refused(world.call("GetPaymentLinkAddress", address)) == "payment_link_closed"


async def test_an_unsent_link_can_be_sent_to_a_given_recipient(world: World):
    link = await world.link()
    bare = pb.SendPaymentLinkRequest(payment_link_id=link.id)
    assert await refused(world.call("SendPaymentLink", bare, key="k1")) == "invalid_argument"
    request = pb.SendPaymentLinkRequest(
        payment_link_id=link.id,
        channels=[pb.CHANNEL_SMS],
        recipient=pb.Recipient(phone="+393331234567"),
    )
    sent = (await world.call("SendPaymentLink", request, key="k2")).payment_link
    again = (await world.call("SendPaymentLink", request, key="k2")).payment_link
    assert sent == again
    assert sent.state == Link.STATE_SENT
    assert sent.recipient.phone == "+393331234567"
    assert sent.HasField("next_reminder_at")
    assert await world.reasons(link) == ["ISSUED"]


async def test_notify_can_fetch_the_address_of_an_open_link(world: World):
    link = await world.link()
    request = pb.GetPaymentLinkAddressRequest(payment_link_id=link.id)
    answer = await world.call("GetPaymentLinkAddress", request)
    assert answer.url == link.url
    assert not answer.payment_link.HasField("url")


async def test_a_link_is_offered_in_the_merchants_language(world: World):
    request = pb.GetOfferRequest(cart=offer_pb2.Cart(amount=money(100)))
    offer = (await world.call("GetOffer", request)).offer
    assert (offer.method, offer.available, offer.label) == ("link", True, "Paga con link")


async def test_the_balance_of_a_deposit_gets_one_link(world: World):
    link = await world.sent_link(deposit=money(2900))
    assert link.amount_due == money(2900)
    request = pb.CreateBalanceLinkRequest(payment_link_id=link.id)
    assert await refused(world.call("CreateBalanceLink", request, key="k1")) == (
        "payment_link_not_paid"
    )
    await world.pay(link, 2900)
    balance = (await world.call("CreateBalanceLink", request, key="k2")).payment_link
    assert balance.amount == money(10000)
    assert balance.balance_of == link.id
    assert balance.origin == Link.ORIGIN_BALANCE
    assert await world.reasons(balance) == ["BALANCE"]
    assert (await world.call("CreateBalanceLink", request, key="k2")).payment_link == balance
    assert await refused(world.call("CreateBalanceLink", request, key="k3")) == (
        "nothing_left_to_pay"
    )


async def test_creating_a_link_uses_the_merchants_current_settings(world: World):
    world.merchants.without_account.add(world.merchant_id)
    before = await world.link()
    await world.page(before)  # pages cache the merchant for a while
    assert list(before.methods) == [pb.METHOD_CARD]
    world.merchants.without_account.clear()
    world.merchants.quotas[world.merchant_id] = {"links_per_month": 1}
    assert list((await world.link()).methods) == [pb.METHOD_CARD, pb.METHOD_BANK_TRANSFER]
    assert await refused(world.link()) == "quota_exceeded"


async def test_creating_a_link_is_refused_while_merchants_is_unavailable(world: World):
    await world.link()
    world.merchants.down = True
    key = ids.new("key")
    assert await refused(world.link(key=key)) == "service_unavailable"
    world.merchants.down = False
    assert (await world.link(key=key)).state == Link.STATE_CREATED
