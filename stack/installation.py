"""The Secrets of a new installation on Kubernetes: keys, passwords and certificates, random each time.

The chart expects these names. They are made together because they depend on each other: a role's password is in the
service's address and in the database script. Nothing is stored here.
"""

import json
import secrets
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from cryptography.fernet import Fernet

from libs import bus_users, services
from libs.identity import CONSOLE
from stack import outgoing, roles
from stack.certificates import Authority, pem_of
from stack.keys import pair

PSP_ACCOUNT: Final = "sandbox-a"
NATS_STORE: Final = "/data"


@dataclass(frozen=True)
class Installation:
    """`fullname` is the chart's prefix of object names: the release's name, if that contains `incasso`."""

    fullname: str
    database: str = ""  # host:port, or several with commas; the chart's own PostgreSQL if empty
    nats: str = ""  # likewise
    smtp_url: str = ""  # the sandbox's if empty
    sandbox_url: str = ""  # where browsers reach the sandbox; if empty, it is not offered as a PSP
    passwords: dict[str, str] = field(default_factory=dict, repr=False)

    def password(self, user: str) -> str:
        """A random password per user, the same on each call."""
        return self.passwords.setdefault(user, secrets.token_urlsafe(24))

    def database_url(self, role: str, service: str) -> str:
        at = self.database or f"{self.fullname}-postgresql:5432"
        writable = "?target_session_attrs=read-write" if "," in at else ""
        return f"postgresql://{role}:{self.password(role)}@{at}/{service}{writable}"

    def nats_url(self, user: str) -> str:
        at = self.nats or f"{self.fullname}-nats:4222"
        return f"nats://{user}:{self.password(f'nats-{user}')}@{at}"


def manifest(wanted: Installation) -> dict[str, Any]:
    """A List for `kubectl create`, which refuses to overwrite existing Secrets."""
    items = [_secret(f"{wanted.fullname}-{name}", data) for name, data in secrets_of(wanted)]
    return {"apiVersion": "v1", "kind": "List", "items": items}


def secrets_of(wanted: Installation) -> Iterator[tuple[str, dict[str, str]]]:
    """Each Secret's name, without the fullname, and its data."""
    for name in services.NAMES:
        yield name, settings(wanted, name)
        yield f"{name}-owner", _owner(wanted, name)
    yield CONSOLE, {"incasso_seal_keys": Fernet.generate_key().decode()}
    yield from identities()
    yield from certificates(wanted)
    if wanted.sandbox_url:
        yield "psp-credentials", {f"{PSP_ACCOUNT}.json": json.dumps(credentials(wanted))}
    yield "postgresql", {"password": wanted.password("postgres"), "roles.sql": script(wanted)}
    yield "nats", nats_files(wanted)


def settings(wanted: Installation, name: str) -> dict[str, str]:
    found = {
        "incasso_database_url": wanted.database_url(name, name),
        "incasso_nats_url": wanted.nats_url(name),
    }
    if services.named(name).seals:
        found["incasso_seal_keys"] = Fernet.generate_key().decode()
    if name == "notify":
        found["incasso_smtp_url"] = wanted.smtp_url or f"smtp://{wanted.fullname}-sandbox:2525"
        if wanted.sandbox_url:
            found["incasso_twilio_auth_token"] = outgoing.TWILIO_AUTH_TOKEN
    return found


def _owner(wanted: Installation, name: str) -> dict[str, str]:
    return {
        "incasso_database_url": wanted.database_url(roles.owner(name), name),
        "incasso_nats_setup_url": wanted.nats_url(bus_users.SETUP),
    }


def identities() -> Iterator[tuple[str, dict[str, str]]]:
    trust = {}
    for name in services.CALLERS:
        private, public = pair()
        trust[f"{name}.pub"] = public
        yield f"{name}-identity", {"identity.key": private}
    yield "trust", trust


def certificates(wanted: Installation) -> Iterator[tuple[str, dict[str, str]]]:
    """Certificates for one year; use cert-manager for renewal."""
    authority = Authority()
    for name in services.CALLERS:
        host = f"{wanted.fullname}-{name}"
        chain, key = authority.issue(name, [f"{host}-headless", host])
        files = {"tls.crt": pem_of(chain), "tls.key": key, "ca.crt": pem_of(authority.certificate)}
        yield f"{name}-tls", files


def credentials(wanted: Installation) -> dict[str, str]:
    """Credentials of the account at the sandbox, as payments reads them."""
    return {
        "base_url": f"http://{wanted.fullname}-sandbox:8082",
        "account": PSP_ACCOUNT,
        "secret_key": f"sandbox_sk_{PSP_ACCOUNT}",
        "publishable_key": PSP_ACCOUNT,
        "field_url": f"{wanted.sandbox_url}/psp/field.js",
        "webhook_secret": f"whsec_{secrets.token_urlsafe(24)}",
    }


def script(wanted: Installation) -> str:
    """Creates roles and databases; for psql, as a superuser of an empty cluster."""
    lines = []
    for name in services.NAMES:
        lines += [roles.login(role, wanted.password(role)) for role in roles.roles(name)]
        lines += roles.in_the_cluster(name)
        lines += [f'\\connect "{name}"', *roles.in_the_database(name), "\\connect postgres"]
    return "".join(f"{line}\n" if line.startswith("\\") else f"{line};\n" for line in lines)


def nats_files(wanted: Installation) -> dict[str, str]:
    """A complete configuration, and the users alone for including in another one; NATS accepts JSON."""
    passwords = {
        user: wanted.password(f"nats-{user}") for user in (*services.NAMES, bus_users.SETUP)
    }
    users = {"authorization": {"users": bus_users.server_users(passwords)}}
    server = {"port": 4222, "http_port": 8222, "jetstream": {"store_dir": NATS_STORE}}
    return {
        "nats.conf": json.dumps({**server, **users}, indent=2),
        "users.conf": json.dumps(users, indent=2).removeprefix("{").removesuffix("}"),
    }


def _secret(name: str, data: Mapping[str, str]) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": name, "labels": {"app.kubernetes.io/part-of": "incasso"}},
        "type": "Opaque",
        "stringData": dict(data),
    }
