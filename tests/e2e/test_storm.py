"""A storm on the whole stack: API calls, the PSP's own console, lost answers and kills, all at once.

It ends by itself. Once no outcome is unknown, payments agrees with the sandbox's books.
"""

import asyncio
import contextlib
import random

import aiohttp
import pytest

from tests.e2e.conftest import open_shop, until_back
from tests.waiting import until

PAYMENTS, WORKERS = 24, 8
ACTS = 200  # not counting refused ones
CALM_WITHIN_SECONDS = 300.0
FAULTS = [
    {"operation": "capture", "kind": "drop_after", "probability": 0.2},
    {"operation": "cancel", "kind": "error_after", "probability": 0.2},
    {"operation": "refund", "kind": "drop_after", "probability": 0.2},
    {"operation": "refund", "kind": "error_before", "probability": 0.1},
    {"operation": "webhook", "kind": "duplicate", "probability": 0.2},
    {"operation": "webhook", "kind": "delay", "seconds": 2, "probability": 0.2},
    {"operation": "webhook", "kind": "reorder", "probability": 0.2},
]
TAKEN = {"captured", "partially_refunded", "refunded"}


@pytest.fixture
async def storm(stack):
    async with open_shop(stack, "Tempesta") as (shop, _):
        yield Storm(stack, shop)
        async with shop.http.delete(f"{shop.sandbox_url}/control/faults"):
            pass


class Storm:
    def __init__(self, stack, shop):
        self.stack, self.shop = stack, shop
        self.chance = random.Random(7)
        self.payments, self.different = [], []
        self.acts = 0

    async def prepare(self):
        customers = await asyncio.gather(*(self.shop.customer("tok_visa") for _ in range(4)))
        for number in range(PAYMENTS):
            mode = "now" if number % 3 == 0 else "manual"
            answer = await self.shop.one_click(customers[number % 4], 6000, capture=mode)
            self.payments.append(answer.expect(201))
        for _ in range(3):
            declined = await self.shop.customer("tok_declined")
            self.payments.append((await self.shop.one_click(declined, 6000)).expect(201))

    async def set_faults(self, rules):
        async with self.shop.http.put(
            f"{self.shop.sandbox_url}/control/faults", json={"rules": rules, "seed": 7}
        ) as answer:
            answer.raise_for_status()

    async def control(self, path, **body):
        """Whether the PSP's console did it: many acts are refused, as they should be."""
        async with self.shop.http.post(
            f"{self.shop.sandbox_url}/control/{path}", json=body
        ) as answer:
            self.acts += answer.status < 300
            return answer.status < 300

    async def api(self, payment, call, minor=None):
        body = {} if minor is None else {"amount": {"amount_minor": minor, "currency": "EUR"}}
        try:
            answer = await self.shop.call("POST", f"/v1/payments/{payment['id']}/{call}", body)
        except aiohttp.ClientError:
            return
        self.acts += answer.status == 200

    async def rage(self):
        while self.acts < ACTS:
            payment, minor = self.chance.choice(self.payments), self.chance.randint(1, 2500)
            charge = payment["psp_reference"]
            match self.chance.randint(0, 9):
                case 0:
                    await self.api(payment, "capture", minor + 2500)
                case 1:
                    await self.api(payment, "cancel")
                case 2 | 3:
                    await self.api(payment, "refund", minor)
                case 4:
                    await self.control(f"charges/{charge}/capture", amount_minor=minor + 2500)
                case 5:
                    await self.control(f"charges/{charge}/cancel")
                case 6:
                    await self.control(f"charges/{charge}/refund", amount_minor=minor)
                case 7:
                    await self.fail_a_refund(charge)
                case 8:
                    await self.control(f"charges/{charge}/approve", captured=minor % 2 == 0)
                case _:
                    await self.dispute(charge)

    async def fail_a_refund(self, charge):
        account = (await self.shop.books())[charge]["account"]
        async with self.shop.http.get(
            f"{self.shop.sandbox_url}/books/operations",
            params={"account": account, "charge_id": charge},
        ) as answer:
            done = (await answer.json())["data"]
        refunds = [row for row in done if (row["kind"], row["state"]) == ("refund", "succeeded")]
        if refunds:
            await self.control(f"refunds/{self.chance.choice(refunds)['id']}/fail")

    async def dispute(self, charge):
        async with self.shop.http.post(
            f"{self.shop.sandbox_url}/control/disputes",
            json={"charge_id": charge, "amount_minor": 100},
        ) as answer:
            if answer.status != 201:
                return
            opened = (await answer.json())["id"]
        await self.control(f"disputes/{opened}/close", outcome="lost")
        await self.control(f"disputes/{opened}/close", outcome="won")

    async def kill_payments_twice(self):
        for part in (1, 2):
            await until(lambda part=part: self.acts >= ACTS * part / 3)
            self.stack.kill("payments")

    async def differences(self):
        """Differences between payments and the sandbox's books, once all webhooks are delivered.

        Checks the payments that differed last time first, and all of them once those agree.
        """
        async with self.shop.http.get(f"{self.shop.sandbox_url}/books/totals") as answer:
            if waiting := (await answer.json())["webhooks_waiting"]:
                return [f"{waiting} webhooks are not yet delivered"]
        books = await self.shop.books()
        for suspects in (self.different, self.payments):
            self.different, found = await self._differing(suspects, books)
            if found:
                return found
        return []

    async def _differing(self, payments, books):
        different, found = [], []
        for payment in payments:
            now_is = await self.shop.get(f"/v1/payments/{payment['id']}")
            booked = books[payment["psp_reference"]]
            open_refunds = [r for r in now_is["refunds"] if r["state"] == "processing"]
            if open_refunds or not agree(now_is, booked):
                different.append(payment)
                found.append(f"{summary(now_is)}; the PSP's books: {summary(booked)}")
        return different, found


def summary(facts):
    names = ("id", "state", "captured_minor", "refunded_minor")
    return ", ".join(f"{name} {facts[name]}" for name in names)


def agree(payment, booked):
    captured, refunded = booked["captured_minor"], booked["refunded_minor"]
    if payment["state"] in TAKEN:
        return (payment["captured_minor"], payment["refunded_minor"]) == (captured, refunded)
    if payment["state"] == "authorised":
        return booked["state"] == "authorised"
    # Nothing was captured, or all of it was refunded, like an approval after a decline.
    return booked["state"] != "authorised" and captured == refunded


async def test_payments_agrees_with_the_psps_books_after_a_storm_of_faults(storm):
    await storm.prepare()
    await storm.set_faults(FAULTS)
    await asyncio.gather(*(storm.rage() for _ in range(WORKERS)), storm.kill_payments_twice())
    await storm.set_faults([])

    different = ["not compared yet"]

    async def agreed():
        nonlocal different
        different = await storm.differences()
        return not different

    with contextlib.suppress(pytest.fail.Exception):
        await until_back(agreed, within_seconds=CALM_WITHIN_SECONDS)
    assert different == []
