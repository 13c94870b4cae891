"""Local sign-in, cookies, invitations, choosing a merchant; session fixation and password guessing."""

import re
from typing import Any

import pytest

from incasso.merchants.v1 import members_pb2, sessions_pb2
from libs.errors import Kind, RemoteRefusal
from libs.roles import SCOPES, Role
from tests.services.console.conftest import PROOF, Console, running_console
from tests.services.console.samples import MEMBERSHIP, PERSON, authenticated, session, stamp

SIGN_IN = "/sign-in"
PERSONAL = {"email": "anna@bottega.example", "password": "a long password"}


def signed_in(*, chosen: bool = True) -> sessions_pb2.SignedIn:
    found = session()
    if not chosen:
        found.ClearField("merchant_id")
    return sessions_pb2.SignedIn(
        token="new-session",
        session=found,
        person=PERSON,
        memberships=[MEMBERSHIP],
    )


async def form(console: Console, path: str = SIGN_IN) -> dict[str, str]:
    """A form from a page that needs no session, with the cookie that ties it to this browser."""
    async with console.request("GET", path, signed_in=False) as response:
        found = PROOF.search(await response.text())
        assert found is not None
        console.cookies["incasso-visit"] = response.cookies["incasso-visit"].value
    return {"proof": found[1]}


async def sign_in(console: Console, **more: Any) -> Any:
    sent = {**await form(console), **PERSONAL, **more}
    async with console.request("POST", SIGN_IN, data=sent, signed_in=False) as response:
        await response.read()
        return response


@pytest.fixture(autouse=True)
def _known(console: Console) -> None:
    answer = sessions_pb2.SignInWithPasswordResponse(signed_in=signed_in())
    console.services.answers["SignInWithPassword"] = answer


async def test_a_password_opens_a_session_and_redirects_to_the_requested_page(console: Console):
    response = await sign_in(console, next="/payments")
    assert (response.status, response.headers["Location"]) == (303, "/payments")
    cookie = response.cookies["incasso-session"]
    assert cookie.value == "new-session"
    assert (cookie["httponly"], cookie["samesite"], cookie["path"]) == (True, "Lax", "/")
    origin = console.services.last("SignInWithPassword").request.origin
    assert origin.address == "127.0.0.1"


async def test_the_sign_in_page_is_marked_as_local(console: Console):
    async with console.request("GET", SIGN_IN, signed_in=False) as response:
        assert "Local sign-in" in await response.text()


@pytest.mark.parametrize("asked", ["//evil.example", "https://evil.example", "/\\evil.example"])
async def test_signing_in_never_redirects_to_another_site(console: Console, asked: str):
    response = await sign_in(console, next=asked)
    assert response.headers["Location"] == "/"


async def test_a_planted_session_token_is_replaced_by_signing_in(console: Console):
    """Session fixation: whatever token a browser has, signing in sets a new one."""
    console.cookies["incasso-session"] = "planted"
    response = await sign_in(console)
    assert response.cookies["incasso-session"].value == "new-session"
    assert console.services.last("SignInWithPassword").request.email == PERSONAL["email"]


async def test_a_refused_sign_in_does_not_say_what_was_wrong(console: Console):
    refusal = RemoteRefusal(Kind.UNAUTHENTICATED, "sign_in_refused", "Wrong.")
    console.services.answers["SignInWithPassword"] = refusal
    sent = {**await form(console), **PERSONAL}
    async with console.request("POST", SIGN_IN, data=sent, signed_in=False) as response:
        assert response.status == 401
        text = await response.text()
    assert "The e-mail address or the password is wrong" in text
    assert PERSONAL["password"] not in text
    assert "incasso-session" not in response.cookies


async def test_a_sign_in_form_of_another_browser_is_refused(console: Console):
    """Otherwise a site could sign its visitors in to an account whose password it knows."""
    sent = {**await form(console), **PERSONAL}
    for visit in ("another", ""):
        console.cookies["incasso-visit"] = visit
        async with console.request("POST", SIGN_IN, data=sent, signed_in=False) as response:
            assert response.status == 403
    assert console.services.calls("SignInWithPassword") == 0


async def test_failed_sign_ins_are_rate_limited():
    async with running_console(sign_ins_per_minute=0.01, sign_ins_burst=2.0) as console:
        refusal = RemoteRefusal(Kind.UNAUTHENTICATED, "sign_in_refused", "Wrong.")
        console.services.answers["SignInWithPassword"] = refusal
        found = [(await sign_in(console)).status for _ in range(3)]
        assert found == [401, 401, 429]
        assert console.services.calls("SignInWithPassword") == 2


async def test_over_tls_cookies_are_secure_and_host_only():
    async with running_console(INCASSO_CONSOLE_URL="https://console.example") as console:
        answer = sessions_pb2.SignInWithPasswordResponse(signed_in=signed_in())
        console.services.answers["SignInWithPassword"] = answer
        async with console.request("GET", SIGN_IN, signed_in=False) as response:
            found = PROOF.search(await response.text())
            assert found is not None
            assert response.headers["Strict-Transport-Security"].startswith("max-age=31536000")
            visit = response.cookies["__Host-incasso-visit"].value
        console.cookies = {"__Host-incasso-visit": visit}
        sent = {"proof": found[1], **PERSONAL}
        async with console.request("POST", SIGN_IN, data=sent, signed_in=False) as response:
            cookie = response.cookies["__Host-incasso-session"]
            assert (cookie["secure"], cookie["httponly"], cookie["path"]) == (True, True, "/")
            assert cookie["domain"] == ""


async def test_a_session_without_a_merchant_is_redirected_to_choose_one(console: Console):
    answer = sessions_pb2.SignInWithPasswordResponse(signed_in=signed_in(chosen=False))
    console.services.answers["SignInWithPassword"] = answer
    response = await sign_in(console, next="/payments")
    assert response.headers["Location"] == "/merchants"
    owner = SCOPES[Role.OWNER]
    console.services.answers["AuthenticateSession"] = authenticated(owner, chosen=False)
    async with console.request("GET", "/payments") as response:
        assert (response.status, response.headers["Location"]) == (303, "/merchants")
    assert "Bottega Verdi" in await console.page("/merchants")


async def test_a_rotated_token_reaches_the_browser(console: Console):
    owner = SCOPES[Role.OWNER]
    console.services.answers["AuthenticateSession"] = authenticated(owner, new_token="rotated")
    async with console.request("GET", "/payments") as response:
        assert response.cookies["incasso-session"].value == "rotated"


async def test_signing_out_ends_the_session_in_the_service(console: Console):
    status, place, _ = await console.post("/sign-out", {})
    assert (status, place) == (303, "/sign-in?notice=signed_out")
    asked = console.services.last("EndSessions").request
    assert asked.which == sessions_pb2.EndSessionsRequest.WHICH_THIS


def invited(*, has_password: bool) -> members_pb2.GetInvitationResponse:
    return members_pb2.GetInvitationResponse(
        invitation=members_pb2.Invitation(
            merchant_id="mer_1",
            merchant_name="Bottega Verdi",
            email="luca@bottega.example",
            role=sessions_pb2.ROLE_VIEWER,
            expires_at=stamp(),
            has_password=has_password,
        )
    )


async def test_an_invited_person_joins_with_a_new_password(console: Console):
    console.services.answers["GetInvitation"] = invited(has_password=False)
    joined = members_pb2.AcceptInvitationWithPasswordResponse(signed_in=signed_in())
    console.services.answers["AcceptInvitationWithPassword"] = joined
    sent = {
        **await form(console, "/invitations/a-token"),
        "name": "Luca",
        "password": "long enough now",
    }
    async with console.request(
        "POST", "/invitations/a-token", data=sent, signed_in=False
    ) as response:
        assert (response.status, response.headers["Location"]) == (303, "/")
        assert response.cookies["incasso-session"].value == "new-session"
    asked = console.services.last("AcceptInvitationWithPassword").request
    assert (asked.token, asked.name, asked.locale) == ("a-token", "Luca", "en")


async def test_a_signed_in_person_joins_without_a_password(console: Console):
    console.services.answers["GetInvitation"] = invited(has_password=True)
    async with console.request("GET", "/invitations/a-token") as response:
        found = PROOF.search(await response.text())
        assert found is not None
        console.cookies["incasso-visit"] = response.cookies["incasso-visit"].value
    sent = {"proof": found[1]}
    async with console.request("POST", "/invitations/a-token", data=sent) as response:
        assert response.headers["Location"] == "/?notice=joined"
    asked = console.services.last("AcceptInvitation").request
    assert (asked.token, asked.session_token) == ("a-token", "a-session")


async def test_a_used_invitation_says_to_ask_for_another(console: Console):
    refusal = RemoteRefusal(Kind.NOT_FOUND, "invitation_unknown", "Used.")
    console.services.answers["GetInvitation"] = refusal
    async with console.request("GET", "/invitations/a-token", signed_in=False) as response:
        assert response.status == 404
        assert re.search("Ask for another", await response.text())


async def test_choosing_a_language_returns_to_the_page(console: Console):
    status, place, _ = await console.post("/language", {"language": "it", "here": "/payments"})
    assert (status, place) == (303, "/payments")
