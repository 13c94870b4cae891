"""Sign-in with an OpenID provider: PKCE, state, nonce, signature; any mismatch is refused."""

import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import pytest

from incasso.merchants.v1 import sessions_pb2
from libs.errors import Kind, RemoteRefusal
from libs.roles import SCOPES, Role
from tests.services.console.answers import answers
from tests.services.console.conftest import Console, running_console
from tests.services.console.provider import (
    CLIENT_ID,
    CLIENT_SECRET,
    Provider,
    new_key,
    running_provider,
)
from tests.services.console.samples import MEMBERSHIP, PERSON, session


@dataclass
class Meeting:
    console: Console
    provider: Provider

    async def begin(self, query: str = "") -> str:
        """Begins a sign-in, in the browser and at the provider; returns the browser's cookie."""
        async with self.console.request(
            "GET", f"/sign-in/provider{query}", signed_in=False
        ) as response:
            assert response.status == 303
            self.answer = self.provider.authorise(response.headers["Location"])
            return str(response.cookies["incasso-sign-in"].value)

    async def come_back(self, begun: str, answer: str = "", *, signed_in: bool = False) -> Any:
        self.console.cookies = {"incasso-sign-in": begun}
        path = f"/sign-in/return?{answer or self.answer}"
        async with self.console.request("GET", path, signed_in=signed_in) as response:
            await response.read()
            return response


@pytest.fixture(scope="module")
async def shared() -> AsyncIterator[Meeting]:
    async with running_provider() as provider:
        openid = {
            "oidc_issuer": provider.url,
            "oidc_client_id": CLIENT_ID,
            "oidc_client_secret": CLIENT_SECRET,
        }
        async with running_console(**openid, local_sign_in=False) as console:
            yield Meeting(console, provider)


@pytest.fixture
def meeting(shared: Meeting) -> Meeting:
    signed_in = sessions_pb2.SignedIn(
        token="new-session",
        session=session(),
        person=PERSON,
        memberships=[MEMBERSHIP],
    )
    shared.console.services.answers = {
        **answers(SCOPES[Role.OWNER]),
        "SignInWithIdentity": sessions_pb2.SignInWithIdentityResponse(signed_in=signed_in),
        "ReauthenticateWithIdentity": sessions_pb2.ReauthenticateWithIdentityResponse(
            new_token="proved-session"
        ),
    }
    shared.console.services.seen.clear()
    shared.console.cookies = {}
    shared.provider.claims.clear()
    shared.provider.exchanged.clear()
    return shared


async def test_a_verified_person_gets_a_session_and_is_redirected(meeting: Meeting):
    response = await meeting.come_back(await meeting.begin("?next=/payments"))
    assert (response.status, response.headers["Location"]) == (303, "/payments")
    cookie = response.cookies["incasso-session"]
    assert cookie.value == "new-session"
    assert (cookie["httponly"], cookie["samesite"], cookie["path"]) == (True, "Lax", "/")
    assert response.cookies["incasso-sign-in"].value == ""
    asked = meeting.console.services.last("SignInWithIdentity").request
    assert asked.issuer == meeting.provider.url
    assert (asked.subject, asked.email) == ("anna-at-work", "anna@bottega.example")
    assert asked.email_verified
    assert meeting.provider.asked["code_challenge_method"] == "S256"
    assert meeting.provider.asked["response_type"] == "code"


async def refused(meeting: Meeting, response: Any) -> None:
    assert response.status == 403
    assert "incasso-session" not in response.cookies
    assert meeting.console.services.calls("SignInWithIdentity") == 0


async def test_a_wrong_or_missing_state_is_refused(meeting: Meeting):
    begun = await meeting.begin()
    for answer in ("code=a-code&state=another", "code=a-code", "error=access_denied&state=x"):
        await refused(meeting, await meeting.come_back(begun, answer))
    assert meeting.provider.exchanged == []


async def test_a_sign_in_begun_in_another_browser_is_refused(meeting: Meeting):
    await meeting.begin()
    await refused(meeting, await meeting.come_back(""))
    await refused(meeting, await meeting.come_back("made-up"))


WRONG = {
    "another nonce": {"nonce": "another"},
    "no nonce": {"nonce": None},
    "another issuer": {"iss": "https://evil.example"},
    "for another client": {"aud": "somebody-else"},
    "expired": {"exp": int(time.time()) - 3600},
    "without a subject": {"sub": None},
    "for several, by another": {"aud": [CLIENT_ID, "other"], "azp": "other"},
}


@pytest.mark.parametrize("claims", WRONG.values(), ids=WRONG)
async def test_an_id_token_with_a_wrong_claim_is_refused(meeting: Meeting, claims: dict[str, Any]):
    begun = await meeting.begin()
    meeting.provider.claims = claims
    await refused(meeting, await meeting.come_back(begun))


async def test_a_rotated_signing_key_is_accepted_and_an_unpublished_one_refused(meeting: Meeting):
    meeting.provider.key = new_key("two")
    response = await meeting.come_back(await meeting.begin())
    assert response.status == 303
    begun = await meeting.begin()
    meeting.console.services.seen.clear()
    meeting.provider.signs_with = new_key("three")
    await refused(meeting, await meeting.come_back(begun))
    meeting.provider.signs_with = None


async def test_an_unverified_address_is_refused_by_merchants(meeting: Meeting):
    meeting.provider.claims = {"email_verified": False}
    refusal = RemoteRefusal(Kind.FORBIDDEN, "email_unverified", "Not verified.")
    meeting.console.services.answers["SignInWithIdentity"] = refusal
    response = await meeting.come_back(await meeting.begin())
    assert response.status == 403
    assert not meeting.console.services.last("SignInWithIdentity").request.email_verified


async def test_signing_in_never_redirects_to_another_site(meeting: Meeting):
    response = await meeting.come_back(await meeting.begin("?next=//evil.example"))
    assert response.headers["Location"] == "/"


async def test_proving_identity_again_needs_a_fresh_sign_in_at_the_provider(meeting: Meeting):
    begun = await meeting.begin("?again=yes&next=/payments")
    assert meeting.provider.asked["prompt"] == "login"
    response = await meeting.come_back(begun, signed_in=True)
    assert response.headers["Location"] == "/payments?notice=proved"
    assert response.cookies["incasso-session"].value == "proved-session"
    begun = await meeting.begin("?again=yes")
    meeting.provider.claims = {"auth_time": int(time.time()) - 3600}
    response = await meeting.come_back(begun, signed_in=True)
    assert response.status == 403


async def test_password_sign_in_is_unavailable_if_disabled(meeting: Meeting):
    async with meeting.console.request("POST", "/sign-in", signed_in=False) as response:
        assert response.status == 405
    async with meeting.console.request("GET", "/sign-in", signed_in=False) as response:
        assert "password" not in await response.text()
