"""Who is signed in: the session of a cookie, as merchants knows it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from incasso.merchants.v1 import merchants_pb2, sessions_pb2
from libs import client, context, deadlines
from libs.context import Call
from libs.errors import Kind, Refusal
from libs.upstreams import Upstreams


@dataclass(frozen=True, slots=True)
class SignedIn:
    """A person, and what they may do for the merchant that they have chosen, if any."""

    token: str
    session: sessions_pb2.Session
    person: sessions_pb2.Person
    membership: sessions_pb2.Membership | None
    scopes: frozenset[str]
    clock_offset_seconds: int

    def holds(self, scope: str) -> bool:
        return not scope or scope in self.scopes

    @property
    def proved_at(self) -> datetime:
        """When they last proved who they are."""
        return self.session.reauthenticated_at.ToDatetime(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Found:
    """`new_token` replaces the cookie's."""

    who: SignedIn
    new_token: str = ""


async def find(upstreams: Upstreams, token: str) -> Found | None:
    """None if there is no such session. Raises ServiceUnavailable."""
    method = upstreams.method("merchants", "AuthenticateSession")
    request = sessions_pb2.AuthenticateSessionRequest(token=token)
    try:
        answer = await client.call(method, request, timeout_seconds=deadlines.READ)
    except Refusal as refusal:
        if refusal.kind in (Kind.UNAUTHENTICATED, Kind.INVALID):
            return None
        raise
    who = SignedIn(
        token=answer.new_token or token,
        session=answer.session,
        person=answer.person,
        membership=answer.membership if answer.HasField("membership") else None,
        scopes=frozenset(answer.scopes),
        clock_offset_seconds=answer.clock_offset_seconds,
    )
    return Found(who, answer.new_token)


def act_for(who: SignedIn) -> None:
    """From now on, calls are made on behalf of the member; services check the scopes again."""
    if who.membership is not None:
        context.set_current(
            Call(
                merchant_id=who.membership.merchant_id,
                actor=who.membership.member_id,
                scopes=who.scopes,
                clock_offset_seconds=who.clock_offset_seconds,
            )
        )


async def merchant_of(upstreams: Upstreams) -> merchants_pb2.Merchant:
    """The merchant of the current call. Raises Refusal."""
    method = upstreams.method("merchants", "GetMerchant")
    request = merchants_pb2.GetMerchantRequest()
    answer = await client.call(method, request, timeout_seconds=deadlines.READ)
    found: merchants_pb2.Merchant = answer.merchant
    return found


async def memberships_of(upstreams: Upstreams, token: str) -> Sequence[sessions_pb2.Membership]:
    """The merchants to choose from. Raises Refusal."""
    method = upstreams.method("merchants", "ListMemberships")
    request = sessions_pb2.ListMembershipsRequest(token=token)
    answer = await client.call(method, request, timeout_seconds=deadlines.READ)
    found: Sequence[sessions_pb2.Membership] = answer.memberships
    return found
