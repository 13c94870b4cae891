from hypothesis import given
from hypothesis import strategies as st

from services.gateway.limits import MAX_BUCKETS, Limiter
from services.gateway.transcoder import client_address
from tests.services.gateway.conftest import SECRET, UNKNOWN
from tests.services.gateway.test_transcoder import problem


def test_a_burst_is_granted_and_then_the_rate():
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


def test_memory_is_bounded():
    limiter = Limiter(rate=1.0, burst=1.0)
    for number in range(MAX_BUCKETS + 500):
        limiter.take(str(number), 0.0)
    assert len(limiter._buckets) == MAX_BUCKETS


async def test_a_key_above_its_rate_is_told_when_to_come_back(new_gateway):
    async with new_gateway(key_requests_per_second=0.5, key_requests_burst=2.0) as gateway:
        for _ in range(2):
            async with gateway.request("GET", "/v1/merchant") as response:
                assert response.status == 200
        async with gateway.request("GET", "/v1/merchant") as response:
            await problem(response, 429, "too_many_requests")
            assert 1 <= int(response.headers["Retry-After"]) <= 3


async def test_an_address_that_tries_keys_is_slowed_but_known_keys_go_on(new_gateway):
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


class Headers(dict):
    def getall(self, name, default):
        return self.get(name, default)


class Request:
    def __init__(self, *forwarded):
        self.headers = Headers({"X-Forwarded-For": list(forwarded)} if forwarded else {})
        self.remote = "10.0.0.1"


def test_the_address_is_what_the_trusted_proxy_saw():
    assert client_address(Request("1.1.1.1"), 0) == "10.0.0.1"
    assert client_address(Request("6.6.6.6, 1.1.1.1"), 1) == "1.1.1.1"
    assert client_address(Request("6.6.6.6, 1.1.1.1", "2.2.2.2"), 2) == "1.1.1.1"
    assert client_address(Request(), 1) == "10.0.0.1"
