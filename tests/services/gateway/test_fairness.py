"""One merchant's flood: calls beyond its share wait, then are refused; other merchants are not affected."""

import asyncio
import time

import pytest

from incasso.merchants.v1 import merchants_pb2
from incasso.oneclick.v1 import oneclick_pb2
from libs.errors import Kind, RemoteRefusal
from libs.web.limits import Limiter
from services.gateway import call_slots, fairness
from services.gateway.authentication import Identity
from services.gateway.call_slots import CallSlots, Files
from tests.services.gateway.doubles import PUBLISHABLE, SECRET
from tests.services.gateway.test_transcoder import BODY, KEY, PAY, problem
from tests.waiting import HANGING_SECONDS

QUIET = "sk_quiet00000000000000000000000000"
SECOND = "sk_second0000000000000000000000000"
OWNERS = {SECRET: "mer_loud", SECOND: "mer_loud", PUBLISHABLE: "mer_loud", QUIET: "mer_quiet"}
SESSION = "/v1/one-click-sessions/ocs_1"


def authenticate(request: merchants_pb2.AuthenticateKeyRequest):
    if request.secret not in OWNERS:
        return RemoteRefusal(Kind.UNAUTHENTICATED, "api_key_unknown", "No such key.")
    secret = request.secret.startswith("sk_")
    kinds = merchants_pb2.ApiKey
    return merchants_pb2.AuthenticateKeyResponse(
        api_key_id=f"key_{request.secret[3:9]}",
        merchant_id=OWNERS[request.secret],
        kind=kinds.KIND_SECRET if secret else kinds.KIND_PUBLISHABLE,
        scopes=["*"] if secret else [],
    )


class Held:
    """Calls that stay in progress until `end`; each adds to `started`."""

    def __init__(self, answer) -> None:
        self._answer = answer
        self._may_end = asyncio.Event()
        self.started = asyncio.Queue()

    async def call(self, _):
        self.started.put_nowait(None)
        await self._may_end.wait()
        return self._answer()

    def end(self):
        self._may_end.set()

    async def until(self, count):
        async with asyncio.timeout(HANGING_SECONDS):
            for _ in range(count):
                await self.started.get()


async def status(gateway, method, path, **arguments):
    async with gateway.request(method, path, **arguments) as response:
        return response.status


@pytest.fixture
def impatient(monkeypatch):
    monkeypatch.setattr(call_slots, "WAIT_SECONDS", 0.05)


async def test_a_flood_of_reads_is_refused_without_affecting_other_calls(new_gateway, impatient):
    held = Held(merchants_pb2.GetMerchantResponse)
    async with new_gateway(merchant_reads_at_once=2) as gateway:
        gateway.services.answers |= {"AuthenticateKey": authenticate, "GetMerchant": held.call}
        flood = [
            asyncio.create_task(status(gateway, "GET", "/v1/merchant", key=SECRET))
            for _ in range(2)
        ]
        await held.until(2)
        for key in (SECRET, SECOND):  # whatever the key
            async with gateway.request("GET", "/v1/merchant", key=key) as response:
                await problem(response, 429, "too_many_at_once")
                assert int(response.headers["Retry-After"]) > 0
        others = [
            status(gateway, "GET", "/v1/payments", key=QUIET),
            status(gateway, "POST", PAY, json=BODY, headers=KEY, key=QUIET),
            status(gateway, "POST", PAY, json=BODY, headers=KEY, key=SECRET),  # not a read
            status(
                gateway, "GET", SESSION, key=PUBLISHABLE, headers={"Incasso-Client-Secret": "x"}
            ),
        ]
        assert await asyncio.gather(*others) == [200, 201, 201, 200]
        held.end()
        assert await asyncio.gather(*flood) == [200, 200]
        assert await status(gateway, "GET", "/v1/merchant", key=SECRET) == 200


async def test_writes_have_slots_of_their_own(new_gateway, impatient):
    held = Held(oneclick_pb2.CreateOneClickPaymentResponse)
    async with new_gateway(merchant_calls_at_once=1) as gateway:
        gateway.services.answers |= {
            "AuthenticateKey": authenticate,
            "CreateOneClickPayment": held.call,
        }
        arguments = {"json": BODY, "headers": KEY, "key": SECRET}
        first = asyncio.create_task(status(gateway, "POST", PAY, **arguments))
        await held.until(1)
        async with gateway.request("POST", PAY, **arguments) as response:
            await problem(response, 429, "too_many_at_once")
        assert gateway.services.calls("CreateOneClickPayment") == 1
        assert await status(gateway, "GET", "/v1/merchant", key=SECRET) == 200
        held.end()
        assert await first == 201


async def test_a_short_burst_queues_and_is_served(new_gateway):
    async with new_gateway(merchant_reads_at_once=1) as gateway:
        gateway.services.answers["AuthenticateKey"] = authenticate
        burst = [status(gateway, "GET", "/v1/merchant", key=SECRET) for _ in range(20)]
        assert await asyncio.gather(*burst) == [200] * 20


async def test_a_call_beyond_the_maximum_queue_length_is_refused(new_gateway, monkeypatch):
    monkeypatch.setattr(call_slots, "MAX_WAITING", 1)
    monkeypatch.setattr(call_slots, "WAIT_SECONDS", 20.0)
    held = Held(merchants_pb2.GetMerchantResponse)
    async with new_gateway(merchant_reads_at_once=1) as gateway:
        gateway.services.answers |= {"AuthenticateKey": authenticate, "GetMerchant": held.call}
        three = [
            asyncio.create_task(status(gateway, "GET", "/v1/merchant", key=SECRET))
            for _ in range(3)
        ]
        done, _ = await asyncio.wait(three, return_when=asyncio.FIRST_COMPLETED)
        assert [task.result() for task in done] == [429]
        held.end()
        assert sorted(await asyncio.gather(*three)) == [200, 200, 429]


async def test_a_rate_limit_refusal_is_delayed(new_gateway):
    config = {"merchant_requests_burst": 1.0, "merchant_requests_per_second": 0.01}
    async with new_gateway(**config, slow_down_seconds=0.4) as gateway:
        assert await status(gateway, "GET", "/v1/merchant", key=SECRET) == 200
        started = time.monotonic()
        assert await status(gateway, "GET", "/v1/merchant", key=SECRET) == 429
        assert time.monotonic() - started >= 0.2


async def test_all_secret_keys_of_a_merchant_share_a_rate_and_browsers_have_their_own(
    new_gateway, impatient
):
    config = {"merchant_requests_per_second": 0.01, "merchant_requests_burst": 3.0}
    async with new_gateway(**config) as gateway:
        gateway.services.answers["AuthenticateKey"] = authenticate
        found = [
            await status(gateway, "GET", "/v1/merchant", key=key)
            for key in (SECRET, SECOND, SECRET, SECOND, QUIET)
        ]
        assert found == [200, 200, 200, 429, 200]
        assert await status(gateway, "GET", SESSION, key=PUBLISHABLE) == 200


async def test_one_address_cannot_use_up_a_publishable_key(new_gateway, impatient):
    config = {
        "browser_requests_per_second": 0.01,
        "browser_requests_burst": 2.0,
        "trusted_proxies": 1,
    }
    async with new_gateway(**config) as gateway:
        gateway.services.answers["AuthenticateKey"] = authenticate
        found = [
            await status(
                gateway, "GET", SESSION, key=PUBLISHABLE, headers={"X-Forwarded-For": address}
            )
            for address in ("192.0.2.1", "192.0.2.1", "192.0.2.1", "192.0.2.2")
        ]
        assert found == [200, 200, 429, 200]


def test_frequent_refusals_of_a_merchant_are_delayed_longer(monkeypatch):
    none = Limiter(rate=1.0, burst=1.0)
    edge = fairness.Fairness(
        by_merchant=none,
        by_browser=none,
        slots=CallSlots(reads=1, calls=1),
        files=Files(each=1, total=1),
        slow_down_seconds=1.0,
    )
    monkeypatch.setattr(edge, "_refusals", Limiter(rate=0.001, burst=2.0))
    loud, quiet = (
        Identity("key_1", merchant_id, False, frozenset(), 0)
        for merchant_id in ("mer_loud", "mer_quiet")
    )
    held = [edge.hold_seconds(loud) for _ in range(4)]
    assert max(held[:2]) <= 1.5
    assert min(held[2:]) >= 2.0
    assert edge.hold_seconds(quiet) <= 1.5
    assert max(edge.hold_seconds(None) for _ in range(9)) <= 1.5
