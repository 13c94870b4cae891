"""The team: who may use the console, as what; invitations."""

from typing import Final

from incasso.merchants.v1 import members_pb2, sessions_pb2
from services.console.listing import enum_value
from services.console.page import Html, Page, See, get, post
from services.console.visit import Visit

AREA: Final = "team"
ROLES: Final = ("viewer", "finance", "operator", "owner")
MOST: Final = 100


async def members(visit: Visit) -> Html:
    request = members_pb2.ListMembersRequest(limit=MOST, cursor=visit.asked("cursor") or None)
    answer = await visit.ask(request)
    shown = [one for one in answer.data if one.state in (one.STATE_INVITED, one.STATE_ACTIVE)]
    return Html(
        "team.html",
        {
            "members": shown,
            "next_cursor": answer.next_cursor,
            "roles": ROLES,
            "manages": visit.who.holds("members:write"),
        },
    )


async def invite(visit: Visit) -> See:
    request = members_pb2.InviteMemberRequest(
        email=visit.typed("email"), role=_role(visit), locale=visit.language
    )
    await visit.change(request)
    return See("/team", notice="invited")


async def resend(visit: Visit) -> See:
    member_id = visit.part("member_id")
    request = members_pb2.ResendInvitationRequest(member_id=member_id)
    await visit.change(request, subject=member_id)
    return See("/team", notice="resent")


async def revoke(visit: Visit) -> See:
    member = await _member(visit)
    request = members_pb2.RevokeInvitationRequest(member_id=member.id)
    await visit.change(request, subject=member.id, before=member)
    return See("/team", notice="revoked")


async def change_role(visit: Visit) -> See:
    member = await _member(visit)
    request = members_pb2.ChangeMemberRoleRequest(member_id=member.id, role=_role(visit))
    await visit.change(request, subject=member.id, before=member)
    return See("/team", notice="role_changed")


async def remove(visit: Visit) -> See:
    member = await _member(visit)
    request = members_pb2.RemoveMemberRequest(member_id=member.id)
    await visit.change(request, subject=member.id, before=member)
    return See("/team", notice="removed")


async def _member(visit: Visit) -> members_pb2.Member:
    wanted = members_pb2.GetMemberRequest(member_id=visit.part("member_id"))
    member: members_pb2.Member = (await visit.ask(wanted)).member
    return member


def _role(visit: Visit) -> sessions_pb2.Role.ValueType:
    found: sessions_pb2.Role.ValueType | None = enum_value(sessions_pb2.Role, visit.typed("role"))
    return found if found is not None else sessions_pb2.ROLE_UNSPECIFIED


LIST: Final = "merchants.ListMembers"
ONE: Final = (LIST, "merchants.GetMember")
PAGES: Final[tuple[Page, ...]] = (
    get("/team", members, AREA, LIST),
    post("/team", invite, AREA, LIST, "merchants.InviteMember", again=members),
    post(
        "/team/{member_id}/resend",
        resend,
        AREA,
        LIST,
        "merchants.ResendInvitation",
        again=members,
    ),
    post(
        "/team/{member_id}/revoke", revoke, AREA, *ONE, "merchants.RevokeInvitation", again=members
    ),
    post(
        "/team/{member_id}/role",
        change_role,
        AREA,
        *ONE,
        "merchants.ChangeMemberRole",
        again=members,
    ),
    post("/team/{member_id}/remove", remove, AREA, *ONE, "merchants.RemoveMember", again=members),
)
