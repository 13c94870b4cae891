import pytest
from hypothesis import given
from hypothesis import strategies as st

from incasso.paylink.v1 import pages_pb2
from libs import ids
from libs.errors import Kind, RemoteRefusal
from libs.web.client_addresses import Addresses, network
from libs.web.limits import MAX_BUCKETS, Limiter
from services.gateway.rules.limits import PLAN_BURST_SECONDS, Plans
from tests.services.gateway import pay_samples
from tests.services.gateway.doubles import SECRET, SMALL_PLAN, UNKNOWN
from tests.services.gateway.pay_samples import UNKNOWN as UNKNOWN_LINK
from tests.services.gateway.test_transcoder import problem


def test_a_limiter_grants_its_burst_and_then_its_rate():
    limiter = Limiter(rate=2.0, burst=3.0)
    assert [limiter.take("k", 0.0) for _ in range(4)] == [0.0, 0.0, 0.0, 0.5]
    assert limiter.take("k", 0.5) == 0.0
    assert limiter.take("k", 0.5) == 0.5
    assert limiter.take("other", 0.5) == 0.0


@given(st.lists(st.floats(min_value=0, max_value=3), max_size=200))
def test_never_more_than_burst_and_rate(pauses):
    limiter, now, granted = Limiter(rate=5.0, burst=10.0), 0.0, 0
    for pause in pauses:
        now += pause
        granted += limiter.take("k", now) == 0.0
        assert granted <= 10.0 + now * 5.0 + 1e-6


def test_a_limiter_keeps_a_bounded_number_of_buckets():
    limiter = Limiter(rate=1.0, burst=1.0)
    for number in range(MAX_BUCKETS + 500):
        limiter.take(str(number), 0.0)
    assert len(limiter._buckets) == MAX_BUCKETS


async def test_a_merchant_above_its_rate_gets_a_retry_after_header(new_gateway):
    async with new_gateway(
        merchant_requests_per_second=0.5, merchant_requests_burst=2.0
    ) as gateway:
        for _ in range(2):
            async with gateway.request("GET", "/v1/merchant") as response:
                assert response.status == 200
        async with gateway.request("GET", "/v1/merchant") as response:
            await problem(response, 429, "too_many_requests")
            assert 1 <= int(response.headers["Retry-After"]) <= 3


async def test_all_secret_keys_of_a_merchant_share_its_plans_rate(gateway):
    first, second, published = SMALL_PLAN
    for number in range(PLAN_BURST_SECONDS):
        key = (first, second)[number % 2]
        async with gateway.request("GET", "/v1/merchant", key=key) as response:
            assert response.status == 200
    for key in (first, second):
        async with gateway.request("GET", "/v1/merchant", key=key) as response:
            body = await problem(response, 429, "plan_rate_exceeded")
            assert int(response.headers["Retry-After"]) >= 1
        assert body["detail"].startswith('The plan "tiny" allows 1 requests per second')
    # Requests with the publishable key do not use up the server's share.
    async with gateway.request("GET", "/v1/merchant", key=published) as response:
        await problem(response, 403, "publishable_key_not_allowed")
    async with gateway.request("GET", "/v1/merchant", key=SECRET) as response:
        assert response.status == 200


async def test_answers_state_how_many_requests_are_left(new_gateway):
    async with new_gateway(
        merchant_requests_per_second=0.001, merchant_requests_burst=2.0
    ) as gateway:
        key = next(iter(SMALL_PLAN))
        for status, left in [(200, 1), (200, 0), (429, 0)]:
            async with gateway.request("GET", "/v1/merchant", key=key) as response:
                assert response.status == status
                headers = response.headers
            assert headers["RateLimit-Policy"] == '"merchant";q=2;w=2000, "plan";q=5;w=5'
            assert headers["RateLimit"].startswith(f'"merchant";r={left};t=')
            assert '"plan";r=' in headers["RateLimit"]
        async with gateway.request("GET", "/v1/merchant", key=UNKNOWN) as response:
            assert response.status == 401
            assert "RateLimit" not in response.headers


def test_a_plan_without_a_rate_has_no_limit():
    plans = Plans()
    assert [plans.take("m", 0.0, rate=0) for _ in range(1000)] == [0.0] * 1000
    taken = [plans.take("m", 0.0, rate=2) for _ in range(2 * PLAN_BURST_SECONDS + 1)]
    assert taken == [0.0] * 2 * PLAN_BURST_SECONDS + [0.5]


async def test_an_address_that_guesses_keys_is_limited_but_known_keys_still_work(new_gateway):
    async with new_gateway(failures_per_second=0.1, failures_burst=3.0) as gateway:
        async with gateway.request("GET", "/v1/merchant", key=SECRET) as response:
            assert response.status == 200
        for number in range(3):
            async with gateway.request("GET", "/v1/merchant", key=f"{UNKNOWN}{number}") as answer:
                assert answer.status == 401
        asked = gateway.services.calls("AuthenticateKey")
        async with gateway.request("GET", "/v1/merchant", key=f"{UNKNOWN}9") as response:
            await problem(response, 429, "too_many_requests")
        assert gateway.services.calls("AuthenticateKey") == asked
        async with gateway.request("GET", "/v1/merchant", key=SECRET) as response:
            assert response.status == 200


WEBHOOK = "/webhooks/psp/psa_1"
STRANGER = RemoteRefusal(Kind.UNAUTHENTICATED, "webhook_signature_invalid", "No.")


async def statuses(gateway, method, paths, *, key=None):
    found = []
    for path in paths:
        headers = {"Content-Type": "message/rfc822"}
        async with gateway.request(method, path, key=key, data=b"{}", headers=headers) as response:
            found.append(response.status)
    return found


async def flood(gateway):
    """Every kind of failure that a stranger can cause, far beyond the limit."""
    gateway.services.answers |= {
        "GetPayPage": UNKNOWN_LINK,
        "GetShopPage": UNKNOWN_LINK,
        "HandlePspWebhook": STRANGER,
        "HandleSmsStatus": STRANGER,
        "HandleBounce": STRANGER,
    }
    for method, path in [
        ("GET", "/p/tok"),
        ("GET", "/shop/nobody"),
        ("GET", "/return/nobody"),
        ("POST", WEBHOOK),
        ("POST", "/webhooks/sms/twilio"),
        ("POST", "/webhooks/bounces"),
    ]:
        found = await statuses(gateway, method, [path] * 12)
        assert 429 in found, (path, found)


@pytest.mark.parametrize(
    "purpose", ["GET /p/", "GET /return/", "POST /webhooks/sms/", "POST /webh"]
)
async def test_failures_on_one_kind_of_path_do_not_limit_the_others(new_gateway, purpose):
    async with new_gateway(failures_per_second=0.01, failures_burst=10.0) as gateway:
        gateway.services.answers["GetPayPage"] = UNKNOWN_LINK
        method, path = purpose.split()
        gateway.services.answers["HandlePspWebhook"] = STRANGER
        gateway.services.answers["HandleSmsStatus"] = STRANGER
        path = {"/webh": WEBHOOK}.get(path, f"{path}nobody")
        assert 429 in await statuses(gateway, method, [path] * 15)
        gateway.services.answers |= {
            "GetPayPage": pages_pb2.GetPayPageResponse(page=pay_samples.page()),
            "HandlePspWebhook": None,
            "HandleSmsStatus": None,
        }
        genuine = [
            ("GET", f"/return/{ids.new('pay')}", None),
            ("GET", pay_samples.PATH, None),
            ("GET", "/v1/merchant", SECRET),
            ("POST", WEBHOOK, None),
            ("POST", "/webhooks/sms/twilio", None),
            ("POST", "/webhooks/bounces", None),
        ]
        for verb, address, key in genuine:
            limited = f"{verb} {address}".startswith(f"{method} {path.removesuffix('nobody')}")
            (status,) = await statuses(gateway, verb, [address], key=key)
            assert (status == 429) == limited, (verb, address, status)


async def test_forged_webhooks_do_not_limit_a_verified_account(new_gateway):
    async with new_gateway(failures_per_second=0.01, failures_burst=10.0) as gateway:
        assert await statuses(gateway, "POST", [WEBHOOK]) == [200]
        gateway.services.answers["HandlePspWebhook"] = lambda request: (
            STRANGER if request.psp_account_id != "psa_1" else None
        )
        others = [f"/webhooks/psp/psa_{number}" for number in range(2, 40)]
        assert (await statuses(gateway, "POST", others)).count(429) == 28
        assert await statuses(gateway, "POST", [WEBHOOK] * 20) == [200] * 20


async def test_strangers_failures_do_not_limit_known_keys(new_gateway):
    async with new_gateway(failures_per_second=0.01, failures_burst=10.0) as gateway:
        assert await statuses(gateway, "GET", ["/v1/merchant"], key=SECRET) == [200]
        await flood(gateway)
        for number in range(30):
            await statuses(gateway, "GET", ["/v1/merchant"], key=f"{UNKNOWN}{number}")
        assert await statuses(gateway, "GET", ["/v1/merchant"] * 20, key=SECRET) == [200] * 20


async def test_a_rate_limited_shopper_gets_a_page(new_gateway):
    async with new_gateway(failures_per_second=0.01, failures_burst=1.0) as gateway:
        path = "/return/nobody"
        assert await statuses(gateway, "GET", [path]) == [404]
        async with gateway.request("GET", path, key=None) as response:
            assert response.status == 429
            assert response.content_type == "text/html"
            assert int(response.headers["Retry-After"]) > 0


class Headers(dict):
    def getall(self, name, default):
        return self.get(name, default)


class Request:
    def __init__(self, *forwarded):
        self.headers = Headers({"X-Forwarded-For": list(forwarded)} if forwarded else {})
        self.remote = "10.0.0.1"


def test_the_client_address_is_the_one_that_the_trusted_proxy_saw():
    assert Addresses(0).of(Request("1.1.1.1")) == "10.0.0.1"
    assert Addresses(1).of(Request("6.6.6.6, 1.1.1.1")) == "1.1.1.1"
    assert Addresses(2).of(Request("6.6.6.6, 1.1.1.1", "2.2.2.2")) == "1.1.1.1"
    assert Addresses(1).of(Request()) == "10.0.0.1"
    assert Addresses(1).of(Request("1.1.1.1:443")) == "1.1.1.1"
    assert Addresses(1).of(Request("[2001:db8::1]:443")) == "2001:db8::1"
    assert Addresses(1).of(Request("nonsense")) == "10.0.0.1"


def test_a_wrong_number_of_proxies_is_reported():
    addresses = Addresses(0)
    addresses.of(Request())
    assert addresses.complaint == ""
    addresses.of(Request("1.1.1.1"))
    assert "INCASSO_TRUSTED_PROXIES is 0" in addresses.complaint
    addresses = Addresses(2)
    addresses.of(Request("6.6.6.6, 1.1.1.1"))
    assert addresses.complaint == ""
    addresses.of(Request("1.1.1.1"))
    assert "fewer hops" in addresses.complaint


def test_ipv6_addresses_are_counted_by_their_64_bit_network():
    assert network("2001:db8::1") == network("2001:db8::2:3") == "2001:db8::/64"
    assert network("2001:db8:0:1::1") != network("2001:db8::1")
    assert network("::ffff:10.0.0.1") == network("10.0.0.1") == "10.0.0.1"
    assert network("fe80::1%eth0") == "fe80::/64"
    assert network("unknown") == "unknown"
