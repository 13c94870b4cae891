"""Messages about links on the real stack: reminders, reissued links, SMS, recovered carts."""

import asyncio
from collections import Counter
from uuid import uuid4

from tests.e2e.conftest import address, mailed

VISA = "4242424242424242"


async def test_reminders_follow_the_merchants_clock_and_stop_after_payment(shop, payer):
    to, unpaid = address(), address()
    link = (await shop.link(2_000, **mailed(to))).expect(201)
    (await shop.link(2_000, **mailed(unpaid))).expect(201)  # its reminder is due a little later
    await shop.inbox(to)
    (await shop.call("POST", "/v1/test-clock/advance", {"seconds": 86_400 + 60})).expect(200)
    await shop.inbox(to, count=2)
    await payer.pay(await payer.open(link["url"]), VISA)
    await shop.inbox(to, count=3)
    (await shop.call("POST", "/v1/test-clock/advance", {"seconds": 3 * 86_400})).expect(200)
    await shop.inbox(unpaid, count=3)
    listed = await shop.get(f"/v1/messages?payment_link_id={link['id']}")
    kinds = Counter(message["kind"] for message in listed["data"])
    assert kinds == {"link": 1, "link_reminder": 1, "receipt": 1}


async def test_an_expired_link_can_be_reissued_under_a_new_url(shop, payer):
    to = address()
    link = (await shop.link(2_000, expires_in_days=1, **mailed(to))).expect(201)
    await shop.inbox(to)
    (await shop.call("POST", "/v1/test-clock/advance", {"seconds": 2 * 86_400})).expect(200)
    await shop.link_in(link["id"], "expired")
    page = await payer.open(link["url"])
    assert (page.status, page.view) == (200, "expired")
    await payer.submit(page, page.form("/new-link"))
    mail, _ = await shop.inbox(to, count=2)
    reissued = await shop.get(f"/v1/payment-links/{link['id']}")
    assert reissued["url"] in mail["text"]
    assert reissued["url"] != link["url"]
    assert (await payer.open(link["url"])).status == 404
    assert (await payer.pay(await payer.open(reissued["url"]), VISA)).view == "paid"


async def test_an_sms_with_a_link_fits_in_one_segment(shop):
    phone = f"+39333{uuid4().int % 10**7:07d}"
    link = await shop.link(
        12_900,
        description="Un ordine con una descrizione molto lunga, perché così è la vita",
        recipient={"phone": phone},
        channels=["sms"],
        locale="it",
    )
    link = link.expect(201)
    (message,) = await shop.inbox(phone)
    assert link["url"] in message["text"]
    assert (message["encoding"], message["segments"]) == ("GSM-7", 1)
    for _ in range(400):
        (sent,) = (await shop.get(f"/v1/messages?payment_link_id={link['id']}"))["data"]
        if sent["state"] == "delivered":
            break
        await asyncio.sleep(0.1)
    assert sent["state"] == "delivered"


async def test_an_abandoned_cart_is_recovered_by_a_link(shop, payer):
    to = address()
    cart = await shop.call(
        "POST",
        "/v1/carts",
        {
            "reference": f"cart-{uuid4()}",
            "recipient": {"email": to},
            "line_items": [{"name": "Scarpe", "quantity": 2, "unit_amount_minor": 4_500}],
        },
    )
    cart = cart.expect(201)
    link = (await shop.call("POST", f"/v1/carts/{cart['id']}/recover", {})).expect(201)
    (mail,) = await shop.inbox(to)
    assert link["url"] in mail["text"]
    page = await payer.open(link["url"])
    assert "Scarpe" in page.html
    assert (await payer.pay(page, VISA)).view == "paid"
    for _ in range(400):
        found = await shop.get(f"/v1/carts/{cart['id']}")
        if found["state"] == "recovered":
            break
        await asyncio.sleep(0.1)
    assert found["state"] == "recovered"
