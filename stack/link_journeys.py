"""The demo's payment link journeys: mailed, accepted, paid with a challenge, reported to the
merchant.
"""

import asyncio
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from stack.journey_report import JourneyReport, expect
from stack.payer import Page, Payer
from stack.receiver import Event, receiver
from stack.shop import JourneyFailedError, Shop

VISA = "4242424242424242"
CHALLENGED = "4000002500003155"
IBAN = "IT60X0542811101000000123456"
PAYERS = 20
QUOTE = {
    "title": "Preventivo 2026-118",
    "text": "Fornitura di un paio di scarpe da corsa.\n\nConsegna in tre giorni lavorativi.",
    "version": "2026-11",
}


async def link_by_mail(shop: Shop) -> JourneyReport:
    """A link by e-mail: quote, 3-D Secure, signed webhook"""
    to = f"giulia-{uuid4().hex[:8]}@example.com"
    payer = Payer(shop.http, shop.sandbox_url)
    async with receiver() as webhooks:
        made = await shop.call("POST", "/v1/webhook-endpoints", {"url": webhooks.url})
        endpoint = made.expect(201)
        webhooks.secrets.append(endpoint["secret"])
        answer = await shop.link(
            12_900,
            description="Scarpe da corsa",
            recipient={"name": "Giulia Bianchi", "email": to},
            channels=["email"],
            locale="it",
            quote=QUOTE,
        )
        link = answer.expect(201)
        (mail,) = await shop.inbox(to)
        if link["url"] not in mail["links"]:
            raise JourneyFailedError("the e-mail does not contain the link")
        page = await payer.accept_quote(await payer.open(link["url"]))
        page = await payer.pay(page, CHALLENGED)
        await shop.approve(challenge_of(page, shop))
        await webhooks.wait_for(lambda event: is_paid(event, link))
        (await shop.call("DELETE", f"/v1/webhook-endpoints/{endpoint['id']}")).expect(200)
    paid = await shop.link_in(link["id"], "paid")
    expect(paid, paid_minor=12_900)
    await shop.inbox(to, count=2)
    shop.payment_ids.append(paid["payment_id"])
    return JourneyReport(
        "mailed, quote accepted, 129.00 captured, webhook verified, receipt mailed",
        answer.trace_id,
        paid["payment_id"],
    )


def challenge_of(page: Page, shop: Shop) -> str:
    """URL of the bank's challenge page to which the pay page sends the shopper."""
    found = next((url for url in page.links if url.startswith(shop.sandbox_url)), None)
    if found is None:
        raise JourneyFailedError(f"no challenge on the page: {page.view}")
    return found


def is_paid(event: Event, link: dict[str, Any]) -> bool:
    about = event["data"].get("payment_link", {})
    return event["type"] == "payment_link.paid" and bool(about.get("id") == link["id"])


async def link_by_sms(shop: Shop) -> JourneyReport:
    """A link by SMS, one part"""
    phone = f"+39333{uuid4().int % 10**7:07d}"
    answer = await shop.link(4_900, recipient={"phone": phone}, channels=["sms"], locale="it")
    link = answer.expect(201)
    (message,) = await shop.inbox(phone)
    if link["url"] not in message["text"] or message["segments"] != 1:
        raise JourneyFailedError(f"the SMS does not carry the link in one part: {message['text']}")
    page = await Payer(shop.http, shop.sandbox_url).open(link["url"])
    await Payer(shop.http, shop.sandbox_url).pay(page, VISA)
    paid = await shop.link_in(link["id"], "paid")
    shop.payment_ids.append(paid["payment_id"])
    characters = message["characters"]
    return JourneyReport(
        f"{characters} characters, 49.00 captured", answer.trace_id, paid["payment_id"]
    )


async def twenty_payers(shop: Shop) -> JourneyReport:
    """Twenty people pay one link at once"""
    payer = Payer(shop.http, shop.sandbox_url)
    answer = await shop.link(7_700)
    link = answer.expect(201)
    pages = await asyncio.gather(*(payer.open(link["url"]) for _ in range(PAYERS)))
    shown = await asyncio.gather(*(payer.pay(page, VISA) for page in pages))
    if strange := {page.view for page in shown} - {"paid", "processing"}:
        raise JourneyFailedError(f"payers saw {strange}")
    paid = await shop.link_in(link["id"], "paid")
    listed = await shop.get(f"/v1/payments?order_reference={link['order_reference']}")
    if len(listed["data"]) != 1:
        raise JourneyFailedError(f"{len(listed['data'])} payments for one link")
    shop.payment_ids.append(paid["payment_id"])
    return JourneyReport("one capture, nineteen clear answers", answer.trace_id, paid["payment_id"])


async def link_by_transfer(shop: Shop) -> JourneyReport:
    """A link paid by bank transfer"""
    account = {"holder": "Bottega S.r.l.", "iban": IBAN, "bic": "BPPIITRRXXX"}
    (await shop.call("PUT", "/v1/merchant/bank-account", account)).expect(200)
    answer = await shop.link(9_900, methods=["bank_transfer"])
    link = answer.expect(201)
    payer = Payer(shop.http, shop.sandbox_url)
    page = await payer.open(link["url"])
    page = await payer.submit(page, page.form("/announce-transfer"))
    if page.view != "transfer":
        raise JourneyFailedError(f"an announced transfer is shown as {page.view}")
    order = {
        "iban": IBAN,
        "name": account["holder"],
        "amount_minor": 9_900,
        "reference": link["creditor_reference"],
    }
    async with shop.http.post(f"{shop.sandbox_url}/bank/transfers", json=order) as response:
        response.raise_for_status()
        booked = await response.json()
    transfer = {
        "bank_reference": booked["bank_reference"],
        "amount": {"amount_minor": booked["amount_minor"], "currency": booked["currency"]},
        "creditor_reference": booked["reference"],
        "booked_on": datetime.fromtimestamp(booked["booked"], UTC).date().isoformat(),
    }
    recorded = (await shop.call("POST", "/v1/bank-transfers", transfer)).expect(201)
    expect(recorded, state="matched", payment_link_id=link["id"])
    await shop.link_in(link["id"], "paid")
    return JourneyReport(f"99.00 matched by {link['creditor_reference']}", answer.trace_id)


LINK_JOURNEYS = (link_by_mail, link_by_sms, twenty_payers, link_by_transfer)
