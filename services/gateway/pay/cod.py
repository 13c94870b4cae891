"""GET /cod/{token}, the page of a cash-on-delivery order, and its forms. GET changes nothing; every
form ends in a redirect.
"""

from collections.abc import Collection
from typing import Final

from aiohttp import web

from incasso.cod.v1 import pages_pb2
from libs.errors import Kind, OutcomeUnknown, Refusal
from services.gateway.pay import cod_forms, cod_view, guard, rendering, texts, view
from services.gateway.pay.cod_client import Cod
from services.gateway.pay.forms import Form
from services.gateway.pay.gate import Gate
from services.gateway.pay.guard import token_of
from services.gateway.pay.handlers import see
from services.gateway.transcoder import Edge

PAGE: Final = "/cod/{token}"
FORM: Final = "/cod/{token}/{action}"
_ABSENT: Final = "cod_order_not_found"


class CodPages:
    """The handlers."""

    def __init__(self, cod: Cod, edge: Edge, public_url: str) -> None:
        self._cod = cod
        self._gate = Gate(edge, public_url)
        self._tasks = edge.tasks

    async def show(self, request: web.Request) -> web.Response:
        return await self._gate.let_in(request, self._show)

    async def submit(self, request: web.Request) -> web.Response:
        return await self._gate.let_in(request, self._submit)

    async def go_back(self, request: web.Request) -> web.Response:
        """Reloading the URL of a form shows the page."""
        return see(address(request))

    async def _show(
        self, request: web.Request, form: Form | None = None, wrong: Collection[str] = ()
    ) -> web.Response:
        """Keeps the values entered for a rejected account, which must not be in a URL."""
        wanted = pages_pb2.GetCodPageRequest(token=token_of(request))
        answer: pages_pb2.GetCodPageResponse = await self._cod.ask(wanted)
        return cod_page(request, answer.page, form or {}, wrong)

    async def _submit(self, request: web.Request) -> web.Response:
        make = cod_forms.ACTIONS.get(request.match_info["action"])
        if make is None:
            return guard.missing(request)
        form = await guard.form_of(request)
        sent = make(token_of(request), form)
        # A shopper who leaves cancels the wait, never the request.
        try:
            answer = await self._tasks.finish(self._cod.ask(sent.message, key=sent.key))
        except Refusal as refusal:
            wrong = cod_forms.wrong_in_account(refusal)
            if wrong:
                return await self._show(request, form, wrong)
            return self._refused(request, refusal)
        match answer:
            case pages_pb2.SendCodPageCodeResponse():
                return see(address(request, notice="cod_code_sent"))
            case pages_pb2.PayCodPageOnlineResponse() | pages_pb2.PayCodPageDepositResponse():
                return see(view.path_of(answer.url) or address(request))
        return see(address(request))

    def _refused(self, request: web.Request, refusal: Refusal) -> web.Response:
        if refusal.reason == _ABSENT:
            raise refusal
        notice = texts.code_of(refusal)
        if isinstance(refusal, OutcomeUnknown) or refusal.kind is Kind.UNAVAILABLE:
            notice = "cod_unknown"
        return see(address(request, notice=notice))


def cod_page(
    request: web.Request, page: pages_pb2.CodPage, form: Form, wrong: Collection[str]
) -> web.Response:
    """The page in its current view. `wrong`: fields of the form."""
    language = rendering.language_of(request, page.locale)
    notice = request.query.get("notice", "")
    return rendering.respond(
        "cod.html",
        language,
        merchant=page.merchant,
        page=page,
        view=cod_view.name_of(page),
        due=cod_view.due(page, language),
        lines=cod_view.lines(page, language),
        totals=cod_view.totals(page, language),
        facts=cod_view.facts(page, language),
        online=view.money(page.online_minor, page.amount.currency, language),
        instead_of=view.money(cod_view.door_minor(page), page.amount.currency, language),
        deposit=view.money(page.deposit_minor, page.amount.currency, language),
        deposit_is_due=cod_view.deposit_is_due(page),
        about_deposit=cod_view.about_deposit(page, language),
        text=cod_view.text(page, language),
        way=cod_view.way(page, language),
        notice=texts.notice(notice, language),
        calm=notice in texts.CALM,
        refunds=cod_view.refunds(page, language),
        form=form,
        wrong=wrong,
        first_wrong=next(iter(wrong), ""),
        about_code=notice in cod_forms.ABOUT_CODE,
        address=lambda path="", **query: address(request, path, **query),
    )


def address(request: web.Request, path: str = "", **query: str) -> str:
    return rendering.address("cod", request, path, **query)
