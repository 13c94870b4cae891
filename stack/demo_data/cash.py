"""Cash on delivery: parcels in every state, and the courier's remittances."""

import random
from collections.abc import Mapping, Sequence
from typing import Any, Final

from stack.cod_journeys import Carrier, demo_courier, propose, upload
from stack.demo_data.front import NAME, Front
from stack.demo_data.people import GOODS, PEOPLE, TOWNS

DIALECT: Final = "windows"
HOLDER_IBAN: Final = "IT60X0542811101000000123456"  # the standard Italian example, not real
MOVES: Final = ("deliver", "deliver", "deliver", "attempt", "refuse")


class Cash:
    """One courier's parcels of the shop. `paid_minor`: transferred so far."""

    def __init__(self, front: Front, courier: Any) -> None:
        self.front = front
        self.courier = courier
        self.carrier = Carrier(front, front.carrier)
        self.paid_minor = 0
        self.on_the_road: list[str] = []
        self.delivered: list[str] = []

    @staticmethod
    async def of(front: Front) -> "Cash":
        return Cash(front, await demo_courier(front))

    async def order(self, chance: random.Random, *, leaves: bool = True) -> str:
        """Creates an order; if it `leaves`, also hands it to the courier."""
        person, (_, price) = chance.choice(PEOPLE), chance.choice(GOODS)
        street, postcode, town = chance.choice(TOWNS)
        made = await propose(
            self.front, self.courier, phone=person.phone, name=person.name, amount_minor=price,
            address={"street": street, "postcode": postcode, "town": town, "country": "IT"},
        )  # fmt: skip  # one call
        order = made.expect(201)
        order_id: str = order["id"]
        if leaves:
            number = await self.carrier.take(order)
            manifest = await self.carrier.list_of("manifest-file", DIALECT)
            await self._send("manifests", manifest)
            await self.front.write(f"/v1/cod-orders/{order_id}/dispatch")
            self.on_the_road.append(number)
            self.delivered.append(order_id)
        return order_id

    async def deliver(self, chance: random.Random) -> None:
        """Moves the parcels that have left the shop; most reach their recipients."""
        for number in self.on_the_road:
            await self.carrier.move(number, chance.choice(MOVES))
        if self.on_the_road:
            await self._send("event-files", await self.carrier.list_of("event-file", DIALECT))
        self.on_the_road.clear()

    async def remit(self, *, commit: bool = True, errors: Mapping[str, int]) -> None:
        """Uploads the courier's remittance file and makes its transfer. Without `commit` nothing is booked."""
        file = await self.carrier.remit(**errors)
        body = {"courier_id": self.courier["id"]}
        made = (await upload(self.front, "/v1/remittances", file, **body)).expect(201)
        if commit:
            await self.front.write(f"/v1/remittances/{made['id']}/commit")
        self.paid_minor += await self.carrier.transfer(
            text=made["id"], iban=self.front.iban, paid_minor=self.paid_minor
        )

    async def refunds(self) -> None:
        """Refunds two remitted orders: one goes into a file for the bank, one stays pending."""
        await self._debtor()
        for place, order_id in enumerate(await self._collected(2)):
            refund = await self.front.write(f"/v1/cod-orders/{order_id}/refunds")
            account = {"holder": PEOPLE[place].name, "iban": HOLDER_IBAN}
            path = f"/v1/cod-refunds/{refund['id']}/account"
            await self.front.write(path, account, "PUT")
            if place == 0:
                await self.front.write("/v1/cod-refund-exports")

    async def _collected(self, count: int) -> Sequence[str]:
        found = (await self.front.get("/v1/cod-orders?state=remitted&limit=100"))["data"]
        return [str(order["id"]) for order in found[:count]]

    async def _debtor(self) -> None:
        address = {
            "street": "Via Roma",
            "building_number": "1",
            "postcode": "10121",
            "town": "Torino",
            "country": "IT",
        }
        account = {"holder": f"{NAME} S.r.l.", "iban": self.front.iban, "address": address}
        settings = {"refund_account": account}
        await self.front.write("/v1/cod-settings", settings, "PATCH")

    async def _send(self, kind: str, file: bytes) -> None:
        sent = await upload(self.front, f"/v1/couriers/{self.courier['id']}/{kind}", file)
        sent.expect(200)
