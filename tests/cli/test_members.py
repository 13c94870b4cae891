"""`incasso members` against the real service."""

from tests.cli.conftest import Command
from tests.services.merchants.conftest import Merchants
from tests.services.merchants.people import join


async def test_the_first_owner_is_invited_by_an_operator(incasso: Command, merchants: Merchants):
    merchant_id = (await merchants.create()).merchant.id
    of = ("--merchant", merchant_id)
    assert "incasso members invite" in (await incasso("members", "list", *of)).stdout
    invite = ("members", "invite", "anna@shop.example", *of)
    made = await incasso.json(*invite, "--show-link")
    assert (made["role"], made["state"], made["invited_by"]) == ("owner", "invited", "operator")
    assert "/invitations/" in made["link"]
    again = await incasso(*invite)
    assert again.exit_code == 1
    assert "incasso members list" in again.output
    revoked = await incasso("members", "revoke", made["id"], *of)
    assert "revoked" in revoked.stdout


async def test_a_member_is_removed_but_not_the_last_owner(incasso: Command, merchants: Merchants):
    merchant_id = (await merchants.create()).merchant.id
    of = ("--merchant", merchant_id)
    first = await join(merchants, merchant_id)
    second = await join(merchants, merchant_id, "bruno@shop.example")
    removed = await incasso.json("members", "remove", second.member_id, *of)
    assert removed["state"] == "removed"
    last = await incasso("members", "remove", first.member_id, *of)
    assert last.exit_code == 1
    assert "at least one owner" in last.output
