"""`python -m services.x check`: whether everything that the service depends on is ready for it.

Reads only; nothing is served or changed. Not a health check: it may take seconds and names what is
wrong.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

import nats
import nats.errors
import nats.js.errors
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from libs import identity, schema
from libs.bus import STREAM, inbox, servers
from libs.settings import ServiceSettings
from libs.watched import FileError

WAIT_SECONDS: Final = 5.0
SKEW: Final = timedelta(seconds=2)  # tokens between services are valid for a minute
RENEWED_BEFORE: Final = timedelta(days=14)

_AWAY: Final = (OSError, TimeoutError, nats.errors.Error)


@dataclass(frozen=True, slots=True)
class Finding:
    subject: str
    wrong: str = ""  # "" when all is well


async def findings(
    name: str, config: ServiceSettings, migrations: Path, *, now: datetime
) -> list[Finding]:
    checks: dict[str, Callable[[], Awaitable[str]]] = {
        "database": lambda: _database(config.database_url, name, migrations),
        "clock": lambda: _clock(config.database_url, name, migrations),
        "events": lambda: _events(config.nats_url, name),
    }
    found = [Finding(subject, await _bounded(check)) for subject, check in checks.items()]
    found.append(Finding("identity", _identity(name, config)))
    if config.tls_certificate_file and config.tls_ca_file:
        files = (config.tls_certificate_file, config.tls_ca_file)
        found += [Finding("certificate", wrong) for wrong in _certificates(*files, now)]
    return found


async def _bounded(check: Callable[[], Awaitable[str]]) -> str:
    try:
        async with asyncio.timeout(WAIT_SECONDS):
            return await check()
    except _AWAY as error:
        return f"does not answer: {str(error) or type(error).__name__}"


async def _database(url: str, name: str, migrations: Path) -> str:
    _, missing = await schema.now_and_missing(url, name, migrations)
    return f"lacks the migrations {', '.join(one.name for one in missing)}" if missing else ""


async def _clock(url: str, name: str, migrations: Path) -> str:
    before = datetime.now(UTC)
    there, _ = await schema.now_and_missing(url, name, migrations)
    apart = max(before - there, there - datetime.now(UTC))
    return f"differs from the database's by {apart.total_seconds():.1f} s" if apart > SKEW else ""


async def _events(url: str, name: str) -> str:
    """Checks the stream and the service's consumer, which `migrate` creates."""
    client = await nats.connect(
        **servers(url),
        name=name,
        error_cb=_say_nothing,
        inbox_prefix=inbox(name).encode(),
        connect_timeout=2,
        max_reconnect_attempts=0,
        allow_reconnect=False,
    )
    try:
        await client.jetstream().stream_info(STREAM)
        await client.jetstream().consumer_info(STREAM, name)
    except nats.js.errors.NotFoundError:
        return "has no stream, or no consumer of this service: run the job `migrate`"
    finally:
        await client.close()
    return ""


async def _say_nothing(_: Exception) -> None:
    """Errors are raised as well."""


def _identity(name: str, config: ServiceSettings) -> str:
    """Checks that services with the same trust folder know this service's key."""
    try:
        own = identity.private_key(config.identity_key_file).public_key()
        halves = [file.read_text() for file in config.trust_dir.glob(f"{name}.*pub")]
    except (FileError, OSError) as error:
        return str(error)
    pem = own.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
    known = {half.strip() for half in halves}
    return "" if pem.strip() in known else f"{config.trust_dir} lacks its public key"


def _certificates(chain: Path, ca: Path, now: datetime) -> Iterator[str]:
    for file in (chain, ca):
        try:
            found = x509.load_pem_x509_certificate(file.read_bytes())
        except (OSError, ValueError) as error:
            yield f"{file}: {error}"
        else:
            left = found.not_valid_after_utc - now
            ends = f"{file} ends on {found.not_valid_after_utc:%Y-%m-%d}"
            yield ends if left < RENEWED_BEFORE else ""
