"""TLS between services: certificates on both sides, replaced without a restart."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from pathlib import Path

import grpc
import pytest
from cryptography import x509
from pydantic import ValidationError

from incasso.payments.v1 import payments_pb2, payments_pb2_grpc
from libs import client, tls, watched
from libs.errors import OutcomeUnknown
from libs.server import Server
from libs.settings import TlsSettings
from libs.tasks import Tasks
from libs.tls import Tls
from libs.watched import FileError
from stack.certificates import Authority, pem_of
from stack.private import write_private
from tests.libs.test_server import SERVICE, Servicer
from tests.waiting import HANGING_SECONDS


def issue(authority: Authority, folder: Path) -> int:
    """Writes tls.crt, tls.key and ca.crt; returns the certificate's serial number."""
    folder.mkdir(exist_ok=True)
    chain, key = authority.issue("test")
    write_private(folder / "ca.crt", pem_of(authority.certificate))
    write_private(folder / "tls.key", key)
    write_private(folder / "tls.crt", pem_of(chain))
    return chain.serial_number


def of(folder: Path) -> Tls:
    return Tls(folder / "tls.crt", folder / "tls.key", folder / "ca.crt")


@pytest.fixture(autouse=True)
def _as_before(monkeypatch):
    monkeypatch.setattr(watched, "LOOK_SECONDS", 0.0)
    yield
    tls.set_up(None)


@pytest.fixture
def authority() -> Authority:
    return Authority()


@pytest.fixture
async def served(tmp_path, authority: Authority) -> AsyncIterator[int]:
    """The port of a server that uses the certificate in the folder `server`."""
    issue(authority, tmp_path / "server")
    tls.set_up(of(tmp_path / "server"))
    add = payments_pb2_grpc.add_PaymentsServiceServicer_to_server
    server = Server([(add, Servicer())], [SERVICE], Tasks())
    port = await server.start("127.0.0.1:0")
    tls.set_up(None)
    yield port
    await server.stop(1)


async def ask(channel: grpc.aio.Channel) -> str:
    stub = payments_pb2_grpc.PaymentsServiceStub(channel)
    request = payments_pb2.GetPaymentRequest(payment_id="pay_1")
    return (await client.call(stub.GetPayment, request, timeout_seconds=HANGING_SECONDS)).payment.id


@pytest.mark.parametrize(
    "target", ["127.0.0.1:{0}", "ipv4:127.0.0.1:{0}", "ipv4:127.0.0.1:{0},127.0.0.1:{0}"]
)
async def test_client_and_server_show_certificates(served: int, tmp_path, authority, target: str):
    issue(authority, tmp_path / "client")
    tls.set_up(of(tmp_path / "client"))
    async with client.channel(target.format(served)) as channel:
        assert await ask(channel) == "pay_1"


async def test_a_client_without_a_certificate_is_refused(served: int, tmp_path):
    credentials = grpc.ssl_channel_credentials((tmp_path / "server" / "ca.crt").read_bytes())
    async with grpc.aio.secure_channel(f"127.0.0.1:{served}", credentials) as channel:
        with pytest.raises(OutcomeUnknown):
            await ask(channel)


async def test_a_plaintext_client_is_refused(served: int):
    async with client.channel(f"127.0.0.1:{served}") as channel:
        with pytest.raises(OutcomeUnknown):
            await ask(channel)


@pytest.mark.parametrize("trusting", [True, False])
async def test_certificates_of_another_authority_are_refused(
    served: int, tmp_path, authority: Authority, *, trusting: bool
):
    """By the server, and by the client if it does not trust the server's CA."""
    issue(Authority(), tmp_path / "client")
    if trusting:
        (tmp_path / "client" / "ca.crt").write_text(pem_of(authority.certificate))
    tls.set_up(of(tmp_path / "client"))
    async with client.channel(f"127.0.0.1:{served}") as channel:
        with pytest.raises(OutcomeUnknown):
            await ask(channel)


async def test_a_server_presents_its_new_certificate_without_a_restart(
    served: int, tmp_path, authority: Authority
):
    issue(authority, tmp_path / "client")
    tls.set_up(of(tmp_path / "client"))
    async with client.channel(f"127.0.0.1:{served}") as before:
        assert await ask(before) == "pay_1"
        serial = issue(authority, tmp_path / "server")
        assert await shown(served) == serial
        assert await ask(before) == "pay_1"  # open connections stay open


async def shown(port: int) -> int:
    """The serial number of the certificate that the server presents to a new connection."""
    pem = await asyncio.to_thread(ssl.get_server_certificate, ("127.0.0.1", port))
    return x509.load_pem_x509_certificate(pem.encode()).serial_number


async def test_a_new_authority_takes_over_without_a_restart(served: int, tmp_path):
    """A stub created before the change uses the new certificate of its process."""
    new = Authority()
    issue(new, tmp_path / "client")
    tls.set_up(of(tmp_path / "client"))
    async with client.channel(f"127.0.0.1:{served}") as channel:
        stub = payments_pb2_grpc.PaymentsServiceStub(channel)
        request = payments_pb2.GetPaymentRequest(payment_id="pay_1")
        with pytest.raises(OutcomeUnknown):
            await client.call(stub.GetPayment, request, timeout_seconds=1)
        issue(new, tmp_path / "server")
        issue(new, tmp_path / "client")
        answer = await client.call(stub.GetPayment, request, timeout_seconds=HANGING_SECONDS)
        assert answer.payment.id


async def test_an_invalid_certificate_is_not_loaded(served: int, tmp_path, authority: Authority):
    issue(authority, tmp_path / "client")
    (tmp_path / "server" / "tls.crt").write_text("half")
    tls.set_up(of(tmp_path / "client"))
    async with client.channel(f"127.0.0.1:{served}") as channel:
        assert await ask(channel) == "pay_1"


def test_tls_files_must_be_given_together_and_be_pem(tmp_path, authority: Authority):
    assert TlsSettings().tls() is None
    issue(authority, tmp_path / "x")
    with pytest.raises(ValidationError, match="all or none"):
        TlsSettings(tls_key_file=tmp_path / "x" / "tls.key")
    (tmp_path / "x" / "tls.key").write_text("key")
    with pytest.raises(FileError, match=r"tls\.key is not PEM"):
        of(tmp_path / "x")
