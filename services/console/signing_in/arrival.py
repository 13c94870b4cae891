"""What the pages for people who are not signed in have in common."""

import secrets
import time
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Final

from aiohttp import web
from google.protobuf.message import Message

from incasso.merchants.v1 import sessions_pb2
from libs import client, deadlines
from libs.errors import Refusal
from libs.seal import Seal
from libs.web.errors import TooManyRequests, http_status
from libs.web.forms import form_of, text_of
from libs.web.limits import Limiter
from services.console import proofs
from services.console.cookies import SESSION, VISIT
from services.console.entrance import CHOOSE, Entrance, see
from services.console.page import MAX_FORM_BYTES, Html
from services.console.rules.onward import onward
from services.console.signing_in.oidc import OpenId

MAX_AGENT: Final = 1000


@dataclass(frozen=True, slots=True)
class Arrival:
    """`openid` is None without a provider. `local`: whether passwords are accepted."""

    entrance: Entrance
    seal: Seal
    openid: OpenId | None
    local: bool
    hint: str
    tries: Limiter

    async def ask(self, name: str, message: Message) -> Any:
        """Calls merchants in the console's own name. Raises Refusal."""
        method = self.entrance.edge.upstreams.method("merchants", name)
        return await client.call(method, message, timeout_seconds=deadlines.PAGE)

    def origin(self, request: web.Request) -> sessions_pb2.Origin:
        agent = text_of(request.headers.get("User-Agent", ""))[:MAX_AGENT]
        return sessions_pb2.Origin(user_agent=agent, address=self.entrance.addresses.of(request))

    async def form(self, request: web.Request) -> dict[str, str]:
        """The form, if it is ours, from this browser, and not one too many. Raises Refusal."""
        form = await form_of(request, MAX_FORM_BYTES)
        visit = self.entrance.cookies.get(request, VISIT)
        self.entrance.proofs.check(request, form.get(proofs.FIELD, ""), visit)
        bucket = self.entrance.addresses.bucket(request)
        if wait := self.tries.take(bucket, time.monotonic()):
            raise TooManyRequests(wait)
        return form

    def show(
        self, request: web.Request, answer: Html, *, problem: Refusal | None = None
    ) -> web.Response:
        """A page with forms that only this browser can submit."""
        visit = self.entrance.cookies.get(request, VISIT) or secrets.token_urlsafe(24)
        proof = self.entrance.proofs.make(visit)
        response = self.entrance.renderer.open(request, answer, proof=proof, problem=problem)
        if problem is not None:
            response.set_status(http_status(problem))
        self.entrance.cookies.set(response, VISIT, visit)
        return response

    def welcome(self, signed_in: sessions_pb2.SignedIn, asked: str) -> web.Response:
        """Sets the new session's cookie, and redirects to the requested page. Any earlier cookie is
        replaced, which prevents session fixation.
        """
        chosen = signed_in.session.HasField("merchant_id")
        response = see(onward(asked) if chosen else CHOOSE)
        self.entrance.cookies.set(response, SESSION, signed_in.token)
        self.entrance.cookies.drop(response, VISIT)
        return response

    def refused(self, request: web.Request, refusal: Refusal) -> web.Response:
        return self.entrance.renderer.refused(request, refusal)


def outside(url: str) -> web.Response:
    """A redirect to the provider."""
    headers = {"Location": url, "Cache-Control": "no-store"}
    return web.Response(status=HTTPStatus.SEE_OTHER, headers=headers)
