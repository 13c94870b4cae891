"""Payment links that are opened first and paid later, so that only paying is measured."""

import asyncio
import functools
import secrets
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar
from urllib.parse import urljoin

import aiohttp

from stack.payer import Form, Page, Payer
from stack.shop import Shop

AT_ONCE = 16
VISA = "4242424242424242"


T = TypeVar("T")


async def at_once(work: Sequence[Callable[[], Awaitable[T]]]) -> list[T]:
    """The results of all of `work`, AT_ONCE at a time."""
    places = asyncio.Semaphore(AT_ONCE)

    async def one(each: Callable[[], Awaitable[T]]) -> T:
        async with places:
            return await each()

    return await asyncio.gather(*(one(each) for each in work))


class LinkPages:
    def __init__(self, shop: Shop, http: aiohttp.ClientSession, sandbox_url: str) -> None:
        self._shop = shop
        self._http = http
        self._payer = Payer(http, sandbox_url)

    async def open(self, count: int) -> list[tuple[Page, Form]]:
        """Pages of `count` new links, each with its form filled in with a card token."""
        return await at_once([self._opened] * count)

    async def _opened(self) -> tuple[Page, Form]:
        link = (await self._shop.link(100)).expect(201)
        page = await self._payer.open(link["url"])
        form = page.form("/pay", having="card_token")
        card = await self._payer.card(form.data["data-key"], VISA)
        form.fields |= {
            "card_token": card["token"],
            "brand": card["brand"],
            "last4": card["last4"],
            "payer_email": "giulia@example.com",
        }
        return page, form

    async def pay(self, opened: Sequence[tuple[Page, Form]]) -> int:
        """Submits each form once; returns how many redirected to the next page."""
        return sum(await at_once([functools.partial(self._paid, *one) for one in opened]))

    async def pay_traced(self, opened: tuple[Page, Form]) -> str:
        """Pays one and returns the id of its recorded trace."""
        trace_id = secrets.token_hex(16)
        await self._paid(*opened, traceparent=f"00-{trace_id}-{secrets.token_hex(8)}-01")
        return trace_id

    async def _paid(self, page: Page, form: Form, **headers: str) -> bool:
        async with self._http.post(
            urljoin(page.url, form.action),
            data=form.fields,
            headers={"Sec-Fetch-Site": "same-origin", **headers},
            allow_redirects=False,
        ) as answer:
            await answer.read()
            return answer.status == 303  # noqa: PLR2004 - HTTP
