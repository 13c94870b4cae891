import socket
from ipaddress import ip_network

import pytest
from aiohttp import ClientTimeout
from aiohttp.abc import AbstractResolver

from services.notify.errors import WebhookUrlRefused
from services.notify.webhooks.guard import Guard, is_allowed
from services.notify.webhooks.receivers_client import Receivers
from tests.waiting import HANGING_SECONDS

PATIENT = ClientTimeout(total=HANGING_SECONDS)
LOOPBACK = [ip_network("127.0.0.0/8")]
PUBLIC = ["93.184.216.34", "8.8.8.8", "2606:4700:4700::1111", "64:ff9b::808:808"]
PRIVATE = [
    "0.0.0.0",
    "10.0.0.1",
    "100.64.0.1",
    "127.0.0.1",
    "127.8.9.1",
    "169.254.169.254",
    "172.16.0.1",
    "192.0.0.8",
    "192.88.99.1",
    "192.168.1.1",
    "198.18.0.1",
    "203.0.113.5",
    "224.0.0.1",
    "239.255.255.250",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "::7f00:1",
    "::ffff:10.0.0.1",
    "::ffff:127.0.0.1",
    "::ffff:169.254.169.254",
    "64:ff9b::a00:1",
    "64:ff9b:1::7f00:1",
    "2001:0:4136:e378:8000:63bf:80ff:fffe",
    "2001:db8::1",
    "2002:7f00:1::",
    "2002:a9fe:a9fe::1",
    "fc00::1",
    "fe80::1",
    "fe80::1%eth0",
    "fec0::1",
    "ff02::1",
    "not an address",
]


class Names(AbstractResolver):
    """Resolves every name to the test's addresses."""

    def __init__(self, *addresses: str) -> None:
        self.addresses = addresses

    async def resolve(self, host: str, port: int = 0, family=socket.AF_UNSPEC):
        if not self.addresses:
            raise OSError("no such name")
        return [
            {
                "hostname": host,
                "host": address,
                "port": port,
                "family": socket.AF_INET6 if ":" in address else socket.AF_INET,
                "proto": 0,
                "flags": 0,
            }
            for address in self.addresses
        ]

    async def close(self) -> None:
        pass


async def refused(guard: Guard, url: str) -> str:
    with pytest.raises(WebhookUrlRefused) as caught:
        await guard.check(url)
    (violation,) = caught.value.violations
    assert violation.field == "url"
    return violation.description


@pytest.mark.parametrize("address", PUBLIC)
def test_a_public_address_is_allowed_over_tls_only(address: str):
    assert is_allowed(address, [], secure=True)
    assert not is_allowed(address, LOOPBACK, secure=False)


@pytest.mark.parametrize("address", PRIVATE)
def test_an_address_that_is_not_public_is_refused(address: str):
    assert not is_allowed(address, [], secure=True)
    assert not is_allowed(address, [], secure=False)


def test_allowed_networks_pass_with_and_without_tls():
    for address in ("127.0.0.1", "::ffff:127.0.0.1"):
        assert is_allowed(address, LOOPBACK, secure=True)
        assert is_allowed(address, LOOPBACK, secure=False)
    assert not is_allowed("10.0.0.1", LOOPBACK, secure=True)


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("http://shop.example/hook", "must be https"),
        ("ftp://shop.example/hook", "must be an absolute https address"),
        ("https:///hook", "must be an absolute https address"),
        ("https://user@shop.example/", "must not carry a user name or password"),
        ("https://user:word@shop.example/", "must not carry a user name or password"),
        ("https://shop.example:0/", "must be an absolute https address"),
        ("https://[::1", "is not an address"),
    ],
)
async def test_a_malformed_or_insecure_url_is_refused(url: str, reason: str):
    assert await refused(Guard(resolver=Names("93.184.216.34")), url) == reason


@pytest.mark.parametrize(
    "address", ["127.0.0.1", "169.254.169.254", "::ffff:10.0.0.1", "10.1.2.3", "::1"]
)
async def test_a_name_that_resolves_to_a_private_address_is_refused(address: str):
    for names in (Names(address), Names("93.184.216.34", address)):
        reason = await refused(Guard(resolver=names), "https://shop.example/hook")
        assert reason == "leads to an address that is not public"


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "2130706433", "0x7f.0.0.1", "127.1", "[::1]", "[::ffff:127.0.0.1]"]
)
async def test_a_literal_address_of_a_private_network_is_refused(host: str):
    reason = await refused(Guard(), f"https://{host}/")
    assert reason == "leads to an address that is not public"


async def test_a_public_or_unresolvable_name_is_accepted_over_https():
    await Guard(resolver=Names("93.184.216.34")).check("https://shop.example/hook")
    await Guard(resolver=Names()).check("https://shop.example/hook")
    assert await refused(Guard(resolver=Names()), "http://shop.example/") == "must be https"


async def test_http_is_accepted_only_if_every_address_is_in_an_allowed_network():
    await Guard(LOOPBACK, Names("127.0.0.1")).check("http://inbox.test:8080/")
    mixed = Guard(LOOPBACK, Names("127.0.0.1", "93.184.216.34"))
    assert await refused(mixed, "http://inbox.test:8080/") == "must be https"


@pytest.mark.parametrize("scheme", ["http", "https"])
@pytest.mark.parametrize(
    "addresses",
    [
        ["127.0.0.1"],
        ["169.254.169.254"],
        ["::ffff:10.0.0.1"],
        ["127.0.0.1", "10.0.0.1"],
        ["64:ff9b::7f00:1", "10.0.0.1"],
    ],
)
async def test_a_name_that_resolves_to_a_private_address_is_refused_at_the_socket(
    receiver, scheme: str, addresses: list[str]
):
    receivers = Receivers(Guard(resolver=Names(*addresses)), PATIENT)
    port = receiver.url.rpartition(":")[2]
    attempt = await receivers.post(f"{scheme}://shop.example:{port}/hook", {}, b"{}")
    await receivers.close()
    assert attempt.error == "address refused"
    assert receiver.received == []


@pytest.mark.parametrize("host", ["127.0.0.1", "[::1]", "[::ffff:127.0.0.1]"])
async def test_a_literal_private_address_is_refused_at_the_socket(receiver, host: str):
    receivers = Receivers(Guard(), PATIENT)
    port = receiver.url.rpartition(":")[2]
    attempt = await receivers.post(f"http://{host}:{port}/hook", {}, b"{}")
    await receivers.close()
    assert attempt.error == "address refused"
    assert receiver.received == []


async def test_an_unresolvable_name_fails_the_attempt():
    receivers = Receivers(Guard(resolver=Names()), PATIENT)
    attempt = await receivers.post("https://shop.example/hook", {}, b"{}")
    await receivers.close()
    assert attempt.error == "the host's name was not found"


async def test_a_receiver_without_tls_fails_the_attempt(receiver):
    receivers = Receivers(Guard(LOOPBACK), PATIENT)
    attempt = await receivers.post(receiver.url.replace("http:", "https:"), {}, b"{}")
    await receivers.close()
    assert attempt.error == "TLS failed"
