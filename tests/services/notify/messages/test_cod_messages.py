"""Messages about cash-on-delivery orders: the code is fetched when the message is sent."""

from typing import Any

import pytest

from incasso.cod.v1 import events_pb2
from services.notify.messages.rules.gsm import ONE_PART, septets
from tests.services.notify.messages.neighbours import COD_URL, money
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
    assert text["body"].endswith(COD_URL)
    row = await world.row()
    assert (row["state"], row["kind"], row["cod_order_id"]) == ("sent", "cod_code", "cod_1")
    assert CODE not in repr(dict(row))
    assert row["recipient"] == "+393331234567"


async def test_a_code_by_email_is_in_the_body_but_not_in_the_subject(world: World):
    await ask(world, channel=Requested.CHANNEL_EMAIL, recipient="giulia@example.com")
    await world.turn()
    (letter,) = world.mail.letters
    assert all(CODE in letter.get_body((part,)).get_content() for part in ("plain", "html"))
    assert COD_URL in letter.get_body(("plain",)).get_content()
    assert CODE not in letter["Subject"]  # locked screens show the subject
    assert world.sms.taken == []


async def test_a_code_that_is_no_longer_valid_is_not_sent(world: World):
    await ask(world, cod_order_id="cod_over")
    await world.turn()
    assert await world.states() == ["obsolete"]
    assert world.sms.taken == []


async def test_a_code_message_waits_during_a_cod_outage(world: World):
    world.neighbours.away = {"GetCodCode"}
    await ask(world)
    await world.turn()
    assert await world.states() == ["queued"]
    world.neighbours.away = set()
    await world.due()
    await world.turn()
    assert CODE in world.sms.taken[0]["body"]


@pytest.mark.parametrize(
    "reason",
    [
        Requested.REASON_CHANGED,
        Requested.REASON_DISPATCHED,
        Requested.REASON_REFUSED,
        Requested.REASON_CONVERTED,
        Requested.REASON_REFUND_ACCOUNT,
        Requested.REASON_REFUND_EXPORTED,
        Requested.REASON_REFUND_PAID,
        Requested.REASON_DEPOSIT,
        Requested.REASON_EXPIRED,
    ],
)
async def test_an_order_message_contains_amount_reference_and_page_link(world: World, reason: int):
    await ask(world, reason=reason)
    await world.turn()
    (text,) = world.sms.taken
    assert "51,00" in text["body"]
    assert "A-1001" in text["body"]
    assert text["body"].endswith(COD_URL)
    assert world.neighbours.calls["GetCodCode"] == 0


@pytest.mark.parametrize("unknown", [{"reason": 99}, {"channel": 99}])
async def test_an_unknown_reason_or_channel_makes_no_message(world: World, unknown: dict[str, int]):
    await ask(world, **unknown)
    assert await world.rows() == []


@pytest.mark.parametrize("locale", ["it", "en"])
@pytest.mark.parametrize("reason", [number for number in Requested.Reason.values() if number != 0])
async def test_a_long_merchant_name_does_not_cut_amount_or_link(
    world: World, reason: int, locale: str
):
    world.neighbours.merchant.name = "Antica Bottega delle Calzature di San Lorenzo e Figli"
    amount, reference = money(123_456_78), "ORDINE-2026-000123456789"
    await ask(world, reason=reason, locale=locale, amount=amount, order_reference=reference)
    await world.turn()
    (text,) = world.sms.taken
    assert septets(text["body"]) <= ONE_PART
    assert text["body"].endswith(COD_URL)
    assert ("123.456,78" if locale == "it" else "123,456.78") in text["body"]
    assert (CODE in text["body"]) == (reason == Requested.REASON_CODE)


async def test_a_message_about_an_order_without_a_page_has_no_link(world: World):
    world.neighbours.closed = {"cod_1"}
    await ask(world, reason=Requested.REASON_DISPATCHED)
    await world.turn()
    (text,) = world.sms.taken
    assert "51,00" in text["body"]
    assert "http" not in text["body"]


@pytest.mark.parametrize("locale", ["it", "en"])
@pytest.mark.parametrize("reason", [number for number in Requested.Reason.values() if number != 0])
async def test_every_reason_has_an_email_with_amount_and_page_link(
    world: World, reason: int, locale: str
):
    by_mail = {"channel": Requested.CHANNEL_EMAIL, "recipient": "giulia@example.com"}
    await ask(world, reason=reason, locale=locale, **by_mail)
    await world.turn()
    (letter,) = world.mail.letters
    text = letter.get_body(("plain",)).get_content().replace("\xa0", " ")
    assert COD_URL in text
    assert ("51,00 €" if locale == "it" else "€51.00") in text
    assert "{" not in text + letter["Subject"]
