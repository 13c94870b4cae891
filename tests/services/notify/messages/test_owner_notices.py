"""A merchant's owner is notified by e-mail of changes that an API key makes to the merchant."""

from typing import Any

import pytest

from incasso.merchants.v1 import events_pb2, merchants_pb2
from libs import wire
from services.notify.messages.rules import emails
from services.notify.messages.rules.domain import OWNER_KINDS, REPORT_KINDS, TEAM_KINDS, Kind
from tests.services.notify.messages.world import World

REQUESTED = ("bank_account_change_requested", events_pb2.BankAccountChangeRequested)
CHANGED = ("bank_account_changed", events_pb2.BankAccountChanged)


async def happen(world: World, what: tuple[str, Any], **changes: Any) -> Any:
    """The merchant's bank account changes."""
    world.neighbours.merchant.MergeFrom(merchants_pb2.Merchant(**changes))
    account = merchants_pb2.BankAccount(holder="Ottica Nova", iban="IT60X0542811101000000123456")
    change = merchants_pb2.BankAccountChange(
        id="bac_1",
        bank_account=account,
        requested_by="key_1",
        effective_at=wire.timestamp(world.time.now()),
    )
    name, message = what
    payload = message(merchant=world.neighbours.merchant, change=change)
    event = world.event(f"merchants.merchant.{name}", payload)
    await world.happen(event)
    return event


@pytest.mark.parametrize(
    ("what", "kind"), [(REQUESTED, "bank_account_change"), (CHANGED, "bank_account_changed")]
)
@pytest.mark.parametrize("locale", ["it", "en"])
async def test_the_owner_is_notified_of_a_bank_account_change(
    world: World, what: tuple[str, Any], kind: str, locale: str
):
    await happen(world, what, contact_email="owner@rossi.example", locale=locale)
    await world.turn()
    row = await world.row()
    assert (row["kind"], row["state"], row["recipient"]) == (kind, "sent", "owner@rossi.example")
    (letter,) = world.mail.letters
    words = emails.WORDS[locale]
    for part in ("plain", "html"):
        text = letter.get_body((part,)).get_content()
        assert "Ottica Nova, IT60…3456" in text
        assert words.kinds[row["kind"]].heading in text
        assert words.sent_to_owner.format(merchant="Ottica Rossi") in text
        assert "0542811101" not in text
        assert "0,00" not in text
        assert "0.00" not in text


async def test_without_a_contact_the_notice_goes_to_the_merchants_own_address(world: World):
    await happen(world, REQUESTED)
    await world.turn()
    assert (await world.row())["recipient"] == "ciao@otticarossi.example"


async def test_without_any_address_no_notice_is_made(world: World):
    world.neighbours.merchant.ClearField("branding")
    await happen(world, REQUESTED)
    assert await world.rows() == []


async def test_a_repeated_event_sends_one_notice(world: World):
    event = await happen(world, REQUESTED)
    await world.happen(event)
    await world.turn()
    assert len(world.mail.inbox) == 1


def test_both_languages_have_texts_for_every_kind():
    for words in emails.WORDS.values():
        assert set(words.kinds) == set(Kind)
        assert all(not words.kinds[kind].sms for kind in OWNER_KINDS | REPORT_KINDS | TEAM_KINDS)
