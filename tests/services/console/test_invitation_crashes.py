"""An invitation from the console that crashes at each point between the recorded intent, the member with the event
for the e-mail, and the recorded outcome: resending the same form ends with one member, one e-mail and one entry.
"""

from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass, replace
from enum import Enum
from typing import Any

import pytest

from incasso.merchants.v1 import audit_pb2, events_pb2, members_pb2, sessions_pb2
from libs import context, services
from libs.errors import Refusal
from libs.roles import SCOPES, Role
from libs.tasks import Tasks
from libs.upstreams import Upstreams
from services.console.areas import team
from services.console.calls import Calls, Edge
from services.console.session import SignedIn
from tests.services.console.samples import MEMBERSHIP, PERSON, session
from tests.services.merchants.conftest import Merchants, emptied, service, time

__all__ = ["emptied", "service", "time"]  # fixtures

INVITE = next(page for page in team.PAGES if "merchants.InviteMember" in page.calls)
KEY = "form-6f1c1c5e-9c2a-4a57-9d1e-3f1f9a3b2c1d"
ENTRY = audit_pb2.AuditEntry
UNDONE = """
CREATE OR REPLACE FUNCTION lose() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN RAISE EXCEPTION 'the disk is full'; END $$;
CREATE TRIGGER lost BEFORE INSERT ON outbox FOR EACH ROW EXECUTE FUNCTION lose();
"""


class ProcessDied(BaseException):
    """After it, nothing else runs in the process."""


class When(Enum):
    BEFORE = "before it arrives"
    AFTER = "before the answer is handled"


MOMENTS = [
    (rpc, when) for rpc in ("RecordIntent", "InviteMember", "RecordOutcome") for when in When
]


@dataclass
class Mortal:
    """The upstreams of a console that dies at one call."""

    upstreams: Upstreams
    rpc: str = ""
    when: When = When.BEFORE

    def unary(self, rpc: Any) -> Any:
        method = self.upstreams.unary(rpc)
        return method if rpc.name != self.rpc else self._dies(method)

    def method(self, upstream: str, name: str) -> Any:
        method = self.upstreams.method(upstream, name)
        return method if name != self.rpc else self._dies(method)

    def _dies(self, method: Any) -> Any:
        async def die(request: Any, **how: Any) -> Any:
            if self.when is When.AFTER:
                await method(request, **how)
            raise ProcessDied

        return die


@dataclass
class World:
    merchants: Merchants
    merchant_id: str
    mortal: Mortal

    async def invite(self, rpc: str = "", when: When = When.BEFORE) -> None:
        """Submits the form to a console that dies at the RPC, or survives if there is none."""
        edge: Any = Edge(replace(self.mortal, rpc=rpc, when=when), Tasks())  # type: ignore[arg-type] - stands in for Upstreams
        who = SignedIn("token", session(), PERSON, MEMBERSHIP, SCOPES[Role.OWNER], 0)
        calls = Calls(edge, INVITE, who, address="203.0.113.7")
        request = members_pb2.InviteMemberRequest(
            email="luca@bottega.example", role=sessions_pb2.ROLE_FINANCE, locale="it"
        )
        owner = {"actor": "mem_owner", "scopes": SCOPES[Role.OWNER]}
        context.set_current(context.Call(merchant_id=self.merchant_id, **owner))
        with suppress(ProcessDied):
            await calls.change(request, key=KEY)

    async def entries(self) -> list[tuple[str, int]]:
        answer = await self.merchants.call("ListAuditEntries", merchant_id=self.merchant_id)
        return [(entry.subject_id, entry.outcome) for entry in answer.data]

    async def members(self) -> list[str]:
        answer = await self.merchants.call("ListMembers", merchant_id=self.merchant_id)
        return [member.id for member in answer.data]

    async def notified(self) -> list[str]:
        """The members whose invitations notify was sent."""
        async with self.merchants.deps.db.connection() as conn:
            rows = await conn.fetch(
                "SELECT body FROM outbox WHERE subject = 'incasso.merchants.member.invited'"
            )
        return [events_pb2.MemberInvited.FromString(row["body"]).member_id for row in rows]

    async def run(self, sql: str) -> None:
        async with self.merchants.deps.db.connection() as conn:
            await conn.execute(sql)


@pytest.fixture
async def world(service: Merchants) -> AsyncIterator[World]:
    targets = {one.name: service.target for one in services.SERVICES}
    upstreams = Upstreams(targets)
    yield World(service, (await service.create()).merchant.id, Mortal(upstreams))
    await upstreams.close()


@pytest.mark.parametrize(("rpc", "when"), MOMENTS, ids=str)
async def test_resubmitting_a_crashed_invitation_invites_the_member_once(
    world: World, rpc: str, when: When
):
    await world.invite(rpc, when)
    made = await world.members()
    assert await world.notified() == made  # never one without the other
    for _ in range(2):
        await world.invite()
        (member_id,) = await world.members()
        assert await world.notified() == [member_id]
        assert await world.entries() == [(member_id, ENTRY.OUTCOME_DONE)]


@pytest.mark.parametrize(
    ("rpc", "when", "invited"),
    [
        ("RecordIntent", When.AFTER, 0),
        ("InviteMember", When.BEFORE, 0),
        ("InviteMember", When.AFTER, 1),
        ("RecordOutcome", When.BEFORE, 1),
    ],
)
async def test_a_crashed_invitation_is_recorded_with_an_unknown_outcome(
    world: World, rpc: str, when: When, invited: int
):
    await world.invite(rpc, when)
    assert await world.entries() == [("", ENTRY.OUTCOME_UNKNOWN)]
    assert len(await world.members()) == invited


async def test_without_a_recorded_intent_nobody_is_invited(world: World):
    await world.invite("RecordIntent", When.BEFORE)
    assert (await world.entries(), await world.members()) == ([], [])


async def test_an_invitation_whose_email_event_cannot_be_stored_is_rolled_back(world: World):
    await world.run(UNDONE)
    with suppress(Refusal):
        await world.invite()
    assert (await world.members(), await world.notified()) == ([], [])
    await world.run("DROP TRIGGER lost ON outbox")
    await world.invite()
    assert await world.notified() == await world.members() != []
