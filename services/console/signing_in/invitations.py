"""GET /invitations/{token}: somebody joins a merchant, with the provider or with a password."""

from typing import Final

from aiohttp import web

from incasso.merchants.v1 import members_pb2
from libs.errors import Refusal
from libs.web.forms import text_of
from services.console import session
from services.console.cookies import SESSION, VISIT
from services.console.entrance import see
from services.console.page import Html
from services.console.signing_in.arrival import Arrival

PATH: Final = "/invitations/{token}"
MAX_TOKEN: Final = 200


class Invitations:
    """The handlers. The token in the address is the proof of having been invited."""

    def __init__(self, arrival: Arrival) -> None:
        self._at = arrival
        self._in = arrival.entrance

    async def show(self, request: web.Request) -> web.Response:
        return await self._page(request, {})

    async def join(self, request: web.Request) -> web.Response:
        """Joins as the person signed in in this browser, or with a new password."""
        form: dict[str, str] = {}
        try:
            form = await self._at.form(request)
            if "password" in form:
                return await self._with_password(request, form)
            return await self._as_signed_in(request)
        except Refusal as refusal:
            return await self._page(request, form, refusal)

    async def _with_password(self, request: web.Request, form: dict[str, str]) -> web.Response:
        asked = members_pb2.AcceptInvitationWithPasswordRequest(
            token=_token(request),
            password=form["password"],
            name=form.get("name", ""),
            locale=self._in.renderer.language_of(request),
            origin=self._at.origin(request),
        )
        answer = await self._at.ask("AcceptInvitationWithPassword", asked)
        return self._at.welcome(answer.signed_in, "/")

    async def _as_signed_in(self, request: web.Request) -> web.Response:
        asked = members_pb2.AcceptInvitationRequest(
            token=_token(request), session_token=self._in.cookies.get(request, SESSION)
        )
        await self._at.ask("AcceptInvitation", asked)
        response = see("/", notice="joined")
        self._in.cookies.drop(response, VISIT)
        return response

    async def _page(
        self, request: web.Request, form: dict[str, str], problem: Refusal | None = None
    ) -> web.Response:
        wanted = members_pb2.GetInvitationRequest(token=_token(request))
        try:
            answer = await self._at.ask("GetInvitation", wanted)
        except Refusal as refusal:
            return self._at.refused(request, refusal)
        token = self._in.cookies.get(request, SESSION)
        found = await session.find(self._in.edge.upstreams, token) if token else None
        values = {
            "invitation": answer.invitation,
            "token": _token(request),
            "who": found.who if found is not None else None,
            "openid": self._at.openid is not None,
            "local": self._at.local,
            "name": form.get("name", ""),
        }
        response = self._at.show(request, Html("invitation.html", values), problem=problem)
        if found is not None and found.new_token:
            self._in.cookies.set(response, SESSION, found.new_token)
        return response


def _token(request: web.Request) -> str:
    return text_of(request.match_info["token"])[:MAX_TOKEN]
