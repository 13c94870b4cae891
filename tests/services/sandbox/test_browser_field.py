from datetime import UTC, datetime

import pytest

from services.sandbox import errors
from services.sandbox.browser_field import parent_origin, parse_expiry
from services.sandbox.cards import MAGIC_CARDS, TEST_NUMBERS, passes_luhn

TYPED = {"number": "4242 4242 4242 4242", "expiry": "11/31", "cvc": "123"}


async def tokenise(sandbox, **fields):
    return await sandbox.call("POST", "/psp/sandbox-a/tokens", TYPED | fields)


async def test_a_typed_test_card_becomes_a_saved_card(sandbox):
    token = (await tokenise(sandbox)).body
    assert (token["brand"], token["last4"]) == ("visa", "4242")
    saved = (await sandbox.write("/instruments", {"token": token["token"]})).body
    assert (saved["exp_month"], saved["exp_year"]) == (11, 2031)
    assert (await sandbox.charge(token=saved["token"])).body["state"] == "captured"


async def test_a_field_token_can_be_used_once(sandbox):
    token = (await tokenise(sandbox)).body["token"]
    assert (await sandbox.charge(token=token, key="att_1")).body["state"] == "captured"
    assert (await sandbox.charge(token=token, key="att_1")).status == 200
    assert (await sandbox.charge(token=token)).status == 422
    assert (await sandbox.write("/instruments", {"token": token})).status == 422


async def test_a_field_token_belongs_to_its_account(sandbox):
    token = (await tokenise(sandbox)).body["token"]
    assert (await sandbox.charge(token=token, account="sandbox-b")).status == 422


@pytest.mark.parametrize(
    ("fields", "code", "field"),
    [
        ({"number": "4111111111111111"}, errors.NotATestCardError.code, "number"),
        ({"number": "4242424242424241"}, errors.InvalidRequestError.code, "number"),
        ({"number": "abcd"}, errors.InvalidRequestError.code, "number"),
        ({"number": "²²²²"}, errors.InvalidRequestError.code, "number"),
        ({"expiry": "13/31"}, errors.InvalidRequestError.code, "expiry"),
        ({"expiry": "11/20"}, errors.InvalidRequestError.code, "expiry"),
        ({"cvc": "12"}, errors.InvalidRequestError.code, "cvc"),
    ],
)
async def test_an_invalid_card_is_refused_by_field_and_not_echoed(sandbox, fields, code, field):
    answer = await tokenise(sandbox, **fields)
    assert (answer.status, answer.body["code"], answer.body["field"]) == (422, code, field)
    assert fields[field] not in str(answer.body)


def test_every_test_number_is_valid_and_matches_its_magic_card():
    for number, magic in TEST_NUMBERS.items():
        assert passes_luhn(number)
        assert number.endswith(MAGIC_CARDS[magic].last4)
    assert set(TEST_NUMBERS.values()) == {each for each in MAGIC_CARDS if each.startswith("tok_")}


def test_a_card_is_valid_through_its_expiry_month():
    today = datetime(2031, 11, 30, tzinfo=UTC)
    assert parse_expiry("11/31", today=today) == (11, 2031)
    assert parse_expiry("1 / 2032", today=today) == (1, 2032)
    with pytest.raises(errors.InvalidRequestError):
        parse_expiry("10/31", today=today)


async def test_only_the_named_origin_may_embed_the_field(sandbox):
    path = "/psp/sandbox-a/field?parent=http%3A%2F%2Fshop.test%3A8080&locale=it"
    page = await sandbox.call("GET", path)
    assert "frame-ancestors 'self' http://shop.test:8080" in page.headers["Content-Security-Policy"]
    assert 'data-parent="http://shop.test:8080"' in page.body
    assert "Numero della carta" in page.body


@pytest.mark.parametrize(
    "text", ["", "javascript:x", "http://a b", "http://x;script-src *", "http://[", "//x"]
)
def test_an_invalid_parent_origin_is_not_trusted(text):
    assert parent_origin(text) is None


async def test_the_field_script_is_served(sandbox):
    answer = await sandbox.call("GET", "/psp/field.js")
    assert answer.headers["Content-Type"].startswith("text/javascript")
    assert "IncassoSandbox" in answer.body
