"""GET /p/{token} and the forms on it. GET changes nothing; every form ends in a redirect."""

from http import HTTPStatus
from typing import Any, Final
from urllib.parse import quote, urlencode

from aiohttp import web

from incasso.paylink.v1 import pages_pb2
from libs.errors import Kind, OutcomeUnknown, Refusal
from libs.text import isolated
from libs.web.forms import text_of
from services.gateway.pay import forms, guard, rendering, texts, view
from services.gateway.pay.gate import Gate
from services.gateway.pay.guard import token_of
from services.gateway.pay.paylink_client import Paylink
from services.gateway.pay.reporting_client import Surveys
from services.gateway.transcoder import Edge

PAGE: Final = "/p/{token}"
RETURN: Final = "/p/return/{reference}"
STOP: Final = "/p/{token}/stop-reminders"
FORM: Final = "/p/{token}/{action}"
SURVEY: Final = "survey"


class PayPages:
    """The handlers."""

    def __init__(self, paylink: Paylink, surveys: Surveys, edge: Edge, public_url: str) -> None:
        self._paylink = paylink
        self._surveys = surveys
        self._gate = Gate(edge, public_url)
        self._addresses = edge.addresses
        self._tasks = edge.tasks

    async def show(self, request: web.Request) -> web.Response:
        return await self._gate.let_in(request, self._show)

    async def come_back(self, request: web.Request) -> web.Response:
        """Returns from a challenge to the page where it began."""
        return await self._gate.let_in(request, self._come_back)

    async def show_stop(self, request: web.Request) -> web.Response:
        return await self._gate.let_in(request, self._show_stop)

    async def go_back(self, request: web.Request) -> web.Response:
        """Reloading the URL of a form shows the page."""
        return self._see(request, notice="")

    async def submit(self, request: web.Request) -> web.Response:
        return await self._gate.let_in(request, self._submit)

    async def _page(self, request: web.Request) -> pages_pb2.PayPage:
        wanted = pages_pb2.GetPayPageRequest(token=token_of(request), use=use_of(request))
        answer: pages_pb2.GetPayPageResponse = await self._paylink.ask(wanted)
        return answer.page

    async def _show(self, request: web.Request) -> web.Response:
        page = await self._page(request)
        language = rendering.language_of(request, page.payment_link.locale)
        paid_id = view.paid_id(page, use_of(request))
        offered = bool(paid_id) and await self._surveys.are_offered(page.merchant.id)
        return pay_page(request, page, language, offers_survey=offered)

    async def _come_back(self, request: web.Request) -> web.Response:
        reference = text_of(request.match_info["reference"])
        wanted = pages_pb2.GetReturnPageRequest(reference=reference)
        found: pages_pb2.GetReturnPageResponse = await self._paylink.ask(wanted)
        return see(f"/p/{quote(found.token, safe='')}", use=found.use)

    async def _show_stop(self, request: web.Request) -> web.Response:
        page = await self._page(request)
        if request.query.get("notice") == "stopped":
            action = {"link": address(request), "label": "open_page"}
            return guard.message(request, "stopped", page=page, action=action)
        action = {"form": address(request, "/stop-reminders"), "label": "stop_button"}
        return guard.message(
            request, "stop", page=page, action=action, merchant=isolated(page.merchant.name)
        )

    async def _submit(self, request: web.Request) -> web.Response:
        if request.match_info["action"] == SURVEY:
            return await self._start_survey(request)
        make = forms.ACTIONS.get(request.match_info["action"])
        if make is None:
            return guard.missing(request)
        token = token_of(request)
        device = forms.Device(
            ip=guard.ip_or_none(self._addresses.of(request)),
            user_agent=request.headers.get("User-Agent", ""),
        )
        form = await guard.form_of(request)
        sent = make(token, form, device)
        # A shopper who leaves cancels the wait, never the payment.
        try:
            answer = await self._tasks.finish(self._paylink.ask(sent.message, key=sent.key))
        except Refusal as refusal:
            return self._refused(request, refusal, use=form.get("use", ""))
        return self._done(request, answer, form)

    async def _start_survey(self, request: web.Request) -> web.Response:
        """Starts the survey about the shopper's own payment, found by its receipt's address."""
        page = await self._page(request)
        paid_id = view.paid_id(page, use_of(request))
        if not paid_id:
            return self._see(request, notice="payment_link_not_paid", use=use_of(request))
        language = rendering.language_of(request, page.payment_link.locale)
        try:
            token = await self._surveys.token(page.merchant.id, paid_id, language)
        except Refusal as refusal:
            return self._refused(request, refusal, use=use_of(request))
        return see(f"/s/{quote(token, safe='')}", lang=rendering.asked_language(request))

    def _refused(self, request: web.Request, refusal: Refusal, *, use: str) -> web.Response:
        if refusal.reason == "payment_link_not_found":
            raise refusal
        notice = texts.code_of(refusal)
        if isinstance(refusal, OutcomeUnknown) or refusal.kind is Kind.UNAVAILABLE:
            notice = "unknown"
        return self._see(request, notice=notice, use=use)

    def _done(self, request: web.Request, answer: Any, form: forms.Form) -> web.Response:
        match answer:
            case pages_pb2.MarkSeenResponse():
                return web.Response(status=HTTPStatus.NO_CONTENT)
            case pages_pb2.RequestNewLinkResponse():
                return guard.message(request, "sent", recipient=answer.recipient)
            case pages_pb2.StopRemindersResponse() if "by_hand" in form:
                return see(address(request, "/stop-reminders", notice="stopped"))
            case pages_pb2.StopRemindersResponse():  # a mail program, not to be redirected: RFC 8058
                return guard.message(request, "stopped")
            case pages_pb2.PayByCardResponse() | pages_pb2.AnnounceBankTransferResponse():
                return self._see(request, notice="", use=answer.payment.use)
            case pages_pb2.ChoosePlanResponse():
                plan = view.path_of(answer.payment.plan_url)
                return see(plan) if plan else self._see(request, notice="", use=answer.payment.use)
        return self._see(request, notice="", use=form.get("use", ""))

    def _see(self, request: web.Request, *, notice: str, use: str = "") -> web.Response:
        return see(address(request, use=use, notice=notice))


def pay_page(
    request: web.Request,
    page: pages_pb2.PayPage,
    language: str,
    *,
    offers_survey: bool = False,
) -> web.Response:
    """The page in its current view."""
    use = use_of(request)
    name, own = view.name_of(page, use), view.own_payment(page, use)
    notice = request.query.get("notice", "")
    link = page.payment_link
    field = page.card_field if name == "open" and page.HasField("card_field") else None
    due = view.money(link.amount_due.amount_minor, link.amount.currency, language)
    return rendering.respond(
        "page.html",
        language,
        merchant=page.merchant,
        field=field,
        page=page,
        link=link,
        view=name,
        own=own,
        use=use,
        due=due,
        lines=view.lines(page, language),
        totals=view.totals(link, own, language),
        balance=view.balance_minor(link),
        outcome="" if name in view.DECIDING else view.outcome(page, name, language),
        notice=texts.notice(notice, language),
        calm=notice in texts.CALM,
        wrong=notice,
        shown=view,
        declined=texts.declined,
        states=view,
        offers_survey=offers_survey,
        address=lambda path="", **query: address(request, path, **query),
    )


def address(request: web.Request, path: str = "", **query: str) -> str:
    """A URL of this link's pages."""
    return rendering.address("p", request, path, **query)


def see(url: str, **query: str) -> web.Response:
    query_string = urlencode({name: value for name, value in query.items() if value})
    headers = {
        "Location": f"{url}{'?' if query_string else ''}{query_string}",
        "Cache-Control": "no-store",
    }
    return web.Response(status=HTTPStatus.SEE_OTHER, headers=headers)


def use_of(request: web.Request) -> str:
    return text_of(request.query.get("use", ""))
