"""Payment links on the real stack, by a shopper without scripts: sent, paid once, reported to the merchant."""

import asyncio
import re
from collections import Counter
from datetime import UTC, datetime
from uuid import uuid4

from tests.e2e.conftest import address, mailed, open_shop

VISA, CHALLENGED, DECLINED = "4242424242424242", "4000002500003155", "4000000000000002"


def event_of(link, kind):
    def wanted(event):
        return (
            event["type"] == kind and event["data"].get("payment_link", {}).get("id") == link["id"]
        )

    return wanted


async def test_a_paid_link_sends_a_receipt_and_a_webhook(shop, payer, webhooks, booked):
    to = address()
    link = (await shop.link(12_900, locale="it", **mailed(to))).expect(201)
    assert link["state"] == "sent"
    (mail,) = await shop.inbox(to)
    assert link["url"] in mail["text"]
    assert "129,00" in mail["text"]
    assert link["url"] in mail["links"]
    page = await payer.open(link["url"])
    page = await payer.pay(page, VISA)
    assert page.view == "paid"
    event = await webhooks.wait_for(event_of(link, "payment_link.paid"))
    assert "url" not in event["data"]["payment_link"]
    paid = await shop.link_in(link["id"], "paid")
    assert paid["paid_minor"] == 12_900
    assert event["data"]["payment_link"] == {k: v for k, v in paid.items() if k != "url"}
    payment = await shop.get(f"/v1/payments/{paid['payment_id']}")
    assert (payment["state"], payment["method"]) == ("captured", "link")
    (row,) = await booked(payment)
    assert row["captured_minor"] == 12_900
    receipt, _ = await shop.inbox(to, count=2)
    assert "129,00" in receipt["text"]
    listed = await shop.get(f"/v1/messages?payment_link_id={link['id']}")
    assert Counter(message["kind"] for message in listed["data"]) == {"link": 1, "receipt": 1}
    same = await shop.get(f"/v1/events/{event['id']}")
    assert same == event


async def test_twenty_concurrent_payers_of_one_link_make_one_capture(shop, payer, booked):
    link = (await shop.link(7_700)).expect(201)
    pages = await asyncio.gather(*(payer.open(link["url"]) for _ in range(20)))
    assert {page.view for page in pages} == {"open"}
    answers = await asyncio.gather(*(payer.pay(page, VISA) for page in pages))
    assert {page.status for page in answers} == {200}
    assert {page.view for page in answers} <= {"paid", "processing"}
    await shop.link_in(link["id"], "paid")
    rows = [row for row in (await shop.books()).values() if row["reference"]]
    listed = (await shop.get(f"/v1/payments?order_reference={link['order_reference']}"))["data"]
    captured = [payment for payment in listed if payment["state"] == "captured"]
    assert len(captured) == 1
    assert (
        sum(
            row["captured_minor"]
            for row in rows
            if row["reference"] in {*(payment["id"] for payment in listed), link["order_reference"]}
        )
        == 7_700
    )
    last = await payer.open(link["url"])
    assert last.view == "paid"


async def test_link_scanners_leave_a_link_unchanged(shop):
    to = address()
    link = (await shop.link(1_000, **mailed(to))).expect(201)
    (mail,) = await shop.inbox(to)

    async def scan(number):
        headers = {"Sec-Purpose": "prefetch", "Purpose": "prefetch"} if number % 3 == 0 else {}
        method = "HEAD" if number % 3 == 1 else "GET"
        async with shop.http.request(method, link["url"], headers=headers) as answer:
            assert answer.status == 200
            return answer.status

    await asyncio.gather(*(scan(number) for number in range(100)))
    for found in mail["links"]:
        async with shop.http.get(found) as answer:
            assert answer.status == 200
    assert await shop.get(f"/v1/payment-links/{link['id']}") == link


async def test_repeated_submits_and_a_second_tab_make_one_payment(shop, payer):
    link = (await shop.link(3_300)).expect(201)
    first, second = await payer.open(link["url"]), await payer.open(link["url"])
    form = first.form("/pay", having="card_token")
    card = await payer.card(form.data["data-key"], VISA)
    values = {"card_token": card["token"], "brand": card["brand"], "last4": card["last4"]}
    twice = await asyncio.gather(*(payer.submit(first, form, **values) for _ in range(5)))
    assert {page.view for page in twice} <= {"paid", "processing"}
    other_tab = await payer.pay(second, VISA)
    assert other_tab.view in ("paid", "processing")
    await shop.link_in(link["id"], "paid")
    listed = await shop.get(f"/v1/payments?order_reference={link['order_reference']}")
    assert [payment["state"] for payment in listed["data"]] == ["captured"]


async def test_a_quote_is_accepted_before_payment_and_its_acceptance_is_recorded(shop, payer):
    quote = {"title": "Preventivo 118", "text": "Fornitura.\n\nPosa.", "version": "2026-11"}
    link = (await shop.link(50_000, quote=quote, locale="it")).expect(201)
    page = await payer.open(link["url"])
    assert page.view == "quote"
    assert not [form for form in page.forms if form.action.endswith("/pay")]
    page = await payer.accept_quote(page)
    assert page.view == "open"
    accepted = (await shop.get(f"/v1/payment-links/{link['id']}"))["quote"]
    assert accepted["acceptance"]["text_sha256"] == accepted["text_sha256"]
    assert accepted["acceptance"]["version"] == "2026-11"
    assert accepted["acceptance"]["ip"] == "127.0.0.1"
    assert (await payer.pay(page, VISA)).view == "paid"


async def test_an_approved_challenge_returns_the_shopper_and_pays_the_link(shop, payer):
    link = (await shop.link(25_000)).expect(201)
    page = await payer.pay(await payer.open(link["url"]), CHALLENGED)
    assert page.view == "confirm"
    challenge = next(url for url in page.links if url.startswith(shop.sandbox_url))
    async with shop.http.post(challenge, data={"decision": "approve"}) as answer:
        assert link["url"].rpartition("/")[2] in str(answer.url)
        assert answer.status == 200
    await shop.link_in(link["id"], "paid")


async def test_after_a_decline_the_link_can_be_paid_with_another_card(shop, payer):
    link = (await shop.link(1_500)).expect(201)
    page = await payer.pay(await payer.open(link["url"]), DECLINED)
    assert page.view == "open"
    assert (await payer.pay(page, VISA)).view == "paid"
    states = [
        one["state"] for one in (await shop.get(f"/v1/payment-links/{link['id']}/payments"))["data"]
    ]
    assert states == ["succeeded", "declined"]


async def test_a_saved_card_pays_without_javascript(shop, payer, booked):
    customer = await shop.customer("tok_visa")
    link = (await shop.link(3_900, customer_id=customer)).expect(201)
    page = await payer.open(link["url"])
    assert "•••• 4242" in page.html
    page = await payer.submit(page, page.form("/pay", having="instrument_id"))
    assert page.view == "paid"
    paid = await shop.link_in(link["id"], "paid")
    payment = await shop.get(f"/v1/payments/{paid['payment_id']}")
    assert payment["customer_id"] == customer
    (row,) = await booked(payment)
    assert row["captured_minor"] == 3_900


async def test_a_link_for_another_merchants_customer_is_refused(shop, stack):
    async with open_shop(stack, "Elsewhere") as (other, _):
        stranger = await other.customer("tok_visa")
    answer = await shop.link(3_900, customer_id=stranger)
    assert answer.expect(404)["code"] == "customer_not_found"


async def test_a_recorded_bank_transfer_pays_its_link(shop, payer):
    account = {"holder": "Bottega S.r.l.", "iban": "IT60X0542811101000000123456"}
    (await shop.call("PUT", "/v1/merchant/bank-account", account)).expect(200)
    link = (await shop.link(9_900)).expect(201)
    page = await payer.open(link["url"])
    assert account["iban"].replace(" ", "") in page.html.replace(" ", "")
    page = await payer.submit(page, page.form("/announce-transfer"))
    assert page.view == "transfer"
    order = {
        "iban": account["iban"],
        "name": account["holder"],
        "amount_minor": 9_900,
        "currency": "EUR",
        "reference": link["creditor_reference"],
    }
    async with shop.http.post(f"{shop.sandbox_url}/bank/transfers", json=order) as answer:
        assert answer.status == 201, await answer.text()
        booked = await answer.json()
    seen = {
        "bank_reference": booked["bank_reference"],
        "amount": {"amount_minor": booked["amount_minor"], "currency": "EUR"},
        "creditor_reference": booked["reference"],
        "booked_on": datetime.fromtimestamp(booked["booked"], UTC).date().isoformat(),
    }
    recorded = (await shop.call("POST", "/v1/bank-transfers", seen)).expect(201)
    assert recorded["state"] == "matched"
    again = (await shop.call("POST", "/v1/bank-transfers", seen)).expect(201)
    assert again["id"] == recorded["id"]
    assert (await payer.open(link["url"])).view == "paid"


async def test_every_wrong_token_gets_the_same_page(shop, payer, opened):
    link = (await shop.link(2_000)).expect(201)
    base, _, token = link["url"].rpartition("/")
    altered = token[:-1] + ("a" if token[-1] != "a" else "b")
    wrong = [altered, token[:-1], f"{token}x", token.swapcase(), link["id"], "x", "%00", "a" * 300]
    pages = [await payer.open(f"{base}/{one}") for one in wrong]
    assert {page.status for page in pages} == {404}
    plain = {re.sub(r'nonce="[^"]+"', "", page.html) for page in pages}
    assert len(plain) == 1


async def test_a_product_is_bought_in_the_one_page_shop(shop, payer):
    slug = f"bottega-{uuid4().hex[:8]}"
    opened = (await shop.call("PATCH", "/v1/shop", {"slug": slug})).expect(200)
    price = {"amount_minor": 4_500, "currency": "EUR"}
    product = await shop.call("POST", "/v1/products", {"name": "Olio 5 l", "price": price})
    product = product.expect(201)
    page = await payer.open(opened["url"])
    assert "Olio 5 l" in page.html
    to = address()
    chosen = {"product_id": product["id"], f"quantity-{product['id']}": "2"}
    page = await payer.submit(page, page.form("/buy"), email=to, **chosen)
    assert page.view == "open"
    assert "€90.00" in page.html
    assert (await payer.pay(page, VISA)).view == "paid"
    (receipt,) = await shop.inbox(to)
    assert "90" in receipt["text"]
    assert (await payer.open(f"{opened['url']}-none")).status == 404
