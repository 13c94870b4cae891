"""People invited to the console get an e-mail with a link, which is stored nowhere."""

import pytest

from incasso.merchants.v1 import events_pb2
from incasso.notify.v1 import messages_pb2 as pb
from libs import ids
from services.notify.messages.rules import emails
from tests.services.notify.messages.neighbours import INVITATION_URL
from tests.services.notify.messages.world import World

ANNA = "anna@shop.example"


async def invited(world: World, *, locale: str = "en") -> str:
    member_id = ids.new("mem")
    world.neighbours.invited[member_id] = ANNA
    payload = events_pb2.MemberInvited(member_id=member_id, email=ANNA, locale=locale)
    await world.happen(world.event("merchants.member.invited", payload))
    return member_id


@pytest.mark.parametrize("locale", ["it", "en"])
async def test_an_invitations_link_is_in_the_mail_but_not_in_its_row(world: World, locale: str):
    await invited(world, locale=locale)
    await world.turn()
    row = await world.row()
    assert (row["kind"], row["state"], row["recipient"]) == ("invitation", "sent", ANNA)
    assert INVITATION_URL not in str(dict(row))
    (letter,) = world.mail.letters
    words = emails.WORDS[locale]
    for part in ("plain", "html"):
        text = letter.get_body((part,)).get_content()
        assert INVITATION_URL in text
        assert words.kinds["invitation"].heading in text
        assert words.sent_to_invited.format(merchant="Ottica Rossi") in text


async def test_a_revoked_invitation_is_not_sent(world: World):
    member_id = await invited(world)
    del world.neighbours.invited[member_id]
    await world.turn()
    assert (await world.row())["state"] == "obsolete"
    assert not world.mail.letters


async def test_an_invitation_waits_while_its_link_cannot_be_issued(world: World):
    await invited(world)
    world.neighbours.away.add("IssueInvitationLink")
    await world.turn()
    assert (await world.row())["state"] == "queued"


async def test_resending_an_invitation_to_another_address_sends_nothing(world: World):
    """Otherwise anyone allowed to resend messages could become a member."""
    await invited(world)
    await world.turn()
    row = await world.row()
    request = pb.ResendMessageRequest(message_id=row["id"], recipient="thief@example.com")
    await world.call("ResendMessage", request, key="resend")
    await world.turn()
    assert sorted(each["state"] for each in await world.rows()) == ["obsolete", "sent"]
    assert len(world.mail.letters) == 1
