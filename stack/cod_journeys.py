"""The demo's cash-on-delivery journeys: from the code by SMS to the courier's remittance, to the cent."""

import asyncio
import base64
import json
import re
import time
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Final
from uuid import uuid4

from stack.demo_couriers import EXAMPLES
from stack.journey_report import Journey, JourneyReport, expect
from stack.link_journeys import IBAN, VISA
from stack.payer import Payer
from stack.shop import Answer, JourneyFailedError, Shop

COURIER: Final = "GLS"  # a courier of the demo merchant; the sandbox writes files with its columns
CODE: Final = re.compile(r"\b[0-9]{6}\b")
ADDRESS: Final = {"street": "Via Roma 1", "postcode": "00185", "town": "Roma", "country": "IT"}
PRICE_MINOR: Final = 12_900
SHORT_MINOR: Final = 500  # kept back by the courier without a word


async def cash_on_delivery(shop: Shop) -> JourneyReport:
    """Cash at the door: a code, no parcel unacknowledged, and a courier that passes on too little"""
    courier = await demo_courier(shop)
    phone = f"+39333{uuid4().int % 10**7:07d}"
    async with confirmed_by_code(shop):
        answer = await propose(shop, courier, phone=phone)
    order = answer.expect(201)
    expect(order, state="proposed", to_collect_minor=PRICE_MINOR)
    carrier = Carrier.of(shop, order)
    path = f"/v1/cod-orders/{order['id']}"
    (message,) = await shop.inbox(phone)
    found = CODE.search(message["text"])
    if found is None:
        raise JourneyFailedError(f"no code in the SMS: {message['text']}")
    confirmed = await shop.call("POST", f"{path}/confirm", {"code": found[0]})
    expect(confirmed.expect(200), state="confirmed")

    early = await shop.call("POST", f"{path}/dispatch", {})
    expect(early.expect(409), code="cod_amount_not_acknowledged")
    number = await carrier.take(order)
    manifest = await carrier.list_of("manifest-file", "workbook")
    uploaded = await upload(shop, f"/v1/couriers/{courier['id']}/manifests", manifest)
    expect(uploaded.expect(200), outcomes={"matched": 1}, exceptions=[])
    expect((await shop.call("POST", f"{path}/dispatch", {})).expect(200), state="dispatched")

    await carrier.move(number, "deliver")
    events = await carrier.list_of("event-file", "windows")
    for _ in range(2):  # the same file twice
        uploaded = await upload(shop, f"/v1/couriers/{courier['id']}/event-files", events)
        expect(uploaded.expect(200), outcomes={"applied": 1}, exceptions=0)
    expect(await shop.get(path), state="collected", collected_minor=PRICE_MINOR)

    file = await carrier.remit(short_minor=SHORT_MINOR, unknown=1)
    made = await upload(shop, "/v1/remittances", file, courier_id=courier["id"])
    remittance = made.expect(201)
    expect(remittance, state="previewed", exceptions=2)
    at = f"/v1/remittances/{remittance['id']}"
    (await shop.call("POST", f"{at}/commit", {})).expect(200)
    exceptions = (await shop.get(f"{at}/lines?is_exception=true"))["data"]
    if Counter(line["result"] for line in exceptions) != Counter(("short", "unknown")):
        raise JourneyFailedError(f"the remittance has other exceptions: {exceptions}")
    short = next(line for line in exceptions if line["result"] == "short")
    expect(short, cod_order_id=order["id"], shortage_minor=SHORT_MINOR)
    expect(await shop.get(path), state="short")
    await carrier.transfer(text=remittance["id"])
    return JourneyReport(
        "confirmed by its code, dispatched once the courier's manifest had the amount, 129.00 collected;"
        f" exceptions of the remittance: {order['order_reference']} short by 5.00, an unknown parcel",
        answer.trace_id,
    )


async def paid_at_the_door(shop: Shop) -> JourneyReport:
    """At the door the shopper would rather pay by card"""
    courier = await demo_courier(shop)
    order = (await propose(shop, courier)).expect(201)
    carrier = Carrier.of(shop, order)
    path = f"/v1/cod-orders/{order['id']}"
    number = await carrier.take(order)
    manifest = await carrier.list_of("manifest-file", "windows")
    uploaded = await upload(shop, f"/v1/couriers/{courier['id']}/manifests", manifest)
    expect(uploaded.expect(200), outcomes={"matched": 1})
    expect((await shop.call("POST", f"{path}/dispatch", {})).expect(200), state="dispatched")

    converted = await shop.call("POST", f"{path}/convert", {})
    link = converted.expect(200)["payment_link"]
    expect(link, state="open", amount=order["amount"])
    payer = Payer(shop.http, shop.sandbox_url)
    page = await payer.pay(await payer.open(link["url"]), VISA)
    if page.view not in {"paid", "processing"}:
        raise JourneyFailedError(f"the link is shown as {page.view}")
    paid = await order_in(shop, path, "converted")
    expect(paid, paid_online_minor=PRICE_MINOR, to_collect_minor=0, collected_minor=0)
    payment_id = (await shop.link_in(link["payment_link_id"], "paid"))["payment_id"]
    shop.payment_ids.append(payment_id)

    await carrier.take(paid)  # announced again, with nothing to collect
    await carrier.move(number, "deliver")
    events = await carrier.list_of("event-file", "windows")
    uploaded = await upload(shop, f"/v1/couriers/{courier['id']}/event-files", events)
    expect(uploaded.expect(200), exceptions=0)
    expect(await shop.get(path), state="converted", collected_minor=0)
    return JourneyReport(
        "dispatched, then a link: 129.00 paid by card, nothing left to collect",
        converted.trace_id,
        payment_id,
    )


async def order_in(shop: Shop, path: str, state: str, *, within_seconds: float = 60.0) -> Any:
    """The order once it is in this state."""
    deadline = time.monotonic() + within_seconds
    while (order := await shop.get(path))["state"] != state:
        if time.monotonic() > deadline:
            raise JourneyFailedError(f"{path} is still {order['state']}")
        await asyncio.sleep(0.1)
    return order


async def demo_courier(shop: Shop) -> Any:
    """The merchant's GLS courier; creates one unless it has one with columns for event files."""
    found = (await shop.get("/v1/couriers?state=active&limit=100"))["data"]
    for courier in found:
        if courier["name"] == COURIER and "event_columns" in courier:
            return courier
    terms = next(json.loads(file.read_text()) for file in EXAMPLES if file.stem == "gls")
    return (await shop.call("POST", "/v1/couriers", terms)).expect(201)


@asynccontextmanager
async def confirmed_by_code(shop: Shop) -> AsyncIterator[None]:
    """Orders created in this block must be confirmed; the merchant's other settings stay."""
    before = (await shop.get("/v1/cod-settings"))["confirmation_needed"]
    await need_confirmation(shop, needed=True)
    try:
        yield
    finally:
        await need_confirmation(shop, needed=before)


async def need_confirmation(shop: Shop, *, needed: bool) -> None:
    settings = {"confirmation_needed": needed}
    (await shop.call("PATCH", "/v1/cod-settings", settings)).expect(200)


async def propose(
    shop: Shop,
    courier: Any,
    *,
    phone: str = "+393331234567",
    name: str = "Giulia Bianchi",
    amount_minor: int = PRICE_MINOR,
    address: Mapping[str, str] = ADDRESS,
) -> Answer:
    """Creates an order that its courier's offer covers, or raises with the reason."""
    query = f"amount_minor={amount_minor}&currency=EUR&country=IT&postcode={address['postcode']}"
    offers = (await shop.get(f"/v1/cod-offers?{query}"))["data"]
    offer = next((each for each in offers if each["courier_id"] == courier["id"]), None)
    if offer is None or not offer["available"]:
        raise JourneyFailedError(f"no cash on delivery by {courier['name']}: {offers}")
    body = {
        "order_reference": shop.next_order(),
        "amount": {"amount_minor": amount_minor, "currency": "EUR"},
        "courier_id": courier["id"],
        "recipient": {"name": name, "phone": phone},
        "address": address,
        "locale": "it",
    }
    return await shop.call("POST", "/v1/cod-orders", body)


async def upload(shop: Shop, path: str, file: bytes, **more: str) -> Answer:
    return await shop.call("POST", path, {"file": base64.b64encode(file).decode(), **more})


@dataclass(frozen=True)
class Carrier:
    """The sandbox's courier, under a name with no other parcels."""

    shop: Shop
    name: str

    @staticmethod
    def of(shop: Shop, order: Any) -> "Carrier":
        return Carrier(shop, order["order_reference"].lower())

    async def take(self, order: Any) -> str:
        """Announces an order's parcel with its amount and returns the tracking number."""
        parcel = {
            "reference": order["order_reference"],
            "amount_minor": order["to_collect_minor"],
            "mode": "CONT",
        }
        taken = await self._post(f"courier/{self.name}/manifests", {"parcels": [parcel]})
        number: str = taken["parcels"][0]["tracking_number"]
        return number

    async def move(self, number: str, move: str) -> None:
        await self._post(f"control/couriers/{self.name}/parcels/{number}/{move}", {})

    async def list_of(self, name: str, dialect: str) -> bytes:
        url = f"{self.shop.sandbox_url}/courier/{self.name}/{name}?dialect={dialect}"
        return await self._get(url)

    async def remit(self, **errors: int) -> bytes:
        """Remits everything that it has collected and returns the remittance file, with these
        mistakes.
        """
        cut = {"basis_points": 300, "minimum_minor": 300}
        path = f"control/couriers/{self.name}/remittances"
        made = await self._post(path, {"cut": cut, "errors": errors})
        return await self._get(made["url"])

    async def transfer(self, *, text: str, iban: str = IBAN, paid_minor: int = 0) -> int:
        """Transfers to the merchant's bank account the amount remitted according to its own books,
        less `paid_minor` paid before. Returns the amount.
        """
        book = json.loads(await self._get(f"{self.shop.sandbox_url}/courier/{self.name}/parcels"))
        amount_minor: int = sum(parcel["remitted_minor"] for parcel in book["data"]) - paid_minor
        order = {
            "iban": iban,
            "name": "Bottega Demo",
            "amount_minor": amount_minor,
            "debtor_name": COURIER,
            "text": text,
        }
        await self._post("bank/transfers", order)
        return amount_minor

    async def _post(self, path: str, body: Any) -> Any:
        async with self.shop.http.post(f"{self.shop.sandbox_url}/{path}", json=body) as answer:
            answer.raise_for_status()
            return await answer.json()

    async def _get(self, url: str) -> bytes:
        async with self.shop.http.get(url) as answer:
            answer.raise_for_status()
            return await answer.read()


COD_JOURNEYS: tuple[Journey, ...] = (cash_on_delivery, paid_at_the_door)
