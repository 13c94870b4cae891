"""A shopper who opens a payment link without running scripts: reads the page and submits its
forms.
"""

from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any
from urllib.parse import urljoin

import aiohttp

from stack.shop import JourneyFailedError

Attributes = dict[str, str]


@dataclass
class Form:
    """`fields` are the values that a browser would send on pressing the first button; `data` is what
    scripts would read.
    """

    action: str
    data: Attributes
    fields: dict[str, str] = field(default_factory=dict)


@dataclass
class Page:
    url: str
    status: int
    html: str
    forms: list[Form]
    data: Attributes  # data attributes of the body
    links: list[str]

    def form(self, ending: str, *, having: str = "") -> Form:
        """The form that posts to a URL with this ending and has the field `having`, if given."""
        if (found := self._form(ending, having)) is None:
            raise JourneyFailedError(f"no form for {ending} on the page: {self.data}")
        return found

    def offers(self, ending: str, *, having: str = "") -> bool:
        return self._form(ending, having) is not None

    def _form(self, ending: str, having: str) -> Form | None:
        fitting = (
            found
            for found in self.forms
            if found.action.endswith(ending) and (not having or having in found.fields)
        )
        return next(fitting, None)

    @property
    def view(self) -> str:
        """The page's view: quote, methods, processing, paid, …"""
        return self.data.get("data-view", "")


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.forms: list[Form] = []
        self.body: Attributes = {}
        self.links: list[str] = []
        self._open: Form | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = {name: value or "" for name, value in attrs}
        if tag == "body":
            self.body = found
        elif tag == "a" and "href" in found:
            self.links.append(found["href"])
        elif tag == "form":
            self._open = Form(found.get("action", ""), found)
            self.forms.append(self._open)
        elif tag == "input" and self._open is not None and "name" in found:
            chosen = found.get("type") != "radio" or "checked" in found
            if chosen or found["name"] not in self._open.fields:
                self._open.fields[found["name"]] = found.get("value", "")
        elif tag == "button" and self._open is not None and "name" in found:
            self._open.fields.setdefault(found["name"], found.get("value", ""))

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._open = None


@dataclass(frozen=True)
class Payer:
    """`http` keeps no cookies, so every shopper is a new one."""

    http: aiohttp.ClientSession
    sandbox_url: str
    language: str = "en"

    async def open(self, url: str) -> Page:
        headers = {"Accept-Language": self.language}
        async with self.http.get(url, headers=headers) as answer:
            return await _page(answer)

    async def submit(self, page: Page, form: Form, **values: str) -> Page:
        """Submits a form and follows redirects to the next page."""
        headers = {"Accept-Language": self.language, "Sec-Fetch-Site": "same-origin"}
        async with self.http.post(
            urljoin(page.url, form.action), data={**form.fields, **values}, headers=headers
        ) as answer:
            return await _page(answer)

    async def accept_quote(self, page: Page) -> Page:
        return await self.submit(page, page.form("/accept-quote"))

    async def pay(self, page: Page, number: str) -> Page:
        """Enters a card into the sandbox's field and submits the form with its token."""
        form = page.form("/pay", having="card_token")
        card = await self.card(form.data["data-key"], number)
        return await self.submit(
            page, form, card_token=card["token"], brand=card["brand"], last4=card["last4"]
        )

    async def card(self, account: str, number: str) -> dict[str, Any]:
        """Exchanges a card number for a single-use token, as the sandbox's field does."""
        async with self.http.post(
            f"{self.sandbox_url}/psp/{account}/tokens",
            json={"number": number, "expiry": "12/34", "cvc": "123"},
        ) as answer:
            answer.raise_for_status()
            found: dict[str, Any] = await answer.json()
            return found


async def _page(answer: aiohttp.ClientResponse) -> Page:
    html = await answer.text()
    reader = _Reader()
    reader.feed(html)
    return Page(str(answer.url), answer.status, html, reader.forms, reader.body, reader.links)
