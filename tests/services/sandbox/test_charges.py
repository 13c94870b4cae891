import asyncio
import io

import aiohttp
import pytest

from services.sandbox import errors
from services.sandbox.cards import MAGIC_CARDS, TOKEN_FAULTS
from tests.waiting import until


async def test_a_captured_charge_is_in_the_books_with_its_key(sandbox):
    answer = await sandbox.charge(key="att_1", reference="A-1001")
    assert answer.status == 200
    assert answer.body["state"] == "captured"
    assert answer.body["brand"] == "visa"
    (row,) = await sandbox.books(reference="A-1001")
    assert row["id"] == answer.body["id"]
    expected = {"account": "sandbox-a", "key": "att_1", "amount_minor": 5990, "currency": "EUR",
                "captured_minor": 5990, "refunded_minor": 0, "disputed_minor": 0}  # fmt: skip
    assert row | expected == row


async def test_capture_false_only_authorises(sandbox):
    body = (await sandbox.charge(capture=False)).body
    assert (body["state"], body["captured_minor"]) == ("authorised", 0)


@pytest.mark.parametrize(
    ("token", "state", "code"),
    [
        ("tok_visa", "captured", None),
        ("tok_mastercard", "captured", None),
        ("tok_3ds", "requires_action", None),
        ("tok_declined", "declined", "do_not_honor"),
        ("tok_insufficient_funds", "declined", "insufficient_funds"),
        ("tok_stolen", "declined", "stolen_card"),
        ("tok_declined_at_a", "declined", "do_not_honor"),
        ("tok_pending", "pending", None),
    ],
)
async def test_each_magic_token_answers_as_documented(sandbox, token, state, code):
    body = (await sandbox.charge(token=token)).body
    assert (body["state"], body.get("decline_code")) == (state, code)
    assert ("redirect_url" in body) == (state == "requires_action")


async def test_a_repeat_after_a_lost_answer_returns_the_charge(sandbox):
    with pytest.raises(aiohttp.ClientError):
        await sandbox.charge(token="tok_lost_answer", key="att_lost")
    found = (await sandbox.read("/operations/att_lost")).body
    assert (found["kind"], found["state"]) == ("charge", "captured")
    repeat = await sandbox.charge(token="tok_lost_answer", key="att_lost")
    assert repeat.headers["Idempotent-Replayed"] == "true"
    assert repeat.body["id"] == found["charge"]["id"]
    assert len(await sandbox.books()) == 1


async def test_a_slow_charge_is_booked_before_it_answers(sandbox):
    first = asyncio.create_task(sandbox.charge(token="tok_slow", key="att_slow"))
    await until(sandbox.books)
    assert (await sandbox.read("/operations/att_slow")).body["state"] == "captured"
    repeat = await sandbox.charge(token="tok_slow", key="att_slow")
    assert not first.done()
    assert repeat.body == (await first).body


async def test_an_error_without_charge_leaves_no_trace_and_a_repeat_succeeds(sandbox):
    assert (await sandbox.charge(token="tok_error", key="att_e")).status == 500
    unknown = await sandbox.read("/operations/att_e")
    assert (unknown.status, unknown.body["code"]) == (404, errors.UnknownKeyError.code)
    assert await sandbox.books() == []
    assert (await sandbox.charge(token="tok_error", key="att_e")).body["state"] == "captured"


async def test_an_error_after_charging_books_the_charge_once(sandbox):
    assert (await sandbox.charge(token="tok_error_charged", key="att_e")).status == 500
    repeat = await sandbox.charge(token="tok_error_charged", key="att_e")
    assert (repeat.status, repeat.body["state"]) == (200, "captured")
    assert len(await sandbox.books()) == 1


async def test_fifty_concurrent_equal_calls_make_one_charge(sandbox):
    answers = await asyncio.gather(*(sandbox.charge(key="att_same") for _ in range(50)))
    assert {answer.status for answer in answers} == {200}
    assert len({answer.body["id"] for answer in answers}) == 1
    assert len(await sandbox.books()) == 1
    fresh = [answer for answer in answers if "Idempotent-Replayed" not in answer.headers]
    assert len(fresh) == 1


async def test_the_same_key_with_another_body_is_refused(sandbox):
    await sandbox.charge(key="att_1")
    answer = await sandbox.charge(key="att_1", amount_minor=5991)
    assert (answer.status, answer.body["code"]) == (409, errors.IdempotencyKeyReusedError.code)


async def test_the_same_key_at_another_account_is_another_charge(sandbox):
    first = await sandbox.charge(key="att_1")
    second = await sandbox.charge(key="att_1", account="sandbox-b")
    assert first.body["id"] != second.body["id"]
    assert (await sandbox.read(f"/charges/{first.body['id']}", account="sandbox-b")).status == 404


async def test_a_decline_is_replayed_for_its_key(sandbox):
    first = await sandbox.charge(token="tok_declined", key="att_1")
    assert (await sandbox.charge(token="tok_declined", key="att_1")).body == first.body


@pytest.mark.parametrize(
    "authorization", ["", "Bearer sandbox_sk_sandbox-b", "Basic x", "Bearer é"]
)
async def test_a_wrong_api_key_is_refused(sandbox, authorization):
    headers = {"Authorization": authorization, "Idempotency-Key": "k"}
    answer = await sandbox.call("POST", "/psp/sandbox-a/charges", {}, headers=headers)
    assert (answer.status, answer.body["code"]) == (401, errors.UnauthorisedError.code)


async def test_a_write_without_idempotency_key_is_refused(sandbox):
    headers = {"Authorization": "Bearer sandbox_sk_sandbox-a"}
    answer = await sandbox.call("POST", "/psp/sandbox-a/charges", {}, headers=headers)
    assert (answer.status, answer.body["code"]) == (400, errors.IdempotencyKeyMissingError.code)


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"amount_minor": 0}, "amount_minor"),
        ({"amount_minor": "5990"}, "amount_minor"),
        ({"amount_minor": True}, "amount_minor"),
        ({"amount_minor": 59.9}, "amount_minor"),
        ({"currency": "eur"}, "currency"),
        ({"currency": None}, "currency"),
        ({"token": ""}, "token"),
        ({"capture": "yes"}, "capture"),
        ({"return_url": "javascript:alert(1)"}, "return_url"),
        ({"return_url": "http://[broken"}, "return_url"),
        ({"sca": {"exemption": "other"}}, "sca.exemption"),
        ({"sca": {"exemption": []}}, "sca.exemption"),
        ({"sca": {"challenge": "maybe"}}, "sca.challenge"),
        ({"sca": []}, "sca"),
        ({"reference": "x" * 501}, "reference"),
        ({"surprise": 1}, "surprise"),
    ],
)
async def test_an_invalid_charge_is_refused_by_field(sandbox, fields, field):
    answer = await sandbox.charge(**fields)
    assert (answer.status, answer.body["code"]) == (422, errors.InvalidRequestError.code)
    assert answer.body["field"] == field


async def test_unknown_tokens_are_refused(sandbox):
    for token in ("tok_unknown", "sbx_unknown"):
        answer = await sandbox.charge(token=token)
        assert (answer.status, answer.body["code"]) == (422, errors.UnknownTokenError.code)


@pytest.mark.parametrize("raw", [b"{", b"[1]", b"\xff\xfe", b'"x"', b"[" * 100_000])
async def test_a_body_that_is_not_a_json_object_is_refused(sandbox, raw):
    headers = {"Authorization": "Bearer sandbox_sk_sandbox-a", "Idempotency-Key": "k"}
    url = f"{sandbox.url}/psp/sandbox-a/charges"
    async with sandbox.session.post(url, data=raw, headers=headers) as answer:
        assert answer.status == 400
        assert (await answer.json())["code"] == errors.MalformedBodyError.code


async def test_a_body_beyond_the_limit_is_refused(sandbox):
    headers = {"Authorization": "Bearer sandbox_sk_sandbox-a", "Idempotency-Key": "k"}
    url = f"{sandbox.url}/psp/sandbox-a/charges"
    async with sandbox.session.post(
        url, data=io.BytesIO(b" " * 5_000_000), headers=headers
    ) as answer:
        assert answer.status == 413


@pytest.mark.parametrize("token", sorted(MAGIC_CARDS.keys() - TOKEN_FAULTS.keys()))
async def test_every_magic_card_can_be_saved_and_behaves_the_same(sandbox, token):
    saved = (await sandbox.write("/instruments", {"token": token})).body
    assert saved["token"].startswith("sbx_")
    if saved["state"] == "ready":
        by_token = (await sandbox.charge(token=token)).body
        by_instrument = (await sandbox.charge(token=saved["token"])).body
        assert by_instrument["state"] == by_token["state"]
        assert by_instrument["last4"] == saved["last4"]


async def test_a_saved_card_keeps_the_fault_of_its_magic_token(sandbox):
    saved = (await sandbox.write("/instruments", {"token": "tok_error_charged"})).body
    assert (await sandbox.charge(token=saved["token"], key="att_1")).status == 500
    assert (await sandbox.charge(token=saved["token"], key="att_1")).body["state"] == "captured"


async def test_a_pending_charge_is_captured_automatically(sandbox, receiver):
    charge = (await sandbox.charge(token="tok_pending")).body
    await receiver.wait_for(2)
    assert receiver.types == ["charge.pending", "charge.captured"]
    assert (await sandbox.read(f"/charges/{charge['id']}")).body["captured_minor"] == 5990


async def test_a_pending_charge_can_be_settled_through_the_control_api(sandbox):
    charge = (await sandbox.charge(token="tok_pending", capture=False)).body
    path = f"/control/charges/{charge['id']}/settle"
    assert (await sandbox.call("POST", path, {"outcome": "declined"})).body["state"] == "declined"
    again = await sandbox.call("POST", path)
    assert (again.status, again.body["code"]) == (422, errors.NotPendingError.code)
