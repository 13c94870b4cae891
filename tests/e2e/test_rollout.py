"""Rolling restarts under load: two replicas of each service, no request is lost."""

import asyncio
import contextlib
import random
from collections import Counter
from dataclasses import dataclass, replace
from urllib.parse import urlsplit
from uuid import uuid4

import aiohttp
import pytest

from stack.embedded import Stack
from stack.memory import data_in_memory
from stack.payer import Payer
from tests.e2e.conftest import RECORDED, open_shop
from tests.waiting import until

pytestmark = pytest.mark.e2e

STILL_RUNNING = "idempotency_key_in_use"
SERVICES = ("merchants", "payments", "oneclick", "paylink", "gateway")
VISA = "4242424242424242"
# Pause between two purchases of a shopper. Without it the crowd takes the CPU from the starting processes.
PAUSE_SECONDS = 0.1
# As in Kubernetes: a stopping process keeps serving until clients no longer send to it.
DRAINING = {
    "*": {"INCASSO_DRAIN_SECONDS": "1", "OTEL_TRACES_SAMPLER_ARG": str(RECORDED)},
    # Its clients run in this process, which a slow machine may delay.
    "gateway": {"INCASSO_DRAIN_SECONDS": "4"},
}


@pytest.fixture(scope="module")
async def doubled(tmp_path_factory):
    with data_in_memory(tmp_path_factory.mktemp("doubled")) as root:
        async with (
            Stack.start(
                root,
                replicas=dict.fromkeys(SERVICES, 2),
                env_overrides=DRAINING,
                durable=False,
            ) as running,
            open_shop(running, "Rollout") as (shop, _),
        ):
            yield running, shop


@dataclass(frozen=True)
class Service:
    """Like a Kubernetes Service: sends each request to a gateway that is ready now."""

    stack: Stack
    http: aiohttp.ClientSession

    async def url(self):
        return random.choice([url for url in await asyncio.gather(*self._gateways()) if url])

    def _gateways(self):
        names = ("gateway-1", "gateway-2")
        return [self._if_ready(*one) for one in zip(names, self.stack.urls, strict=True)]

    async def _if_ready(self, name, url):
        try:
            async with self.http.get(f"{self.stack.admin_url(name)}/healthz/ready") as answer:
                return url if answer.status == 200 else ""
        except aiohttp.ClientError:
            return ""


@dataclass(frozen=True)
class ServedPayer(Payer):
    service: Service | None = None

    async def open(self, url):
        return await super().open(await self.service.url() + urlsplit(url).path)

    async def submit(self, page, form, **values):
        """Redirects the form, because its page may come from a stopping gateway."""
        page = replace(page, url=await self.service.url() + urlsplit(page.url).path)
        return await super().submit(page, form, **values)


async def pause(stop):
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(stop.wait(), PAUSE_SECONDS)


async def shopper(service, shop, customer, stop, seen, orders):
    while not stop.is_set():
        order = f"R-{uuid4()}"
        body = {
            "customer_id": customer,
            "amount": {"amount_minor": 100, "currency": "EUR"},
            "order_reference": order,
        }
        headers = {"Authorization": f"Bearer {shop.secret_key}", "Idempotency-Key": order}
        payment = {"code": STILL_RUNNING}
        while payment.get("code") == STILL_RUNNING:  # every storefront has to retry this
            url = f"{await service.url()}/v1/one-click-payments"
            async with shop.http.post(url, json=body, headers=headers) as answer:
                payment = await answer.json(content_type=None)
        seen[str(payment.get("code") or payment["state"])] += 1
        orders.append(order)
        await pause(stop)


async def link_shopper(service, shop, stop, seen):
    """Creates links, opens them and pays them."""
    payer = ServedPayer(shop.http, shop.sandbox_url, service=service)
    while not stop.is_set():
        at = replace(shop, url=await service.url())
        link = (await at.link(100, order_reference=f"R-{uuid4()}")).expect(201)
        page = await payer.open(link["url"])
        while not page.offers("/pay", having="card_token"):  # payments did not answer in time
            page = await payer.open(link["url"])
        page = await payer.pay(page, VISA)
        seen[page.view if page.status == 200 else page.status] += 1
        await pause(stop)


async def progress(seen, count, crowd):
    """Waits until `count` more of each kind succeeded, or a shopper failed, which `gather` will raise."""
    goals = {what: seen[what] + count for what in ("captured", "paid")}
    await until(
        lambda: (
            all(seen[what] >= goal for what, goal in goals.items())
            or any(task.done() for task in crowd)
        )
    )


def people(stack, shop, customers, stop, seen, orders):
    service = Service(stack, shop.http)
    shoppers = [shopper(service, shop, customer, stop, seen, orders) for customer in customers]
    payers = [link_shopper(service, shop, stop, seen) for _ in customers]
    return [asyncio.create_task(person) for person in (*shoppers, *payers)]


async def test_rolling_restarts_of_all_services_fail_no_payment(doubled):
    """As with a new version of the chart: all services at the same time have one replica down."""
    stack, shop = doubled
    customers = [await shop.customer("tok_visa") for _ in range(2)]
    stop, seen, orders = asyncio.Event(), Counter(), []
    crowd = people(stack, shop, customers, stop, seen, orders)
    await progress(seen, 3, crowd)
    await asyncio.gather(*(stack.rolling_restart(service) for service in SERVICES))
    await progress(seen, 5, crowd)
    stop.set()
    await asyncio.gather(*crowd)
    assert set(seen) <= {"captured", "paid", "processing"}, seen
    rows = [row for row in (await shop.books()).values() if row["captured_minor"]]
    booked = Counter(row["reference"] for row in rows)
    listed = await asyncio.gather(
        *(shop.get(f"/v1/payments?order_reference={order}") for order in orders[:50])
    )
    assert all(len(page["data"]) == 1 for page in listed)
    assert max(booked.values()) == 1
