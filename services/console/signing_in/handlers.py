"""Sign-in: with the OpenID provider, or with a password where that is enabled."""

import hmac
import json
from datetime import timedelta
from typing import Final

from aiohttp import web

from incasso.merchants.v1 import members_pb2, sessions_pb2
from libs import display
from libs.errors import Refusal
from libs.seal import SealBrokenError
from libs.web.forms import form_of
from services.console import proofs, session
from services.console.cookies import LANGUAGE, SESSION, VISIT, YEAR_SECONDS
from services.console.entrance import see
from services.console.errors import SignInFailed
from services.console.page import MAX_FORM_BYTES, Html
from services.console.rules.onward import onward
from services.console.signing_in.arrival import Arrival, outside
from services.console.signing_in.oidc import Begun, Identified

PROVIDER: Final = "/sign-in/provider"
RETURN: Final = "/sign-in/return"
BEGUN: Final = "incasso-sign-in"  # a cookie: the sign-in that this browser has begun
LIFE: Final = timedelta(minutes=15)


class SignIn:
    """The handlers."""

    def __init__(self, arrival: Arrival) -> None:
        self._at = arrival
        self._in = arrival.entrance

    async def show(self, request: web.Request) -> web.Response:
        """The page; somebody who is already signed in is redirected."""
        token = self._in.cookies.get(request, SESSION)
        if token and await session.find(self._in.edge.upstreams, token) is not None:
            return see(onward(request.query.get("next", "")))
        response = self._page(request, request.query.get("next", ""))
        if token:
            self._in.cookies.drop(response, SESSION)
        return response

    async def by_password(self, request: web.Request) -> web.Response:
        form: dict[str, str] = {}
        try:
            form = await self._at.form(request)
            asked = sessions_pb2.SignInWithPasswordRequest(
                email=form.get("email", ""),
                password=form.get("password", ""),
                origin=self._at.origin(request),
            )
            answer = await self._at.ask("SignInWithPassword", asked)
        except Refusal as refusal:
            return self._page(request, form.get("next", ""), form.get("email", ""), refusal)
        return self._at.welcome(answer.signed_in, form.get("next", ""))

    async def at_provider(self, request: web.Request) -> web.Response:
        """Redirects to the provider. A link leads here: our content policy stops forms there."""
        if self._at.openid is None:
            raise web.HTTPNotFound
        begun, url = await self._at.openid.begin(
            onward(request.query.get("next", "")),
            again="again" in request.query,
            invitation=request.query.get("invitation", "")[:200],
        )
        response = outside(url)
        sealed = self._at.seal.close(json.dumps(begun.fields()))
        seconds = int(LIFE.total_seconds())
        self._in.cookies.set(response, BEGUN, sealed, max_age=seconds)
        return response

    async def come_back(self, request: web.Request) -> web.Response:
        """Returns from the provider, with a code for the sign-in that this browser has begun."""
        try:
            begun = self._begun(request)
            response = await self._ended(request, begun)
        except Refusal as refusal:
            response = self._page(request, "", problem=refusal)
        self._in.cookies.drop(response, BEGUN)
        return response

    def _begun(self, request: web.Request) -> Begun:
        sealed = self._in.cookies.get(request, BEGUN)
        try:
            begun = Begun(**json.loads(self._at.seal.open(sealed, max_age=LIFE)))
        except (SealBrokenError, TypeError, ValueError):
            raise SignInFailed from None
        state = request.query.get("state", "")
        if not hmac.compare_digest(state.encode(), begun.state.encode()):
            raise SignInFailed
        return begun

    async def _ended(self, request: web.Request, begun: Begun) -> web.Response:
        code = request.query.get("code", "")
        if self._at.openid is None or not code:
            raise SignInFailed
        found = await self._at.openid.finish(begun, code)
        if begun.again:
            return await self._proved(request, begun, found)
        asked = sessions_pb2.SignInWithIdentityRequest(
            issuer=found.issuer,
            subject=found.subject,
            email=found.email,
            email_verified=found.email_verified,
            name=found.name or None,
            locale=found.locale or None,
            origin=self._at.origin(request),
        )
        answer = await self._at.ask("SignInWithIdentity", asked)
        signed_in: sessions_pb2.SignedIn = answer.signed_in
        if begun.invitation:
            joins = members_pb2.AcceptInvitationRequest(
                token=begun.invitation, session_token=signed_in.token
            )
            await self._at.ask("AcceptInvitation", joins)
            signed_in.session.merchant_id = "chosen"
        return self._at.welcome(signed_in, begun.onward)

    async def _proved(self, request: web.Request, begun: Begun, found: Identified) -> web.Response:
        """Records that somebody who is signed in has proved their identity."""
        asked = sessions_pb2.ReauthenticateWithIdentityRequest(
            token=self._in.cookies.get(request, SESSION),
            issuer=found.issuer,
            subject=found.subject,
        )
        answer = await self._at.ask("ReauthenticateWithIdentity", asked)
        response = see(onward(begun.onward), notice="proved")
        self._in.cookies.set(response, SESSION, answer.new_token)
        return response

    def _page(
        self, request: web.Request, asked: str, email: str = "", problem: Refusal | None = None
    ) -> web.Response:
        values = {
            "openid": self._at.openid is not None,
            "local": self._at.local,
            "hint": self._at.hint,
            "next": onward(asked),
            "email": email,
        }
        return self._at.show(request, Html("sign_in.html", values), problem=problem)


class Language:
    """The language of this browser."""

    def __init__(self, arrival: Arrival) -> None:
        self._in = arrival.entrance

    async def choose(self, request: web.Request) -> web.Response:
        """Needs no session, but a form of one of our pages. Raises Refusal."""
        form = await form_of(request, MAX_FORM_BYTES)
        subject = self._in.cookies.get(request, VISIT)
        token = self._in.cookies.get(request, SESSION)
        found = await session.find(self._in.edge.upstreams, token) if token else None
        if found is not None:
            subject = found.who.session.id
        self._in.proofs.check(request, form.get(proofs.FIELD, ""), subject)
        response = see(onward(form.get("here", "")))
        if (chosen := form.get("language", "")) in display.LANGUAGES:
            self._in.cookies.set(response, LANGUAGE, chosen, max_age=YEAR_SECONDS)
        if found is not None and found.new_token:
            self._in.cookies.set(response, SESSION, found.new_token)
        return response
