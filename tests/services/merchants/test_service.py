"""The gRPC servicer: the answer of every RPC, and every refusal with its code and reason."""

import asyncio

import pytest

from incasso.merchants.v1 import merchants_pb2 as pb
from libs.errors import Kind
from tests.services.merchants.conftest import Merchants, authenticate, refusal, violations

SECRET = pb.ApiKey.KIND_SECRET
PUBLISHABLE = pb.ApiKey.KIND_PUBLISHABLE


# Merchants


async def test_a_merchant_is_created_with_two_keys_whose_secrets_work(service: Merchants):
    made = await service.create(test=True, locale="it")
    assert made.merchant.id.startswith("mer_")
    assert (made.merchant.plan, made.merchant.locale, made.merchant.test) == ("basic", "it", True)
    secret, publishable = made.api_keys
    assert (secret.kind, list(secret.scopes)) == (SECRET, ["*"])
    assert (publishable.kind, list(publishable.scopes)) == (PUBLISHABLE, [])
    assert secret.secret.startswith("sk_")
    assert publishable.secret.startswith("pk_")
    assert secret.last4 == secret.secret[-4:]
    found = await authenticate(service, secret.secret)
    assert (found.api_key_id, found.merchant_id, found.kind) == (
        secret.id,
        made.merchant.id,
        SECRET,
    )
    assert list(found.scopes) == ["*"]
    assert (await authenticate(service, publishable.secret)).kind == PUBLISHABLE


@pytest.mark.parametrize(
    ("given", "zone"),
    [
        ({"country": "IT"}, "Europe/Rome"),
        ({"country": "DE"}, "Europe/Berlin"),
        ({"country": "US"}, "America/New_York"),
        ({"country": "AQ"}, "UTC"),
        ({"country": "ES", "time_zone": "Atlantic/Canary"}, "Atlantic/Canary"),
    ],
)
async def test_a_merchants_days_are_those_of_its_countrys_capital_where_it_names_no_other_zone(
    service: Merchants, given, zone
):
    assert (await service.create(**given)).merchant.time_zone == zone


async def test_an_unknown_time_zone_is_refused(service: Merchants):
    assert await violations(service.create(time_zone="Europe/Turin")) == {
        "time_zone": 'must be a zone of the IANA database such as "Europe/Rome"'
    }


async def test_creating_a_merchant_twice_with_one_key_makes_one_and_shows_secrets_once(
    service: Merchants,
):
    first = await service.create(key="setup-1")
    again = await service.create(key="setup-1")
    assert again.merchant == first.merchant
    assert [key.id for key in again.api_keys] == [key.id for key in first.api_keys]
    assert not any(key.HasField("secret") for key in again.api_keys)
    assert len((await service.call("ListMerchants")).data) == 1


async def test_fifty_concurrent_creations_with_one_key_make_one_merchant(service: Merchants):
    made = await asyncio.gather(*(service.create(key="setup-1") for _ in range(50)))
    assert len({answer.merchant.id for answer in made}) == 1
    assert sum(answer.api_keys[0].HasField("secret") for answer in made) == 1


async def test_the_same_key_with_another_merchant_is_refused(service: Merchants):
    await service.create(key="setup-1")
    answer = await refusal(service.create(key="setup-1", name="Other"))
    assert answer == (Kind.UNPROCESSABLE, "idempotency_key_reused")


async def test_an_unknown_plan_is_refused_naming_the_known_plans(service: Merchants):
    wrong = await violations(service.create(plan="gold"))
    assert wrong == {"plan": "must be one of: basic, enterprise, pro"}


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("name", ""),
        ("name", "x" * 101),
        ("country", "XX"),
        ("default_currency", "EURO"),
        ("locale", "italiano"),
    ],
)
async def test_an_invalid_merchant_is_refused_naming_the_field(
    service: Merchants, field: str, value: str
):
    assert list(await violations(service.create(**{field: value}))) == [field]


async def test_merchants_are_listed_newest_first_in_pages(service: Merchants):
    created = [(await service.create(name=f"Shop {n}")).merchant.id for n in range(5)]
    page = await service.call("ListMerchants", limit=3)
    rest = await service.call("ListMerchants", limit=3, cursor=page.next_cursor)
    assert [merchant.id for merchant in [*page.data, *rest.data]] == created[::-1]
    assert not rest.HasField("next_cursor")


async def test_an_invalid_cursor_is_refused(service: Merchants):
    answer = await refusal(service.call("ListMerchants", cursor="nonsense"))
    assert answer == (Kind.INVALID, "cursor_invalid")


async def test_an_update_keeps_absent_fields(service: Merchants):
    merchant = (await service.create()).merchant
    branding = pb.Branding(primary_colour="#0b5cad", reply_to="hello@shop.example")
    await service.call("UpdateMerchant", merchant_id=merchant.id, branding=branding)
    changed = await service.call("UpdateMerchant", merchant_id=merchant.id, name="Bottega Nova")
    assert changed.merchant.name == "Bottega Nova"
    assert changed.merchant.locale == "it"
    assert changed.merchant.branding == branding
    assert (await service.call("GetMerchant", merchant_id=merchant.id)).merchant == changed.merchant


async def test_branding_is_replaced_as_a_whole(service: Merchants):
    merchant = (await service.create()).merchant
    for branding in (pb.Branding(primary_colour="#0b5cad"), pb.Branding(reply_to="a@shop.example")):
        changed = await service.call("UpdateMerchant", merchant_id=merchant.id, branding=branding)
    assert changed.merchant.branding == pb.Branding(reply_to="a@shop.example")


async def test_a_repeated_change_does_not_undo_a_later_one(service: Merchants):
    merchant = (await service.create()).merchant
    await service.call("UpdateMerchant", merchant_id=merchant.id, name="One", key="k1")
    await service.call("UpdateMerchant", merchant_id=merchant.id, name="Two", key="k2")
    again = await service.call("UpdateMerchant", merchant_id=merchant.id, name="One", key="k1")
    assert again.merchant.name == "Two"


@pytest.mark.parametrize("name", ["GetMerchant", "UpdateMerchant", "GetTestClock"])
async def test_a_merchant_that_does_not_exist_is_not_found(service: Merchants, name: str):
    answer = await refusal(service.call(name, merchant_id="mer_00000000000000000000000000"))
    assert answer == (Kind.NOT_FOUND, "merchant_not_found")


@pytest.mark.parametrize(
    ("name", "fields"),
    [
        ("GetMerchant", {}),
        ("UpdateMerchant", {}),
        ("CreateApiKey", {"kind": PUBLISHABLE}),
        ("ListApiKeys", {}),
        ("RotateApiKey", {"api_key_id": "key_x"}),
        ("RevokeApiKey", {"api_key_id": "key_x"}),
        ("GetTestClock", {}),
        ("AdvanceTestClock", {"seconds": 1}),
    ],
)
async def test_a_call_that_names_no_merchant_is_refused(service: Merchants, name, fields):
    answer = await refusal(service.call(name, **fields))
    assert answer == (Kind.UNAUTHENTICATED, "merchant_missing")


# Authentication


@pytest.mark.parametrize("secret", ["sk_", "sk_" + "a" * 32, "Bearer x", "pk_" + "ä" * 32])
async def test_an_unknown_key_is_refused(service: Merchants, secret: str):
    answer = await refusal(authenticate(service, secret))
    assert answer == (Kind.UNAUTHENTICATED, "api_key_unknown")


async def test_a_revoked_key_is_refused_and_can_be_revoked_again(service: Merchants):
    made = await service.create()
    key = made.api_keys[0]
    for _ in range(2):
        revoked = await service.call(
            "RevokeApiKey", merchant_id=made.merchant.id, api_key_id=key.id
        )
        assert revoked.api_key.state == pb.ApiKey.STATE_REVOKED
    answer = await refusal(authenticate(service, key.secret))
    assert answer == (Kind.UNAUTHENTICATED, "api_key_revoked")


async def test_authenticating_a_key_returns_its_merchants_clock_offset(service: Merchants):
    made = await service.create(test=True)
    await service.call("AdvanceTestClock", merchant_id=made.merchant.id, seconds=3600)
    found = await authenticate(service, made.api_keys[0].secret)
    assert found.clock_offset_seconds == 3600


# Test clocks


async def test_a_test_clock_runs_ahead_by_the_sum_of_its_advances(service: Merchants):
    merchant = (await service.create(test=True)).merchant
    for seconds in (86_400, 1):
        await service.call("AdvanceTestClock", merchant_id=merchant.id, seconds=seconds)
    shown = await service.call("GetTestClock", merchant_id=merchant.id)
    assert shown.offset_seconds == 86_401
    assert shown.now.seconds == int(service.time.now.timestamp()) + 86_401


async def test_advancing_twice_with_one_key_advances_once(service: Merchants):
    merchant = (await service.create(test=True)).merchant
    for _ in range(2):
        answer = await service.call(
            "AdvanceTestClock", merchant_id=merchant.id, seconds=60, key="k1"
        )
        assert answer.offset_seconds == 60
    assert (await service.call("GetTestClock", merchant_id=merchant.id)).offset_seconds == 60


async def test_concurrent_clock_advances_all_count(service: Merchants):
    merchant = (await service.create(test=True)).merchant
    work = (service.call("AdvanceTestClock", merchant_id=merchant.id, seconds=1) for _ in range(20))
    await asyncio.gather(*work)
    assert (await service.call("GetTestClock", merchant_id=merchant.id)).offset_seconds == 20


async def test_a_live_merchant_has_no_test_clock(service: Merchants):
    merchant = (await service.create()).merchant
    for work in (
        service.call("GetTestClock", merchant_id=merchant.id),
        service.call("AdvanceTestClock", merchant_id=merchant.id, seconds=1),
    ):
        assert await refusal(work) == (Kind.CONFLICT, "not_a_test_merchant")


async def test_a_clock_stays_within_a_century(service: Merchants):
    merchant = (await service.create(test=True)).merchant
    for _ in range(9):
        await service.call("AdvanceTestClock", merchant_id=merchant.id, seconds=315_576_000)
    work = service.call("AdvanceTestClock", merchant_id=merchant.id, seconds=315_576_001)
    assert list(await violations(work)) == ["seconds"]
    assert list(
        await violations(service.call("AdvanceTestClock", merchant_id=merchant.id, seconds=0))
    ) == ["seconds"]
