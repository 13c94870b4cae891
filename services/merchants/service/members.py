"""The gRPC servicer of members and their invitations."""

from typing import Final

from libs import servicer
from services.merchants.errors import MemberNotFound
from services.merchants.flows import invitations, members
from services.merchants.flows.sign_in import SignedIn
from services.merchants.service.sessions import signed_in_pb
from services.merchants.store.members import MEMBERS

Members: Final = servicer.of(
    "incasso.merchants.v1.MembersService",
    shows={SignedIn: signed_in_pb},
    InviteMember=members.invite_member,
    ResendInvitation=members.resend_invitation,
    RevokeInvitation=members.revoke_invitation,
    ChangeMemberRole=members.change_member_role,
    RemoveMember=members.remove_member,
    GetMember=servicer.Row(MEMBERS, MemberNotFound),
    ListMembers=servicer.Rows(MEMBERS, "mem"),
    IssueInvitationLink=invitations.issue_invitation_link,
    GetInvitation=invitations.get_invitation,
    AcceptInvitation=invitations.accept_invitation,
    AcceptInvitationWithPassword=invitations.accept_with_password,
)
