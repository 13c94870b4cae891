"""What recipients of orders that are paid at the door are told: the code is asked for when it is sent."""

from typing import Any

import pytest

from incasso.cod.v1 import events_pb2
from tests.services.notify.messages.neighbours import money
from tests.services.notify.messages.world import World

Requested = events_pb2.CodMessageRequested
CODE = "048271"


async def ask(world: World, **more: Any) -> Any:
    world.neighbours.codes["cod_1"] = CODE
    fields: dict[str, Any] = {
        "reason": Requested.REASON_CODE,
        "cod_order_id": "cod_1",
        "order_reference": "A-1001",
        "locale": "it",
        "amount": money(5100),
        "channel": Requested.CHANNEL_SMS,
        "recipient": "+393331234567",
        "name": "Giulia",
    }
    event = world.event("cod.order.message_requested", Requested(**{**fields, **more}))
    await world.happen(event)
    return event


async def test_a_code_goes_out_once_and_is_stored_nowhere(world: World):
    event = await ask(world)
    await world.happen(event)
    await world.turn(2)
    (text,) = world.sms.taken
    assert text["to"] == "+393331234567"
    assert CODE in text["body"]
    assert "51,00" in text["body"]
    row = await world.row()
    assert (row["state"], row["kind"], row["cod_order_id"]) == ("sent", "cod_code", "cod_1")
    assert CODE not in repr(dict(row))
    assert row["recipient"] == "+393331234567"


async def test_a_code_goes_by_mail_where_there_is_no_phone(world: World):
    await ask(world, channel=Requested.CHANNEL_EMAIL, recipient="giulia@example.com")
    await world.turn()
    (letter,) = world.mail.letters
    assert all(CODE in letter.get_body((part,)).get_content() for part in ("plain", "html"))
    assert CODE not in letter["Subject"]  # which locked screens show
    assert world.sms.taken == []


async def test_a_code_that_is_over_is_not_sent(world: World):
    await ask(world, cod_order_id="cod_over")
    await world.turn()
    assert await world.states() == ["obsolete"]
    assert world.sms.taken == []


async def test_a_code_waits_for_who_knows_it(world: World):
    world.neighbours.away = {"GetCodCode"}
    await ask(world)
    await world.turn()
    assert await world.states() == ["queued"]
    world.neighbours.away = set()
    await world.due()
    await world.turn()
    assert CODE in world.sms.taken[0]["body"]


@pytest.mark.parametrize("reason", [Requested.REASON_CHANGED, Requested.REASON_DISPATCHED])
async def test_who_pays_at_the_door_is_told_how_much(world: World, reason: int):
    await ask(world, reason=reason)
    await world.turn()
    (text,) = world.sms.taken
    assert "51,00" in text["body"]
    assert "A-1001" in text["body"]
    assert world.neighbours.calls["GetCodCode"] == 0


@pytest.mark.parametrize("unknown", [{"reason": 99}, {"channel": 99}])
async def test_what_this_version_does_not_know_is_not_told(world: World, unknown: dict[str, int]):
    await ask(world, **unknown)
    assert await world.rows() == []
