"""Admits people to pages: checks who they are, that the form is theirs, that their role allows it; then answers."""

from dataclasses import dataclass, replace
from http import HTTPStatus
from typing import Final
from urllib.parse import quote, urlencode, urlsplit

from aiohttp import web

from libs.clock import world_now
from libs.errors import Kind, OutcomeUnknown, Refusal
from libs.web import files
from libs.web.client_addresses import Addresses
from libs.web.forms import SentFile, form_with_file
from services.console import proofs, saved_views, session
from services.console.calls import Calls, Edge
from services.console.cookies import KEPT, SESSION, Cookies
from services.console.errors import ReauthenticationNeeded, RoleTooLow, SignInNeeded
from services.console.kept_forms import LIFE, KeptForms
from services.console.page import Answer, Html, Lists, Page, See, Sent
from services.console.proofs import Proofs
from services.console.rendering import HEADERS, Renderer
from services.console.rules.onward import onward
from services.console.rules.proving import proof_is_fresh
from services.console.session import SignedIn
from services.console.visit import KEY, Visit

SIGN_IN: Final = "/sign-in"
CHOOSE: Final = "/merchants"
PROVE: Final = "/prove"
# Refusals that can be put right in the form itself.
_AGAIN: Final = (Kind.INVALID, Kind.CONFLICT, Kind.UNPROCESSABLE, Kind.RATE, Kind.UNAVAILABLE)


@dataclass(frozen=True, slots=True)
class Entrance:
    """What the handlers of all pages share."""

    edge: Edge
    cookies: Cookies
    proofs: Proofs
    kept: KeptForms
    addresses: Addresses
    renderer: Renderer
    lists: Lists

    def of(self, page: Page) -> "Door":
        return Door(self, page)


class Door:
    """The handler of one page."""

    def __init__(self, entrance: Entrance, page: Page) -> None:
        self._in = entrance
        self._page = page

    async def __call__(self, request: web.Request) -> web.StreamResponse:
        try:
            found = await self._found(request)
        except SignInNeeded:
            return self._to_sign_in(request)
        if self._page.merchant and found.who.membership is None:
            return see(CHOOSE)
        session.act_for(found.who)
        response = await self._answer(request, found.who)
        if found.new_token and self._in.cookies.name(SESSION) not in response.cookies:
            self._in.cookies.set(response, SESSION, found.new_token)
        return response

    async def _found(self, request: web.Request) -> session.Found:
        token = self._in.cookies.get(request, SESSION)
        found = await session.find(self._in.edge.upstreams, token) if token else None
        if found is None:
            raise SignInNeeded
        return found

    def _to_sign_in(self, request: web.Request) -> web.Response:
        """Redirects to sign-in, then back to the page; a form is not resent, and leads home."""
        asked = request.path_qs if request.method == "GET" else ""
        response = see(with_next(SIGN_IN, asked))
        if self._in.cookies.get(request, SESSION):
            self._in.cookies.drop(response, SESSION)
        return response

    async def _answer(self, request: web.Request, who: SignedIn) -> web.StreamResponse:
        visit = await self._visit(request, who)
        try:
            self._check(visit)
            return await self._shown(visit, await self._handled(visit))
        except ReauthenticationNeeded:
            return self._to_prove(visit)
        except Refusal as refusal:
            return await self._refused(visit, refusal)

    async def _handled(self, visit: Visit) -> Answer:
        name = self._page.recorded
        if not name:
            return await self._page.handle(visit)
        subject = next(iter(visit.request.match_info.values()), "")
        return await visit.calls.recorded(name, subject, lambda: self._page.handle(visit))

    def _check(self, visit: Visit) -> None:
        """Raises FormForeign, FormOld, RoleTooLow, ReauthenticationNeeded."""
        who, proof = visit.who, visit.form.get(proofs.FIELD, "")
        if self._page.changes:
            self._in.proofs.check(visit.request, proof, who.session.id)
        if not self._page.scopes <= who.scopes:
            raise RoleTooLow
        if self._page.grave and not proof_is_fresh(who.proved_at, world_now()):
            raise ReauthenticationNeeded

    async def _visit(self, request: web.Request, who: SignedIn) -> Visit:
        upstreams = self._in.edge.upstreams
        form, file = await self._form(request, who)
        return Visit(
            request=request,
            who=who,
            calls=Calls(self._in.edge, self._page, who, address=self._in.addresses.of(request)),
            language=self._in.renderer.language_of(request, who.person.locale),
            area=self._page.area,
            merchant=await session.merchant_of(upstreams) if self._page.merchant else None,
            lists=self._in.lists,
            form=form,
            file=file,
        )

    async def _form(
        self, request: web.Request, who: SignedIn
    ) -> tuple[dict[str, str], SentFile | None]:
        if self._page.changes:
            return await form_with_file(request, self._page.most_of_form, self._page.most_of_file)
        sealed = self._in.cookies.get(request, KEPT)
        return self._in.kept.open(sealed, session_id=who.session.id, path=request.path), None

    def _to_prove(self, visit: Visit) -> web.Response:
        """Redirects to the proof of identity; afterwards back to the form, with what was typed."""
        here = onward(visit.form.get("here", ""))
        path, form = urlsplit(here).path, dict(visit.form)
        if path != visit.request.path:  # the forms on that page make other changes
            form.pop(KEY, None)
        response = see(with_next(PROVE, here))
        kept = self._in.kept.close(form, session_id=visit.who.session.id, path=path)
        if kept:
            seconds = int(LIFE.total_seconds())
            self._in.cookies.set(response, KEPT, kept, max_age=seconds)
        return response

    async def _refused(self, visit: Visit, refusal: Refusal) -> web.StreamResponse:
        """The form again, with what was typed; or a page that states the reason."""
        if self._page.again is None or refusal.kind not in _AGAIN:
            return self._in.renderer.refused(visit.request, refusal, visit=visit)
        if not isinstance(refusal, OutcomeUnknown):  # else the same key is sent again
            visit.form = {**visit.form, "key": ""}
        visit.problem = refusal
        try:
            shown = await self._page.again(visit)
        except Refusal as further:
            return self._in.renderer.refused(visit.request, further, visit=visit)
        if isinstance(shown, Html):
            shown = replace(shown, status=refusal.kind.http_status)
        return await self._shown(visit, shown)

    async def _shown(self, visit: Visit, answer: Answer) -> web.StreamResponse:
        if isinstance(answer, Sent):
            return await files.send(visit.request, answer.file, HEADERS)
        if isinstance(answer, See):
            response = see(answer.path, notice=answer.notice)
            if answer.new_token:
                self._in.cookies.set(response, SESSION, answer.new_token)
            return response
        if self._page.filters:
            saved = await saved_views.bar_of(visit, self._page)
            answer = replace(answer, values={**answer.values, "saved": saved})
        proof = self._in.proofs.make(visit.who.session.id)
        response = self._in.renderer.page(visit, self._page, answer, proof=proof)
        if visit.form and not self._page.changes:
            self._in.cookies.drop(response, KEPT)
        return response


def see(path: str, *, notice: str = "") -> web.Response:
    """A redirect to a page of ours, which the browser requests with GET."""
    query = urlencode({"notice": notice}) if notice else ""
    location = f"{path}{'&' if '?' in path else '?'}{query}" if query else path
    headers = {"Location": location, "Cache-Control": "no-store"}
    return web.Response(status=HTTPStatus.SEE_OTHER, headers=headers)


def with_next(path: str, asked: str) -> str:
    goes = onward(asked)
    return f"{path}?next={quote(goes, safe='')}" if goes != "/" else path
