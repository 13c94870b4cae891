"""The only file that calls merchants for members: links of invitations."""

from typing import Any, Final

import grpc

from incasso.merchants.v1 import members_pb2 as pb
from incasso.merchants.v1.members_pb2_grpc import MembersServiceStub
from libs import client, deadlines
from libs.errors import RemoteRefusal

# Final answers, however often it is asked.
_OVER: Final = frozenset({"member_not_found", "member_not_invited", "invitation_of_another_person"})


class InvitationOverError(Exception):
    """The person can no longer join, or the message goes to somebody else."""


class Members:
    def __init__(self, channel: grpc.aio.Channel) -> None:
        self._stub: Any = MembersServiceStub(channel)

    async def link(self, member_id: str, *, recipient: str) -> str:
        """A new link for this e-mail. Raises InvitationOverError, Refusal."""
        request = pb.IssueInvitationLinkRequest(member_id=member_id, recipient=recipient)
        try:
            answer: pb.IssueInvitationLinkResponse = await client.call(
                self._stub.IssueInvitationLink, request, timeout_seconds=deadlines.READ
            )
        except RemoteRefusal as refusal:
            if refusal.reason in _OVER:
                raise InvitationOverError(refusal.reason) from refusal
            raise
        return answer.url
