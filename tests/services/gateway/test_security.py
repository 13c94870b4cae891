import pytest

from tests.services.gateway.doubles import PUBLISHABLE
from tests.services.gateway.samples import ROUTES, every_route, sample

ORIGIN = {"Origin": "https://shop.example"}
ASKING = {**ORIGIN, "Access-Control-Request-Method": "POST"}
SESSION = "/v1/one-click-sessions/ocs_1"


@pytest.mark.parametrize("path", ["/v1/merchant", "/v1/nothing", "/docs", "/js/v1/incasso.js"])
async def test_every_answer_has_safe_headers_and_a_trace(gateway, path):
    async with gateway.request("GET", path) as response:
        assert response.headers["X-Content-Type-Options"] == "nosniff"
        assert response.headers["Referrer-Policy"] == "no-referrer"
        assert "Server" not in response.headers
        assert response.headers["Content-Security-Policy"].startswith("default-src 'none'")
        assert "frame-ancestors 'none'" in response.headers["Content-Security-Policy"]
        assert len(response.headers["Incasso-Trace-Id"]) == 32
        assert "Strict-Transport-Security" not in response.headers
        assert (response.headers.get("Cache-Control") == "no-store") == path.startswith("/v1")


async def test_behind_tls_answers_send_hsts(new_gateway):
    async with (
        new_gateway(public_url="https://pay.example/") as gateway,
        gateway.request("GET", "/v1/merchant") as response,
    ):
        assert "max-age=31536000" in response.headers["Strict-Transport-Security"]


async def test_pages_of_any_origin_may_make_publishable_calls(gateway):
    async with gateway.request("OPTIONS", f"{SESSION}/pay", key=None, headers=ASKING) as response:
        assert response.status == 204
        assert response.headers["Access-Control-Allow-Origin"] == "*"
        assert response.headers["Access-Control-Allow-Methods"] == "POST"
        allowed = response.headers["Access-Control-Allow-Headers"].split(", ")
    headers = {header for route in ROUTES for header in route.header_fields.values()}
    assert {"Authorization", "Content-Type", "Idempotency-Key"} | headers <= set(allowed)
    for key, status in ((PUBLISHABLE, 200), (None, 401)):
        async with gateway.request("GET", SESSION, key=key, headers=ORIGIN) as response:
            assert response.status == status
            assert response.headers["Access-Control-Allow-Origin"] == "*"
            assert "Incasso-Trace-Id" in response.headers["Access-Control-Expose-Headers"]


@every_route
async def test_only_publishable_calls_allow_cross_origin_requests(gateway, route):
    one = sample(route)
    headers = {**ASKING, "Access-Control-Request-Method": route.method}
    async with gateway.request("OPTIONS", one.path, key=None, headers=headers) as response:
        allowed = response.headers.get("Access-Control-Allow-Methods", "").split(", ")
    assert (route.method in allowed) == route.rules.publishable
    async with gateway.request(route.method, one.path, headers=ORIGIN) as response:
        assert ("Access-Control-Allow-Origin" in response.headers) == route.rules.publishable


async def test_only_listed_origins_are_allowed(new_gateway):
    async with new_gateway(cors_origins="https://shop.example, https://b.example") as gateway:
        async with gateway.request("OPTIONS", SESSION, key=None, headers=ASKING) as response:
            assert response.headers["Access-Control-Allow-Origin"] == "https://shop.example"
            assert response.headers["Vary"] == "Origin"
        evil = {**ASKING, "Origin": "https://evil.example"}
        async with gateway.request("OPTIONS", SESSION, key=None, headers=evil) as response:
            assert "Access-Control-Allow-Origin" not in response.headers
        async with gateway.request("GET", SESSION, headers=evil) as response:
            assert "Access-Control-Allow-Origin" not in response.headers
            assert response.headers["Vary"] == "Origin"


async def test_the_demo_page_is_served_only_if_enabled(gateway, new_gateway):
    async with gateway.request("GET", "/demo/one-click") as response:
        assert response.status == 404
    async with (
        new_gateway(demo_pages=True) as other,
        other.request("GET", "/demo/one-click") as response,
    ):
        assert response.status == 200


async def test_an_unchanged_static_file_is_not_sent_again(gateway):
    async with gateway.request("GET", "/js/v1/incasso.js", headers=ORIGIN) as response:
        assert response.content_type == "text/javascript"
        assert response.headers["Access-Control-Allow-Origin"] == "*"
        tag = {"If-None-Match": response.headers["ETag"]}
    async with gateway.request("GET", "/js/v1/incasso.js", headers=tag) as response:
        assert response.status == 304
        assert await response.read() == b""
