"""`incasso doctor`: checks an installation from outside: replicas, certificates, clocks, the console, unresolved
outcomes, and a merchant's PSPs and webhooks.

`python -m services.<service> check`, run in a service's pod, reports what only the service sees: its database, migrations, events.
"""

import asyncio
import os
import ssl
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Annotated, Any, Final
from urllib.parse import urlsplit

import aiohttp
import typer

from cli import calls, health, output
from cli.calls import PAYMENTS, WEBHOOKS, ask
from cli.output import AsJson
from incasso.notify.v1 import webhooks_pb2
from incasso.payments.v1 import payments_pb2
from libs import services, settings
from libs.settings import TlsSettings

TIMEOUT_SECONDS: Final = 5.0
SKEW: Final = timedelta(seconds=3)  # HTTP's Date header has whole seconds
RENEWED_BEFORE: Final = timedelta(days=14)
COLUMNS: Final = ("subject", "state", "detail")
# Redirects to the OpenID provider, whose configuration the console has to read first.
AT_PROVIDER: Final = "/sign-in/provider"


@dataclass(frozen=True, slots=True)
class Finding:
    subject: str
    state: str  # "ok", "failed", or "not set" if its address is not configured
    detail: str = ""


def doctor(
    *,
    url: Annotated[str, typer.Option(envvar="INCASSO_URL", help="URL of the gateway.")] = "",
    console: Annotated[
        str, typer.Option(envvar="INCASSO_CONSOLE_URL", help="URL of the console.")
    ] = "",
    merchant: Annotated[
        str,
        typer.Option(
            envvar="INCASSO_MERCHANT", help="Also check this merchant's PSP accounts and webhooks."
        ),
    ] = "",
    as_json: AsJson = False,
) -> None:
    """Check an installation from outside; fails when something is wrong."""
    calls.secure()
    seen = asyncio.run(_from_outside(url.rstrip("/"), console.rstrip("/")))
    found = [*seen, *_asked(merchant)]
    if merchant:
        found += [*_from_psps(merchant), *_to_endpoints(merchant)]
    rows = [asdict(one) for one in found]
    if as_json:
        output.print_json(rows)
    else:
        output.print_table("Findings", COLUMNS, rows, empty="")
    if any(one.state == "failed" for one in found):
        raise typer.Exit(output.REFUSED)


async def _from_outside(url: str, console: str) -> list[Finding]:
    return [
        *await _replicas(),
        *await _certificates(),
        *await _gateway(url),
        await _console(console),
    ]


async def _replicas() -> list[Finding]:
    return [
        Finding(
            f"{row['service']} {row['address']}".strip(),
            {"serving": "ok", "not set": "not set"}.get(row["state"], "failed"),
            row["state"],
        )
        for row in await health.check_all()
    ]


async def _certificates() -> list[Finding]:
    """The services' certificates, if TLS is on."""
    files = settings.load(TlsSettings)
    if not (files.tls_certificate_file and files.tls_ca_file):
        return []
    trusted = ssl.create_default_context(cafile=str(files.tls_ca_file))
    trusted.load_cert_chain(files.tls_certificate_file, files.tls_key_file)
    trusted.set_alpn_protocols(["h2"])
    targets = {one.name: os.environ.get(one.target_variable, "") for one in services.SERVICES}
    return [
        await _certificate(name, health.replicas(target)[0], trusted)
        for name, target in targets.items()
        if target
    ]


async def _certificate(name: str, address: str, trusted: ssl.SSLContext) -> Finding:
    host, _, port = address.removeprefix("dns:///").rpartition(":")
    try:
        async with asyncio.timeout(TIMEOUT_SECONDS):
            _, writer = await asyncio.open_connection(host, int(port), ssl=trusted)
    except (OSError, ValueError, TimeoutError) as error:
        return Finding(f"{name} certificate", "failed", str(error) or type(error).__name__)
    shown: Any = writer.get_extra_info("peercert")
    writer.close()
    ends = datetime.fromtimestamp(ssl.cert_time_to_seconds(shown["notAfter"]), UTC)
    soon = ends - datetime.now(UTC) < RENEWED_BEFORE
    return Finding(f"{name} certificate", "failed" if soon else "ok", f"until {ends:%Y-%m-%d}")


async def _gateway(url: str) -> list[Finding]:
    if not url:
        return [Finding("gateway", "not set", "export INCASSO_URL=https://pay.example")]
    timeout = aiohttp.ClientTimeout(total=TIMEOUT_SECONDS)
    try:
        async with (
            aiohttp.ClientSession(timeout=timeout) as http,
            http.get(f"{url}/openapi.json") as answer,
        ):
            state = "ok" if answer.ok else "failed"
            found = Finding("gateway", state, f"HTTP {answer.status} from {url}")
            return [found, _clock(answer.headers.get("Date", ""), datetime.now(UTC))]
    except (aiohttp.ClientError, TimeoutError) as error:
        return [Finding("gateway", "failed", str(error) or type(error).__name__)]


async def _console(url: str) -> Finding:
    """Whether people can sign in: the console redirects them only if it reaches the provider."""
    if not url:
        return Finding("console", "not set", "export INCASSO_CONSOLE_URL=https://console.example")
    timeout = aiohttp.ClientTimeout(total=TIMEOUT_SECONDS)
    try:
        async with (
            aiohttp.ClientSession(timeout=timeout) as http,
            http.get(f"{url}{AT_PROVIDER}", allow_redirects=False) as answer,
        ):
            return _sign_in(answer.status, answer.headers.get("Location", ""), url)
    except (aiohttp.ClientError, TimeoutError) as error:
        return Finding("console", "failed", str(error) or type(error).__name__)


def _sign_in(status: int, location: str, url: str) -> Finding:
    if status == HTTPStatus.SEE_OTHER:
        return Finding("console", "ok", f"people sign in at {urlsplit(location).netloc}")
    if status == HTTPStatus.NOT_FOUND:
        return Finding("console", "ok", "no OpenID provider: people sign in with a password")
    if status == HTTPStatus.SERVICE_UNAVAILABLE:
        return Finding("console", "failed", "cannot reach its OpenID provider")
    return Finding("console", "failed", f"HTTP {status} from {url}")


def _clock(date_header: str, now: datetime) -> Finding:
    """Whether the gateway's clock agrees with ours: tokens between services are valid for a minute."""
    try:
        apart = abs(parsedate_to_datetime(date_header) - now)
    except ValueError:
        return Finding("clock", "failed", "the gateway sends no valid Date header")
    state = "failed" if apart > SKEW else "ok"
    return Finding("clock", state, f"{apart.total_seconds():.0f} s off the gateway's clock")


def _asked(merchant: str) -> Iterator[Finding]:
    """Unresolved outcomes and PSP accounts, as payments reports them."""
    if not os.environ.get(PAYMENTS.variable):
        return
    waiting = ask(PAYMENTS, payments_pb2.ListUnresolvedAttemptsRequest(limit=1)).data
    yield Finding(
        "outcomes",
        "failed" if waiting else "ok",
        "`incasso payments unresolved` lists the calls to settle by hand" if waiting else "",
    )
    if merchant:
        request = payments_pb2.ListPspAccountsRequest()
        for account in ask(PAYMENTS, request, merchant_id=merchant).data:
            state = "ok" if account.publishable_key else "failed"
            detail = "" if account.publishable_key else "payments has no credentials file for it"
            yield Finding(f"PSP account {account.name}", state, detail)


def _from_psps(merchant: str) -> Iterator[Finding]:
    """Whether webhooks of the merchant's PSPs arrive. Those with a wrong signature do not count."""
    if not os.environ.get(PAYMENTS.variable):
        return
    request = payments_pb2.ListPspWebhookArrivalsRequest()
    for account in ask(PAYMENTS, request, merchant_id=merchant).data:
        state, detail = _arrival(account)
        yield Finding(f"webhooks of {account.name}", state, detail)


def _arrival(account: payments_pb2.PspWebhookArrivals) -> tuple[str, str]:
    approved, last = (
        getattr(account, name).ToDatetime(UTC) if account.HasField(name) else None
        for name in ("approved_at", "last_webhook_at")
    )
    if approved is None:
        return "ok", "no payment in the last week to compare with"
    if last is None or last < approved:
        address = f"/webhooks/psp/{account.psp_account_id}"
        return (
            "failed",
            f"none since the payment of {approved:%d %B, %H:%M}: is {address} registered?",
        )
    return "ok", f"the last one on {last:%d %B, %H:%M}"


def _to_endpoints(merchant: str) -> Iterator[Finding]:
    """Whether the merchant's endpoints accept what notify sends."""
    if not os.environ.get(WEBHOOKS.variable):
        return
    request = webhooks_pb2.ListWebhookEndpointsRequest(limit=100)
    for endpoint in ask(WEBHOOKS, request, merchant_id=merchant).data:
        state, detail = _acceptance(endpoint)
        yield Finding(f"webhooks to {endpoint.id}", state, detail)


def _acceptance(endpoint: webhooks_pb2.WebhookEndpoint) -> tuple[str, str]:
    reason = endpoint.disabled_reason
    if reason == endpoint.DISABLED_REASON_GONE:
        return "failed", "disabled: it answered 410"
    if reason == endpoint.DISABLED_REASON_FAILING:
        return "failed", "disabled: it accepted no delivery for days"
    if endpoint.HasField("failing_since"):
        since = endpoint.failing_since.ToDatetime(UTC)
        return "failed", f"no delivery accepted since {since:%d %B, %H:%M}"
    return "ok", "disabled by the merchant" if endpoint.state == endpoint.STATE_DISABLED else ""
