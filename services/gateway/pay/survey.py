"""GET /s/{token}, the page of a survey after payment, and its form. GET changes nothing; the form
ends in a redirect.
"""

from typing import Final

from aiohttp import web

from incasso.reporting.v1 import surveys_pb2
from libs.errors import Kind, Refusal
from libs.web.forms import whole_number
from services.gateway.pay import guard, rendering, texts
from services.gateway.pay.forms import Form
from services.gateway.pay.gate import Gate
from services.gateway.pay.guard import token_of
from services.gateway.pay.handlers import see
from services.gateway.pay.reporting_client import Surveys
from services.gateway.transcoder import Edge

PAGE: Final = "/s/{token}"
FORM: Final = "/s/{token}/answer"
QUESTIONS: Final = ("satisfaction", "recommendation", "ease")
OPTIONS: Final = (5, 4, 3, 2, 1)


class SurveyPages:
    """The handlers."""

    def __init__(self, surveys: Surveys, edge: Edge, public_url: str) -> None:
        self._surveys = surveys
        self._gate = Gate(edge, public_url)
        self._tasks = edge.tasks

    async def show(self, request: web.Request) -> web.Response:
        return await self._gate.let_in(request, self._show)

    async def submit(self, request: web.Request) -> web.Response:
        return await self._gate.let_in(request, self._submit)

    async def go_back(self, request: web.Request) -> web.Response:
        """Reloading the URL of the form shows the page."""
        return see(address(request))

    async def _show(self, request: web.Request) -> web.Response:
        wanted = surveys_pb2.GetSurveyPageRequest(token=token_of(request))
        answer: surveys_pb2.GetSurveyPageResponse = await self._surveys.ask(wanted)
        return survey_page(request, answer.page)

    async def _submit(self, request: web.Request) -> web.Response:
        message = answer_of(token_of(request), await guard.form_of(request))
        try:
            await self._tasks.finish(self._surveys.ask(message))
        except Refusal as refusal:
            is_wrong = any(violation.field in QUESTIONS for violation in refusal.violations)
            if refusal.kind is Kind.INVALID and is_wrong:
                return see(address(request, notice="survey_missing"))
            raise
        return see(address(request, notice="survey_thanks"))


def answer_of(token: str, form: Form) -> surveys_pb2.AnswerSurveyRequest:
    """An answer that is none of the options is sent as 6, which is refused."""
    message = surveys_pb2.AnswerSurveyRequest(token=token)
    for question in QUESTIONS:
        if form.get(question):
            given = whole_number(form[question])
            setattr(message, question, given if given in OPTIONS else 6)
    return message


def survey_page(request: web.Request, page: surveys_pb2.SurveyPage) -> web.Response:
    language = rendering.language_of(request, page.locale)
    notice = request.query.get("notice", "")
    given = {name: getattr(page, name) for name in QUESTIONS if page.HasField(name)}
    return rendering.respond(
        "survey.html",
        language,
        merchant=page.merchant,
        questions=QUESTIONS,
        options=OPTIONS,
        given=given,
        notice=texts.notice(notice, language),
        calm=notice in texts.CALM,
        address=lambda path="", **query: address(request, path, **query),
    )


def address(request: web.Request, path: str = "", **query: str) -> str:
    return rendering.address("s", request, path, **query)
