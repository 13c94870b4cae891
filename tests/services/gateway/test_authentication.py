import asyncio

import pytest

from incasso.merchants.v1 import merchants_pb2
from libs.errors import Kind, OutcomeUnknown, RemoteRefusal, ServiceUnavailable
from services.gateway.authentication import FRESH_SECONDS, STALE_SECONDS, Keys, bearer_of
from services.gateway.errors import ApiKeyMissing, ApiKeyUnknown
from tests.kit.grouped_cases import grouped
from tests.services.gateway.doubles import NARROW, PUBLISHABLE, REVOKED, SECRET, UNKNOWN
from tests.services.gateway.samples import ROUTES, every_route, name_of, sample, service_of
from tests.services.gateway.test_transcoder import problem

KEYS_THAT_DO_NOT_FIT = [
    (None, 401, "api_key_missing"),
    ("garbled key", 401, "api_key_unknown"),
    (UNKNOWN, 401, "api_key_unknown"),
    (REVOKED, 401, "api_key_revoked"),
    (NARROW, 403, "scope_missing"),
]


@grouped(
    "route, key, status, code",
    [(route, *key) for route in ROUTES for key in KEYS_THAT_DO_NOT_FIT],
    by=lambda route, *_: service_of(route),
    ids=lambda route, key, *_: f"{name_of(route)} with {key}",
)
async def test_every_route_refuses_missing_unknown_revoked_and_unscoped_keys(
    gateway, route, key, status, code
):
    one = sample(route)
    async with gateway.request(route.method, one.path, key=key, **one.arguments()) as response:
        await problem(response, status, code)
        assert ("WWW-Authenticate" in response.headers) == (status == 401)
    assert gateway.services.calls(route.rpc.name) == 0


@every_route
async def test_publishable_keys_may_only_make_calls_marked_for_them(gateway, route):
    one = sample(route)
    arguments = one.arguments()
    async with gateway.request(route.method, one.path, key=PUBLISHABLE, **arguments) as response:
        if route.rules.publishable:
            assert response.status == route.success_status
            assert gateway.services.last(route.rpc.name).call.publishable
        else:
            await problem(response, 403, "publishable_key_not_allowed")


def test_one_click_payments_are_publishable_and_refunds_are_not():
    publishable = {name_of(route) for route in ROUTES if route.rules.publishable}
    assert "PayOneClickSession" in publishable
    assert "RefundPayment" not in publishable


@pytest.mark.parametrize("header", [None, "", "Bearer", "Bearer ", "Basic c2s6", "sk_123456789"])
def test_a_header_without_a_bearer_key_is_a_missing_key(header):
    with pytest.raises(ApiKeyMissing):
        bearer_of(header)


@pytest.mark.parametrize("key", ["sk_short", "rk_00000000000", "sk_" + "x" * 300, "sk_ä00000000"])
def test_a_malformed_key_is_unknown(key):
    with pytest.raises(ApiKeyUnknown):
        bearer_of(f"Bearer {key}")


def test_the_scheme_may_be_in_any_case():
    assert bearer_of(f"bearer  {SECRET}") == SECRET


class Merchants:
    """A test double with answers and a clock that the test moves."""

    def __init__(self):
        self.seconds = 0.0
        self.asked = 0
        self.refusal = None
        self.keys = Keys(self.ask, seconds=lambda: self.seconds)

    async def ask(self, _):
        self.asked += 1
        await asyncio.sleep(0)
        if self.refusal:
            raise self.refusal
        return merchants_pb2.AuthenticateKeyResponse(api_key_id="key_1", merchant_id="mer_1")


async def test_concurrent_requests_with_one_key_authenticate_it_once():
    merchants = Merchants()
    found = await asyncio.gather(*(merchants.keys.identity(SECRET) for _ in range(50)))
    assert merchants.asked == 1
    assert {identity.merchant_id for identity in found} == {"mer_1"}


async def test_a_cached_key_is_authenticated_again_once_it_is_no_longer_fresh():
    merchants = Merchants()
    await merchants.keys.identity(SECRET)
    merchants.seconds = FRESH_SECONDS - 0.1
    await merchants.keys.identity(SECRET)
    assert merchants.asked == 1
    merchants.seconds = FRESH_SECONDS
    await merchants.keys.identity(SECRET)
    assert merchants.asked == 2


async def test_known_keys_stay_valid_for_an_hour_without_the_merchants_service():
    merchants = Merchants()
    await merchants.keys.identity(SECRET)
    merchants.refusal = OutcomeUnknown()
    merchants.seconds = STALE_SECONDS - 10
    assert (await merchants.keys.identity(SECRET)).merchant_id == "mer_1"
    with pytest.raises(ServiceUnavailable):
        await merchants.keys.identity(UNKNOWN)
    merchants.seconds = STALE_SECONDS + 1
    with pytest.raises(ServiceUnavailable):
        await merchants.keys.identity(SECRET)


async def test_an_unavailable_merchants_service_is_not_asked_on_every_request():
    merchants = Merchants()
    await merchants.keys.identity(SECRET)
    merchants.refusal = OutcomeUnknown()
    merchants.seconds = 60
    for _ in range(20):
        await merchants.keys.identity(SECRET)
    assert merchants.asked == 2


async def test_a_revoked_key_is_refused_within_seconds_and_the_refusal_is_cached():
    merchants = Merchants()
    await merchants.keys.identity(SECRET)
    merchants.refusal = RemoteRefusal(Kind.UNAUTHENTICATED, "api_key_revoked", "Revoked.")
    merchants.seconds = FRESH_SECONDS
    for _ in range(10):
        with pytest.raises(RemoteRefusal, match="Revoked"):
            await merchants.keys.identity(SECRET)
    assert merchants.asked == 2
    assert not merchants.keys.is_known(SECRET)


async def test_advancing_the_test_clock_drops_cached_keys(gateway):
    async with gateway.request("GET", "/v1/merchant") as response:
        assert response.status == 200
    asked = gateway.services.calls("AuthenticateKey")
    async with gateway.request("POST", "/v1/test-clock/advance", json={"seconds": 1}) as response:
        assert response.status == 200
    async with gateway.request("GET", "/v1/merchant") as response:
        assert response.status == 200
    assert gateway.services.calls("AuthenticateKey") == asked + 1


async def test_known_keys_keep_working_when_the_merchants_service_dies(new_gateway):
    async with new_gateway(alone="merchants") as gateway:
        async with gateway.request("GET", "/v1/payments") as response:
            assert response.status == 200
        await gateway.servers["merchants"].stop(0)
        async with gateway.request("GET", "/v1/payments") as response:
            assert response.status == 200
        async with gateway.request("GET", "/v1/payments", key=NARROW) as response:
            await problem(response, 503, "service_unavailable")
