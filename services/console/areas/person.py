"""What people do for themselves: choose a merchant, see and end sessions, prove their identity."""

from typing import Final

from incasso.merchants.v1 import sessions_pb2
from libs.web.forms import text_of
from services.console.page import Html, Page, See, get, post
from services.console.rules.onward import onward
from services.console.visit import Visit

AREA: Final = "person"
ENDS = sessions_pb2.EndSessionsRequest


async def merchants(visit: Visit) -> Html:
    answer = await visit.ask(sessions_pb2.ListMembershipsRequest(token=visit.who.token))
    return Html("merchants.html", {"memberships": answer.memberships})


async def choose(visit: Visit) -> See:
    request = sessions_pb2.SelectMerchantRequest(
        token=visit.who.token, merchant_id=visit.typed("merchant_id")
    )
    await visit.change(request)
    return See("/")


async def sessions(visit: Visit) -> Html:
    answer = await visit.ask(sessions_pb2.ListSessionsRequest(token=visit.who.token))
    return Html("sessions.html", {"sessions": answer.sessions})


async def describe(visit: Visit) -> See:
    """Sets the name that colleagues see."""
    request = sessions_pb2.UpdatePersonRequest(token=visit.who.token, name=visit.typed("name"))
    await visit.change(request)
    return See("/sessions", notice="described")


async def end_one(visit: Visit) -> See:
    request = ENDS(
        token=visit.who.token, which=ENDS.WHICH_NAMED, session_id=visit.part("session_id")
    )
    await visit.change(request)
    return See("/sessions", notice="session_ended")


async def end_others(visit: Visit) -> See:
    await visit.change(ENDS(token=visit.who.token, which=ENDS.WHICH_OTHERS))
    return See("/sessions", notice="sessions_ended")


async def sign_out(visit: Visit) -> See:
    await visit.change(ENDS(token=visit.who.token, which=ENDS.WHICH_THIS))
    return See("/sign-in?notice=signed_out")


async def prove(visit: Visit) -> Html:
    goes = onward(visit.typed("next") or visit.asked("next"))
    return Html("prove.html", {"next": goes})


async def proved(visit: Visit) -> See:
    request = sessions_pb2.ReauthenticateWithPasswordRequest(
        token=visit.who.token,
        password=visit.typed("password"),
        origin=sessions_pb2.Origin(
            user_agent=text_of(visit.request.headers.get("User-Agent", ""))[:1000],
            address=visit.address,
        ),
    )
    answer = await visit.change(request)
    return See(onward(visit.typed("next")), notice="proved", new_token=answer.new_token)


PAGES: Final[tuple[Page, ...]] = (
    get("/merchants", merchants, AREA, "merchants.ListMemberships", merchant=False),
    post("/merchants", choose, AREA, "merchants.SelectMerchant", merchant=False),
    get("/sessions", sessions, AREA, "merchants.ListSessions", merchant=False),
    post(
        "/sessions",
        describe,
        AREA,
        "merchants.ListSessions",
        "merchants.UpdatePerson",
        again=sessions,
        merchant=False,
    ),
    post("/sessions/end-others", end_others, AREA, "merchants.EndSessions", merchant=False),
    post("/sessions/{session_id}/end", end_one, AREA, "merchants.EndSessions", merchant=False),
    post("/sign-out", sign_out, AREA, "merchants.EndSessions", merchant=False),
    get("/prove", prove, AREA, merchant=False),
    post(
        "/prove",
        proved,
        AREA,
        "merchants.ReauthenticateWithPassword",
        again=prove,
        merchant=False,
    ),
)
