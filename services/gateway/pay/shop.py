"""GET /shop/{slug}: a merchant's products, each payable; buying one leads to its pay page."""

import time
from collections.abc import Mapping
from http import HTTPStatus
from typing import Final
from urllib.parse import quote, urlencode

from aiohttp import web

from incasso.paylink.v1 import pages_pb2
from libs.errors import Kind, Refusal
from libs.web.forms import is_from_our_page, text_of, whole_number
from libs.web.limits import Limiter
from services.gateway.pay import forms, guard, rendering, texts, view
from services.gateway.pay.handlers import see
from services.gateway.pay.paylink_client import Paylink
from services.gateway.transcoder import Edge

PATH: Final = "/shop/{slug}"
BUY: Final = "/shop/{slug}/buy"
# Purchases that one address may begin.
BUYS_PER_SECOND: Final = 0.2
BUYS_BURST: Final = 20.0


class ShopPages:
    """The handlers."""

    def __init__(self, paylink: Paylink, edge: Edge, public_url: str) -> None:
        self._paylink = paylink
        self._failures = edge.failures.pages
        self._addresses = edge.addresses
        self._tasks = edge.tasks
        self._public_url = public_url
        self._buys = Limiter(rate=BUYS_PER_SECOND, burst=BUYS_BURST)

    async def show(self, request: web.Request) -> web.Response:
        return await self._page(request, {}, request.query.get("notice", ""))

    async def go_back(self, request: web.Request) -> web.Response:
        return see(address(request))

    async def buy(self, request: web.Request) -> web.Response:
        if not is_from_our_page(request, self._public_url):
            return guard.foreign(request)
        caller = self._addresses.bucket(request)
        if wait := self._buys.take(caller, time.monotonic()):
            return guard.limited(request, wait)
        form = await guard.form_of(request)
        message = purchase(slug_of(request), form, rendering.language_of(request))
        key = f"{forms.key_of(form)}-{message.product_id[:60]}-{message.quantity}"
        if not forms.key_of(form):
            return await self._page(request, form, "idempotency_key_missing")
        try:
            bought: pages_pb2.BuyProductResponse = await self._tasks.finish(
                self._paylink.ask(message, key=key)
            )
        except Refusal as refusal:
            return await self._refused(request, refusal, form)
        language = rendering.asked_language(request)
        return see(f"/p/{quote(bought.token, safe='')}", lang=language)

    async def _refused(
        self, request: web.Request, refusal: Refusal, form: Mapping[str, str]
    ) -> web.Response:
        if refusal.reason == "shop_not_found":
            return guard.missing(request)
        reason = "price_changed" if refusal.reason == "amount_changed" else refusal.reason
        notice = reason if reason in texts.REFUSALS else "failed"
        if refusal.kind is Kind.UNAVAILABLE:
            notice = "unknown"
        if any(violation.field == "email" for violation in refusal.violations):
            notice = "email"
        return await self._page(request, form, notice)

    async def _page(
        self, request: web.Request, form: Mapping[str, str], notice: str
    ) -> web.Response:
        at = self._addresses.bucket(request), time.monotonic()
        if wait := self._failures.wait_seconds(*at):
            return guard.limited(request, wait)
        wanted = pages_pb2.GetShopPageRequest(slug=slug_of(request))
        try:
            shop: pages_pb2.GetShopPageResponse = await self._paylink.ask(wanted)
        except Refusal as refusal:
            if refusal.kind in (Kind.NOT_FOUND, Kind.INVALID):
                self._failures.take(*at)
                return guard.missing(request)
            return guard.busy(request)
        return shop_page(request, shop, form, notice)


def shop_page(
    request: web.Request,
    shop: pages_pb2.GetShopPageResponse,
    form: Mapping[str, str],
    notice: str,
) -> web.Response:
    language = rendering.language_of(request, shop.locale)
    prices = {
        product.id: view.money(product.price.amount_minor, product.price.currency, language)
        for product in shop.products
    }
    refused = request.method == "POST"
    return rendering.respond(
        "shop.html",
        language,
        status=HTTPStatus.UNPROCESSABLE_ENTITY if refused else HTTPStatus.OK,
        merchant=shop.merchant,
        shop=shop,
        prices=prices,
        form=form,
        notice=texts.notice(notice, language),
        wrong_email=notice == "email",
        address=lambda path="", **query: address(request, path, **query),
    )


def purchase(slug: str, form: Mapping[str, str], language: str) -> pages_pb2.BuyProductRequest:
    """Each product has its own fields in the page's single form."""
    product = form.get("product_id", "")
    return pages_pb2.BuyProductRequest(
        slug=slug,
        product_id=product,
        quantity=min(whole_number(form.get(f"quantity-{product}", "1")), 2**31 - 1),
        email=form.get("email", ""),
        name=form.get("name", ""),
        locale=language,
        shown_minor=whole_number(form.get(f"shown-{product}", "")),
    )


def slug_of(request: web.Request) -> str:
    return text_of(request.match_info["slug"])


def address(request: web.Request, path: str = "", **query: str) -> str:
    kept = {"lang": rendering.asked_language(request), **query}
    query_string = urlencode({name: value for name, value in kept.items() if value})
    return f"/shop/{quote(request.match_info['slug'], safe='')}{path}{'?' if query_string else ''}{query_string}"
