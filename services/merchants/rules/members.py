"""Members of a merchant: invited, joined and removed. At least one owner always remains.
Pure.

Members follow real time, like API keys: advancing a test clock must lock nobody out.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from libs.roles import Role
from services.merchants.errors import (
    InvitationSentTooOften,
    LastOwner,
    MemberEnded,
    MemberNotInvited,
    MemberNotJoined,
    QuotaExceeded,
)

INVITATION_LIFE: Final = timedelta(days=7)
MOST_MEMBERS: Final = 200  # of a merchant, invited ones included
MOST_INVITATIONS: Final = 10  # e-mails to one person


class MemberState(StrEnum):
    INVITED = "invited"
    ACTIVE = "active"
    REMOVED = "removed"
    REVOKED = "revoked"


class MemberEvent(StrEnum):
    JOIN = "join"
    REMOVE = "remove"
    REVOKE = "revoke"  # the invitation


MEMBER_TRANSITIONS: Final[Mapping[tuple[MemberState, MemberEvent], MemberState]] = MappingProxyType(
    {
        (MemberState.INVITED, MemberEvent.JOIN): MemberState.ACTIVE,
        (MemberState.INVITED, MemberEvent.REVOKE): MemberState.REVOKED,
        (MemberState.ACTIVE, MemberEvent.REMOVE): MemberState.REMOVED,
    }
)
MEMBER_INITIAL: Final = MemberState.INVITED
MEMBER_FINAL: Final = frozenset({MemberState.REMOVED, MemberState.REVOKED})


@dataclass(frozen=True, slots=True)
class Member:
    """`email` and `name` are the person's; the name only once they have joined."""

    merchant_id: str
    id: str
    person_id: str
    state: MemberState
    role: Role
    locale: str | None
    invited_by: str
    invited_at: datetime
    invitation_expires_at: datetime
    times_invited: int
    created_at: datetime
    joined_at: datetime | None = None
    ended_at: datetime | None = None
    email: str = ""
    name: str | None = None


def canonical_email(email: str) -> str:
    """Identifies a person: addresses that differ only in case belong to the same person."""
    return email.lower()


def check_room(open_members: int) -> None:
    """Raises QuotaExceeded."""
    if open_members >= MOST_MEMBERS:
        raise QuotaExceeded(f"A merchant has at most {MOST_MEMBERS} members; remove one first.")


def is_open(member: Member, now: datetime) -> bool:
    """Whether the invited person can still join."""
    return member.state is MemberState.INVITED and now < member.invitation_expires_at


def require_invited(member: Member) -> None:
    """Raises MemberNotInvited."""
    if member.state is not MemberState.INVITED:
        raise MemberNotInvited


def invite_again(member: Member, now: datetime) -> Member:
    """Raises MemberNotInvited, InvitationSentTooOften."""
    require_invited(member)
    if member.times_invited >= MOST_INVITATIONS:
        raise InvitationSentTooOften
    return replace(
        member,
        invited_at=now,
        invitation_expires_at=now + INVITATION_LIFE,
        times_invited=member.times_invited + 1,
    )


def join(member: Member, now: datetime) -> Member:
    """For an open invitation."""
    return replace(_move(member, MemberEvent.JOIN), joined_at=now)


def revoke_invitation(member: Member, now: datetime) -> Member:
    """The same member if it was revoked before. Raises MemberNotInvited."""
    if member.state is MemberState.REVOKED:
        return member
    require_invited(member)
    return replace(_move(member, MemberEvent.REVOKE), ended_at=now)


def change_role(member: Member, role: Role, *, other_owners: int) -> Member:
    """Raises MemberEnded, LastOwner."""
    if member.state in MEMBER_FINAL:
        raise MemberEnded
    if role is not Role.OWNER:
        _keep_an_owner(member, other_owners)
    return replace(member, role=role)


def remove(member: Member, now: datetime, *, other_owners: int) -> Member:
    """The same member if removed before. Raises MemberNotJoined, LastOwner."""
    if member.state is MemberState.REMOVED:
        return member
    if member.state is not MemberState.ACTIVE:
        raise MemberNotJoined
    _keep_an_owner(member, other_owners)
    return replace(_move(member, MemberEvent.REMOVE), ended_at=now)


def _keep_an_owner(member: Member, other_owners: int) -> None:
    is_owner = member.state is MemberState.ACTIVE and member.role is Role.OWNER
    if is_owner and not other_owners:
        raise LastOwner


def _move(member: Member, event: MemberEvent) -> Member:
    return replace(member, state=MEMBER_TRANSITIONS[member.state, event])
