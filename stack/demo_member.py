"""The demo merchant's owner, who signs in to the console of the embedded stack with a password."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from incasso.merchants.v1 import members_pb2, members_pb2_grpc, sessions_pb2
from libs import client, deadlines, identity
from libs.errors import Refusal
from stack.demo_merchant import acting_for
from stack.reach import Reach
from stack.topology import DEMO_EMAIL, DEMO_PASSWORD

NAME = "Anna Bianchi"


async def ensure_demo_member(stack: Reach, merchant_id: str) -> None:
    """Invites the owner and accepts for them; a second start changes nothing."""
    await join(
        stack,
        merchant_id,
        email=DEMO_EMAIL,
        password=DEMO_PASSWORD,
        name=NAME,
        role=sessions_pb2.ROLE_OWNER,
    )


async def join(
    stack: Reach,
    merchant_id: str,
    *,
    email: str,
    password: str,
    name: str,
    role: sessions_pb2.Role.ValueType,
) -> None:
    """Invites and joins a member, as an operator would where no e-mail can be sent."""
    with acting_for(merchant_id):
        async with members(stack) as stub:
            invite = members_pb2.InviteMemberRequest(email=email, role=role)
            try:
                made = await client.call(
                    stub.InviteMember,
                    invite,
                    timeout_seconds=deadlines.READ,
                    idempotency_key=f"demo-{email}",
                )
            except Refusal as refusal:
                if refusal.reason == "member_exists":
                    return
                raise
            if made.member.state != members_pb2.Member.STATE_INVITED:
                return
            issue = members_pb2.IssueInvitationLinkRequest(member_id=made.member.id)
            try:
                link = await client.call(
                    stub.IssueInvitationLink, issue, timeout_seconds=deadlines.READ
                )
            except Refusal as refusal:
                if refusal.reason == "member_not_invited":  # already accepted at an earlier start
                    return
                raise
            accept = members_pb2.AcceptInvitationWithPasswordRequest(
                token=link.url.rpartition("/")[2],
                password=password,
                name=name,
                origin=sessions_pb2.Origin(address="127.0.0.1"),
            )
            await client.call(
                stub.AcceptInvitationWithPassword, accept, timeout_seconds=deadlines.READ
            )


@asynccontextmanager
async def members(stack: Reach) -> AsyncIterator["members_pb2_grpc.MembersServiceAsyncStub"]:
    async with stack.channel("merchants") as channel:
        with identity.acting_as(stack.operator):
            yield members_pb2_grpc.MembersServiceStub(channel)
