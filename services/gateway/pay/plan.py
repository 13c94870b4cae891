"""GET /plan/{token}, its documents and its forms. GET changes nothing; forms end in a redirect,
except for the first step of a withdrawal, which changes nothing either.
"""

import base64
from typing import Any, Final
from urllib.parse import quote, urlencode

from aiohttp import web

from incasso.instalments.v1 import pages_pb2
from libs.display import language_of
from libs.errors import Kind, OutcomeUnknown, Refusal
from libs.web.forms import text_of
from services.gateway.pay import guard, plan_choices, plan_forms, plan_view, rendering, texts
from services.gateway.pay.forms import Form, Sent
from services.gateway.pay.gate import Gate
from services.gateway.pay.guard import token_of
from services.gateway.pay.handlers import see
from services.gateway.pay.instalments_client import Instalments
from services.gateway.pay.view import web_address
from services.gateway.transcoder import Edge

PAGE: Final = "/plan/{token}"
FORM: Final = "/plan/{token}/{action}"
RETURN: Final = "/plan/return/{reference}"
DOCUMENT: Final = "/plan/{token}/documents/{kind}"
_ABSENT: Final = "plan_not_found"
_WAITING: Final = "card-waiting"
# Messages for a customer who returns from a challenge before a card is saved.
_BACK: Final = {
    pages_pb2.GetPlanReturnResponse.CARD_SAVED: "plan_card_confirmed",
    pages_pb2.GetPlanReturnResponse.CARD_REFUSED: "plan_card_not_confirmed",
}


class PlanPages:
    """The handlers."""

    def __init__(self, instalments: Instalments, edge: Edge, public_url: str) -> None:
        self._instalments = instalments
        self._gate = Gate(edge, public_url)
        self._addresses = edge.addresses
        self._tasks = edge.tasks

    async def show(self, request: web.Request) -> web.Response:
        return await self._gate.let_in(request, self._show)

    async def hand_over(self, request: web.Request) -> web.Response:
        return await self._gate.let_in(request, self._hand_over)

    async def submit(self, request: web.Request) -> web.Response:
        return await self._gate.let_in(request, self._submit)

    async def come_back(self, request: web.Request) -> web.Response:
        """Returns from a challenge to the page where it began."""
        return await self._gate.let_in(request, self._come_back)

    async def go_back(self, request: web.Request) -> web.Response:
        """Reloading the URL of a form shows the page."""
        return see(address(request))

    async def _show(self, request: web.Request) -> web.Response:
        wanted = pages_pb2.GetPlanPageRequest(token=token_of(request))
        answer: pages_pb2.GetPlanPageResponse = await self._instalments.ask(wanted)
        return plan_page(request, answer.page)

    async def _hand_over(self, request: web.Request) -> web.Response:
        """The document; from now on it counts as delivered."""
        name = request.match_info["kind"]
        if name not in plan_view.KINDS:
            return guard.missing(request)
        wanted = pages_pb2.GetPlanPageDocumentRequest(
            token=token_of(request), kind=plan_view.KINDS[name]
        )
        try:
            answer = await self._instalments.ask(wanted)
        except Refusal as refusal:
            return self._refused(request, refusal)
        headers = {
            "Cache-Control": "no-store",
            "Content-Disposition": f'attachment; filename="{name}.pdf"',
        }
        content = base64.b64decode(answer.document.content)
        return web.Response(body=content, content_type="application/pdf", headers=headers)

    async def _come_back(self, request: web.Request) -> web.Response:
        reference = text_of(request.match_info["reference"])
        wanted = pages_pb2.GetPlanReturnRequest(reference=reference)
        found: pages_pb2.GetPlanReturnResponse = await self._instalments.ask(wanted)
        page = f"/plan/{quote(found.token, safe='')}"
        if found.card == found.CARD_WAITING:
            return await self._card_page(found.token, page, found.next_action.url, waits=True)
        return see(page, notice=_BACK.get(found.card, ""))

    async def _submit(self, request: web.Request) -> web.Response:
        make = plan_forms.ACTIONS.get(request.match_info["action"])
        if make is None:
            return guard.missing(request)
        form, token = await guard.form_of(request), token_of(request)
        ip = guard.ip_or_none(self._addresses.of(request))
        sent = make(token, form, ip)
        if sent is None:
            return see(address(request, notice="plan_consent"))
        saving = plan_forms.saving(token, sent, form, ip)
        # A shopper who leaves cancels the wait, never the payment.
        try:
            answer = await self._tasks.finish(self._asked(sent, saving))
        except Refusal as refusal:
            return self._refused(request, refusal)
        match answer:
            case pages_pb2.WithdrawPlanPageResponse() if not plan_forms.confirms(form):
                return withdrawal_page(request, answer, form)
            case pages_pb2.SavePlanPageCardResponse():
                return await self._confirm_card(request, answer.next_action.url)
            case pages_pb2.ReplacePlanPageCardResponse():
                return see(address(request, notice="plan_card_replaced"))
        return see(address(request))

    async def _asked(self, sent: Sent, saving: Sent | None) -> Any:
        """The answer to a form; or to saving its card, if the bank asks for a challenge first."""
        if saving is not None:
            saved = await self._instalments.ask(saving.message, key=saving.key)
            if saved.HasField("next_action"):
                return saved
            sent = plan_forms.with_card(sent, saved.instrument_id)
        return await self._instalments.ask(sent.message, key=sent.key)

    async def _confirm_card(self, request: web.Request, url: str) -> web.Response:
        """A page that leads to the bank: our forms may not be redirected there."""
        if not web_address(url):
            return see(address(request, notice="unknown"))
        return await self._card_page(token_of(request), address(request), url)

    async def _card_page(
        self, token: str, plan: str, url: str, *, waits: bool = False
    ) -> web.Response:
        """`waits`: whether the page polls for the bank's answer."""
        page = (await self._instalments.ask(pages_pb2.GetPlanPageRequest(token=token))).page
        return rendering.respond(
            "plan_card.html",
            language_of(page.locale),
            merchant=page.merchant,
            headers={"ETag": f'"{_WAITING}"'} if waits else None,
            url=web_address(url),
            plan_address=plan,
            looks=_WAITING if waits else "",
        )

    def _refused(self, request: web.Request, refusal: Refusal) -> web.Response:
        if refusal.reason == _ABSENT:
            raise refusal
        notice = texts.code_of(refusal)
        if isinstance(refusal, OutcomeUnknown) or refusal.kind is Kind.UNAVAILABLE:
            notice = "unknown"
        return see(address(request, notice=notice))


def plan_page(request: web.Request, page: pages_pb2.PlanPage) -> web.Response:
    """The page in the plan's language, like its documents and the texts required by law."""
    plan, language = page.plan, language_of(page.locale)
    name, notice = plan_view.name_of(plan), request.query.get("notice", "")
    version = plan_view.version_of(page)
    field = page.card_field if page.HasField("card_field") else None
    return rendering.respond(
        "plan.html",
        language,
        merchant=page.merchant,
        field=field,
        headers={
            "ETag": f'"{version}"'
        },  # polled by an open page, to find out whether it has changed
        page=page,
        plan=plan,
        view=name,
        waits=name in plan_view.WAITING,
        takes_card=field is not None,
        version=version,
        rows=plan_view.rows(plan, language),
        bars=plan_view.picture(plan, language),
        span=plan_view.span(plan, language),
        options=plan_choices.options(page, language),
        settlement=plan_choices.settlement(page, language),
        others=plan_choices.other_cards(page),
        withdraw_until=plan_choices.withdraw_until(page, language),
        notice=texts.notice(notice, language),
        calm=notice in texts.CALM,
        shown=plan_view,
        declined=texts.declined,
        address=lambda path="": address(request, path),
    )


def withdrawal_page(
    request: web.Request, answer: pages_pb2.WithdrawPlanPageResponse, form: Form
) -> web.Response:
    """The second step: the amounts of a withdrawal, before it is confirmed."""
    page = answer.page
    language = language_of(page.locale)
    return rendering.respond(
        "plan_withdrawal.html",
        language,
        merchant=page.merchant,
        plan=page.plan,
        owed=plan_choices.owed(answer, language),
        form=form,
        address=lambda path="": address(request, path),
    )


def address(request: web.Request, path: str = "", **query: str) -> str:
    query_string = urlencode(query)
    return f"/plan/{quote(request.match_info['token'], safe='')}{path}{'?' if query_string else ''}{query_string}"
