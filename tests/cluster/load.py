"""Runs in a pod of the installation: a storefront that takes payments at a steady rate until it is told to stop.
With `links`, it reads payment links instead.

Each is asked for again under its key until it is answered, as a shop's server does. At the end the PSP's
own books say what was charged. Prints one line of JSON.
"""

import asyncio
import json
import os
import sys
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import uuid4

import aiohttp

from cli.smoke import merchant_of_its_own
from stack.shop import Answer, JourneyFailedError, Shop

STOP = Path("/tmp/stop")
READY = Path("/tmp/ready")
AMOUNT_MINOR = 1000
CREATED, FOUND = 201, 200
TRIES = 60
# Doubled with each try: many that come again at a fixed pace leave no processor for their own answers.
PAUSE_SECONDS = 0.5
LONGEST_PAUSE_SECONDS = 5.0
# Still at work, too many at once, and what a proxy or a service that is away answers.
COME_AGAIN = {409, 429, 500, 502, 503, 504}


@dataclass
class Counted:
    done: int = 0
    tried_again: int = 0
    settled_later: int = 0
    failed: list[str] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)
    orders: set[str] = field(default_factory=set)


async def pay(shop: Shop, customer: str, counted: Counted) -> None:
    order, key, began = shop.next_order(), str(uuid4()), time.monotonic()
    counted.orders.add(order)
    answer = await answered(
        lambda: shop.one_click(customer, AMOUNT_MINOR, key=key, order_reference=order), counted
    )
    if answer is not None:
        state = await outcome(shop, answer, counted)
        count(counted, answer, began, wrong="" if state == "captured" else state)


async def read_link(shop: Shop, link: str, counted: Counted) -> None:
    began = time.monotonic()
    counted.orders.add(shop.next_order())
    answer = await answered(lambda: shop.call("GET", f"/v1/payment-links/{link}"), counted)
    if answer is not None:
        count(counted, answer, began, wrong="" if answer.status == FOUND else "refused")


async def answered(ask: Callable[[], Awaitable[Answer]], counted: Counted) -> Answer | None:
    """The first answer that is one; None: given up."""
    last = ""
    for number in range(TRIES):
        counted.tried_again += number > 0
        try:
            answer = await ask()
        except (aiohttp.ClientError, TimeoutError, ValueError) as error:
            last = repr(error)
        else:
            if answer.status not in COME_AGAIN:
                return answer
            last = f"{answer.status} {answer.body}"
        await asyncio.sleep(min(PAUSE_SECONDS * 2**number, LONGEST_PAUSE_SECONDS))
    counted.failed.append(last)
    return None


def count(counted: Counted, answer: Answer, began: float, *, wrong: str) -> None:
    if wrong:
        counted.failed.append(f"{answer.status} {wrong} {answer.body}")
    else:
        counted.done += 1
        counted.seconds.append(time.monotonic() - began)


async def outcome(shop: Shop, answer: Answer, counted: Counted) -> str:
    """The state that the payment comes to: a process that died may leave it to the next to find out."""
    if answer.status != CREATED:
        return "refused"
    state: str = answer.body["state"]
    if state == "captured":
        return state
    counted.settled_later += 1
    try:
        settled = await shop.settled(answer.body["id"], within_seconds=180)
    except (aiohttp.ClientError, TimeoutError, ValueError, JourneyFailedError) as error:
        return f"{state}, then {error!r}"
    return str(settled["state"])


async def run(secret_key: str, rate: float, one: Callable[..., Awaitable[None]]) -> dict[str, Any]:
    timeout = aiohttp.ClientTimeout(total=15)
    async with aiohttp.ClientSession(timeout=timeout) as http:
        url, sandbox = os.environ["INCASSO_URL"], os.environ["INCASSO_SANDBOX_URL"]
        shop, counted = Shop(http, url, secret_key, sandbox, ""), Counted()
        await shop.lift_limits()
        if one is pay:
            things = [await shop.customer("tok_visa") for _ in range(5)]
        else:
            things = [(await shop.link(AMOUNT_MINOR)).expect(CREATED)["id"] for _ in range(5)]
        say_ready()
        began, running = time.monotonic(), set[asyncio.Future[None]]()
        while not told_to_stop():
            due = (time.monotonic() - began) * rate
            while len(counted.orders) < due and len(running) < 500:
                thing = things[len(running) % len(things)]
                task = asyncio.ensure_future(one(shop, thing, counted))
                running.add(task)
                task.add_done_callback(running.discard)
                await asyncio.sleep(0)
            await asyncio.sleep(0.02)
        seconds = time.monotonic() - began
        await asyncio.gather(*running)
        return {"seconds": round(seconds, 1), **summary(counted, await charged(shop, counted))}


def say_ready() -> None:
    READY.touch()


def told_to_stop() -> bool:
    return STOP.exists()


async def charged(shop: Shop, counted: Counted) -> dict[str, list[int]]:
    """By order: what was captured in each charge that took money."""
    found: dict[str, list[int]] = {}
    for row in (await shop.books()).values():
        if row["reference"] in counted.orders and row["captured_minor"]:
            found.setdefault(row["reference"], []).append(row["captured_minor"])
    return found


def summary(counted: Counted, books: dict[str, list[int]]) -> dict[str, Any]:
    ordered = sorted(counted.seconds) or [0.0]
    return {
        "done": counted.done,
        "tried_again": counted.tried_again,
        "settled_later": counted.settled_later,
        "failed": len(counted.failed),
        "failures": counted.failed[:3],
        "charged_twice": sum(len(rows) > 1 for rows in books.values()),
        "charged": len(books),
        "wrong_amounts": sum(rows != [AMOUNT_MINOR] for rows in books.values()),
        "median_ms": round(1000 * ordered[len(ordered) // 2]),
        "p99_ms": round(1000 * ordered[int(len(ordered) * 0.99)]),
    }


if __name__ == "__main__":
    _, its_key = merchant_of_its_own("sandbox-a")
    kind = {"payments": pay, "links": read_link}[sys.argv[2]]
    print(json.dumps(asyncio.run(run(its_key, float(sys.argv[1]), kind))))
