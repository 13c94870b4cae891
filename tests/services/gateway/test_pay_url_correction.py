"""URLs that people mistype or that mail programs break: they lead to the page that was meant, or to an error page."""

import asyncio

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from services.gateway.pay import url_correction
from services.gateway.pay.texts import WORDS
from tests.services.gateway import pay_samples as samples
from tests.services.gateway import shop_samples
from tests.services.gateway.pay_samples import PATH, TOKEN, UNKNOWN, shown


@pytest.fixture(autouse=True)
def known(gateway):
    gateway.services.answers |= {
        "GetPayPage": shown(samples.page()),
        "GetShopPage": shop_samples.shop(),
    }


async def raw(gateway, path, *, method="GET", language="it"):
    """Status, headers and body of a request whose URL is sent unchanged."""
    host = gateway.url.removeprefix("http://")
    name, _, port = host.partition(":")
    reader, writer = await asyncio.open_connection(name, int(port))
    head = f"{method} {path} HTTP/1.1\r\nHost: {host}\r\nAccept-Language: {language}\r\n"
    writer.write(f"{head}Content-Length: 0\r\nConnection: close\r\n\r\n".encode())
    answer = (await reader.read()).decode()
    writer.close()
    top, _, body = answer.partition("\r\n\r\n")
    lines = top.split("\r\n")
    headers = {name.lower(): value for name, _, value in (h.partition(": ") for h in lines[1:])}
    return int(lines[0].split()[1]), headers, body


BROKEN = [
    *(
        f"{PATH}{end}"
        for end in ("/", "//", ".", ")", ",", "%3E", ">", "%20", "%0A", "%22", "'", ";")
    ),
    *(
        f"{PATH}{end}"
        for end in (").", "%C2%BB", "%E2%80%9D.", "%0D%0A", "!", ":", "*", "=", "%3D")
    ),
    f"/P/{TOKEN}",
    f"//p/{TOKEN}",
    f"/p//{TOKEN}",
    f"/%20p/{TOKEN}",
    f"/p/%3C{TOKEN}%3E",
    f"/p/{TOKEN}%20Grazie%20Giulia",
]


@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize("path", BROKEN)
async def test_a_mangled_address_redirects_to_the_intended_page(gateway, path, method):
    status, headers, _ = await raw(gateway, path, method=method)
    assert (status, headers["location"]) == (303, PATH)
    assert headers["cache-control"] == "no-store"
    assert gateway.services.seen == []  # nothing was looked up: the URL's text alone decides
    status, headers, _ = await raw(gateway, headers["location"], method=method)
    assert (status, headers["content-type"]) == (200, "text/html; charset=utf-8")


@pytest.mark.parametrize(
    ("path", "meant"),
    [
        ("/shop/bottega/", "/shop/bottega"),
        ("/shop/Bottega", "/shop/bottega"),
        ("/SHOP/BOTTEGA.", "/shop/bottega"),
        ("//shop/bottega)", "/shop/bottega"),
        ("/shop/bottega-verdi%20", "/shop/bottega-verdi"),
        (f"{PATH}/?lang=it", f"{PATH}?lang=it"),
        (f"{PATH}/stop-reminders.", f"{PATH}/stop-reminders"),
        ("/p/return/gAAA_-x==)", "/p/return/gAAA_-x%3D%3D"),
        ("/P/Return/gAAA", "/p/Return/gAAA"),
        ("/return/pay_1/", "/return/pay_1"),
        ("/Return/pay_1.", "/return/pay_1"),
    ],
)
async def test_mangled_shop_and_return_addresses_redirect_too(gateway, path, meant):
    status, headers, _ = await raw(gateway, path)
    assert (status, headers["location"]) == (303, meant)


@pytest.mark.parametrize("path", [PATH, f"{PATH}?lang=it", "/shop/bottega", "/p/return/gAAA_-x=="])
async def test_correct_addresses_are_not_corrected(gateway, path):
    status, headers, _ = await raw(gateway, path)
    assert "location" not in headers or path.startswith("/p/return")
    assert status in (200, 303)


@pytest.mark.parametrize("language", ["it", "en"])
@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/p", 404),
        ("GET", "/p/", 404),
        ("GET", "/shop", 404),
        ("GET", "/shop/", 404),
        ("GET", "/return", 404),
        ("GET", f"{PATH}/a/b", 404),
        ("GET", "/p/..%2F..%2Fv1", 404),
        ("GET", "/p/%FF%FE", 404),
        ("POST", PATH, 405),
        ("PUT", "/shop/bottega", 405),
        ("DELETE", f"{PATH}/pay", 405),
    ],
)
async def test_a_wrong_path_or_method_gets_an_error_page_in_the_readers_language(
    gateway, method, path, status, language
):
    gateway.services.answers |= dict.fromkeys(("GetPayPage", "PayByCard"), UNKNOWN)
    found, headers, body = await raw(gateway, path, method=method, language=language)
    if found == 303:
        found, headers, body = await raw(gateway, headers["location"], language=language)
    assert (found, headers["content-type"]) == (status, "text/html; charset=utf-8")
    assert WORDS[language]["missing_title"] in body


@pytest.mark.parametrize("path", ["/v1/nothing", "/", "/x/p/", "/psp", "/P3/x"])
async def test_unknown_addresses_of_other_kinds_get_a_problem(gateway, path):
    status, headers, _ = await raw(gateway, path)
    assert (status, headers["content-type"]) == (404, "application/problem+json")


@given(st.text(max_size=60))
@example("=/0:0")
def test_an_address_is_sent_on_at_most_once(text):
    for path in (f"/p/{text}", f"/shop/{text}", text):
        meant = url_correction.corrected_parts(path)
        assert url_correction.corrected_parts("/" + "/".join(meant)) == meant
        assert all(meant)
