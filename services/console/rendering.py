"""Pages as responses: layout, words, content policy. Nothing is cached, nothing is framed."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from aiohttp import web

from libs import display, telemetry
from libs.errors import Kind, Refusal
from libs.web.errors import http_status
from libs.web.headers import content_policy
from libs.web.templating import environment
from services.console import navigation, shown, texts
from services.console.cookies import LANGUAGE, Cookies
from services.console.page import Html, Page
from services.console.visit import Visit

HEADERS: Final = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": content_policy(),
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Embedder-Policy": "require-corp",
    "X-Robots-Tag": "noindex, nofollow",
    "Vary": "Cookie, Accept-Language",
}


class Renderer:
    """`openid` and `local`: the ways to prove one's identity."""

    def __init__(self, cookies: Cookies, *, openid: bool, local: bool) -> None:
        self._cookies = cookies
        self._templates = environment(Path(__file__).parent / "templates")
        self._templates.filters |= shown.FILTERS
        self._templates.globals |= {
            **shown.GLOBALS,
            "openid": openid,
            "local": local,
            "words_of": texts.words,
        }

    def language_of(self, request: web.Request, locale: str = "") -> str:
        """The language chosen in this browser, else the person's, else the browser's."""
        chosen = self._cookies.get(request, LANGUAGE)
        if chosen in display.LANGUAGES:
            return chosen
        if locale:
            return display.language_of(locale)
        return display.preferred(request.headers.get("Accept-Language", ""))

    def page(self, visit: Visit, page: Page, answer: Html, *, proof: str) -> web.Response:
        """A page for a signed-in person."""
        return self._response(
            visit.request,
            visit.language,
            page.area,
            answer,
            visit=visit,
            proof=proof,
            areas=navigation.open_to(visit.who),
            settings=navigation.settings_of(visit.who),
            here=visit.request.path_qs
            if visit.request.method == "GET"
            else visit.form.get("here", "/"),
            notice=visit.asked("notice"),
            problem=visit.problem and texts.refused(visit.problem, visit.language),
            wrong=_wrong(visit.problem, visit.language),
        )

    def open(
        self, request: web.Request, answer: Html, *, proof: str, problem: Refusal | None = None
    ) -> web.Response:
        """A page that needs no session: sign-in, invitations."""
        language = self.language_of(request)
        return self._response(
            request,
            language,
            "signing_in",
            answer,
            visit=None,
            proof=proof,
            here=request.path_qs,
            notice=request.query.get("notice", ""),
            problem=problem and texts.refused(problem, language),
            wrong=_wrong(problem, language),
        )

    def refused(
        self, request: web.Request, refusal: Refusal, *, visit: Visit | None = None
    ) -> web.Response:
        """A page that states the reason of a refusal, and what to do."""
        language = visit.language if visit is not None else self.language_of(request)
        words = texts.words(texts.SHARED, language)
        named = _TITLES.get(refusal.kind, "failed")
        values = {
            "title": words[f"{named}_title"],
            "text": texts.refused(refusal, language),
            "trace_id": telemetry.trace_id(),
        }
        answer = Html("refused.html", values, http_status(refusal))
        areas = navigation.open_to(visit.who) if visit is not None else ()
        response = self._response(
            request,
            language,
            texts.SHARED,
            answer,
            visit=visit,
            proof="",
            areas=areas,
            here="/",
            notice="",
            problem=None,
            wrong={},
        )
        response.headers.update(getattr(refusal, "headers", {}))
        return response

    def _response(
        self, request: web.Request, language: str, area: str, answer: Html, **values: Any
    ) -> web.Response:
        body = self._templates.get_template(answer.template).render(
            language=language,
            words=texts.words(area, language),
            area=area,
            zone=values["visit"].time_zone if values["visit"] is not None else "Europe/Rome",
            **{"areas": (), "saved": None, **values, **answer.values},
        )
        return web.Response(
            status=answer.status,
            text=body,
            content_type="text/html",
            charset="utf-8",
            headers={**HEADERS, "Content-Language": language},
        )


_TITLES: Final = {
    Kind.FORBIDDEN: "forbidden",
    Kind.NOT_FOUND: "missing",
    Kind.UNAVAILABLE: "busy",
    Kind.RATE: "limited",
}


def _wrong(problem: Refusal | None, language: str) -> Mapping[str, str]:
    """The errors of fields, by name in the form; `modes.0` belongs to `modes`."""
    if problem is None:
        return {}
    return {_field(one.field): texts.fault(one.description, language) for one in problem.violations}


def _field(path: str) -> str:
    return next((name for name in reversed(path.split(".")) if not name.isdigit()), path)
