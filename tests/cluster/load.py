"""Runs in a pod of the installation: a storefront that sells at a steady rate until it is stopped.
With `links`, it reads payment links instead. Prints one line of JSON.
"""

import asyncio
import json
import os
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import asdict
from pathlib import Path

import aiohttp

from cli.smoke import merchant_of_its_own
from stack.shop import Shop
from stack.steady import AMOUNT_MINOR, Answers, SteadyStorefront, Verdict, at_rate

STOP = Path("/tmp/stop")
READY = Path("/tmp/ready")
AT_ONCE = 500
CREATED = 201


@asynccontextmanager
async def shop_of(secret_key: str) -> AsyncIterator[Shop]:
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=15)) as http:
        url, sandbox = os.environ["INCASSO_URL"], os.environ["INCASSO_SANDBOX_URL"]
        shop = Shop(http, url, secret_key, sandbox, "")
        await shop.lift_limits()
        yield shop


def mark_ready() -> None:
    READY.touch()


def stop_requested() -> bool:
    return STOP.exists()


async def until_stopped() -> None:
    mark_ready()
    while not stop_requested():  # noqa: ASYNC110 - a file cannot set an event
        await asyncio.sleep(0.1)


async def pay(shop: Shop, rate: float) -> tuple[Answers, Verdict]:
    customers = [await shop.customer("tok_visa") for _ in range(5)]
    store = SteadyStorefront(shop, customers, lambda: shop.url)
    async with store.selling(rate, at_once=AT_ONCE) as taken:
        await until_stopped()
    return taken, await store.verdict()


async def read(shop: Shop, rate: float) -> tuple[Answers, Verdict]:
    links = [(await shop.link(AMOUNT_MINOR)).expect(CREATED)["id"] for _ in range(5)]
    answers = Answers()
    paths = [f"/v1/payment-links/{link}" for link in links]
    async with at_rate(rate, lambda n: answers.read(shop, paths[n % 5]), at_once=AT_ONCE):
        await until_stopped()
    return answers, Verdict([], [], [])


async def main(rate: float, kind: str) -> None:
    _, secret_key = await asyncio.to_thread(merchant_of_its_own, "sandbox-a")
    began = time.monotonic()
    async with shop_of(secret_key) as shop:
        answers, verdict = await {"payments": pay, "links": read}[kind](shop, rate)
    result = {
        "seconds": round(time.monotonic() - began, 1),
        "answered": len(answers.seconds),
        "retries": dict(answers.retries),
        "failed": len(answers.failed),
        "failures": answers.failed[:3],
        **{what: len(orders) for what, orders in asdict(verdict).items()},
        "median_ms": round(answers.percentile_ms(0.5)),
        "p99_ms": round(answers.percentile_ms(0.99)),
    }
    print(json.dumps(result))


if __name__ == "__main__":
    asyncio.run(main(float(sys.argv[1]), sys.argv[2]))
