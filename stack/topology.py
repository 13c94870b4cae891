"""The processes of the embedded stack, with their environments. Starts nothing."""

import signal
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path

from libs import services
from libs.bus_users import SETUP
from stack import outgoing
from stack.certificates import Certificates
from stack.keys import Keys
from stack.ports import Address, Ports, replica_names, targets

EVERY_SERVICE = "*"
# The demo merchant's owner, on this machine only.
DEMO_EMAIL = "anna@bottega.example"
DEMO_PASSWORD = "bottega-demo-2026"  # noqa: S105 - shown when the stack starts
LOCAL_SIGN_IN = f"{DEMO_EMAIL} / {DEMO_PASSWORD}"


@dataclass(frozen=True)
class Folders:
    """The stack's files. `root` is .incasso or a test's temporary folder."""

    root: Path

    @property
    def run(self) -> Path:
        return self.root / "run"

    @property
    def log(self) -> Path:
        return self.root / "log"

    @property
    def credentials(self) -> Path:
        return self.root / "credentials"

    @property
    def secrets(self) -> Path:
        return self.root / "secrets"

    @property
    def seal_keys(self) -> Path:
        return self.root / "seal.keys"

    @property
    def keys(self) -> Keys:
        return Keys(self.root / "keys")

    @property
    def certificates(self) -> Certificates:
        return Certificates(self.root / "certificates")

    @property
    def demo_env(self) -> Path:
        return self.root / "demo.env"

    def data(self, name: str) -> Path:
        return self.root / "data" / name


class Tier(IntEnum):
    """Dependency order: higher tiers stop first."""

    BACKEND = 0
    OUTSIDE = 1
    SERVICE = 2
    EDGE = 3


@dataclass(frozen=True)
class Process:
    """One child of the supervisor.

    `after` names what must be ready before it starts. `prepare` runs once in a thread before the
    first start. A job (`ready` is None) is done when it exits with 0 and is not restarted.
    """

    name: str
    command: Sequence[str]
    env: Mapping[str, str]
    ready: Callable[[], bool] | None
    after: frozenset[str] = frozenset()
    prepare: Callable[[], None] | None = None
    stop_signal: signal.Signals = signal.SIGTERM
    tier: Tier = Tier.SERVICE
    start_timeout_seconds: float = 240.0  # for hanging ones; a process that ends is noticed at once
    stop_timeout_seconds: float = 30.0


@dataclass(frozen=True)
class Backends:
    """How services reach their backends, each with its own user and password."""

    database_url: Callable[[str], str]  # for the service's working role
    owner_url: Callable[[str], str]  # for the role that migrates it
    nats_url: Callable[[str], str]  # by user
    seal_keys: str
    nats_replicas: int = 1


def shared_env(ports: Ports, folders: Folders) -> dict[str, str]:
    return {
        **targets(ports),
        "INCASSO_PUBLIC_URL": ports.gateway_url,
        "INCASSO_PSP_CREDENTIALS_DIR": str(folders.credentials),
        # The sandbox shows traces, so no collector is needed to look at one.
        "OTEL_EXPORTER_OTLP_ENDPOINT": ports.sandbox_url,
        "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf",
        "PYTHONUNBUFFERED": "1",
    }


def identity_env(service: str, folders: Folders) -> dict[str, str]:
    """Its own key and certificate, and those it trusts. The sandbox, being the outside world, has none."""
    if service == "sandbox":
        return {}
    return {
        "INCASSO_IDENTITY_KEY_FILE": str(folders.keys.private(service)),
        "INCASSO_TRUST_DIR": str(folders.keys.trust),
        **tls_env(service, folders.certificates),
    }


def tls_env(service: str, certificates: Certificates) -> dict[str, str]:
    return {
        "INCASSO_TLS_CERTIFICATE_FILE": str(certificates.chain(service)),
        "INCASSO_TLS_KEY_FILE": str(certificates.key(service)),
        "INCASSO_TLS_CA_FILE": str(certificates.ca),
    }


def service_processes(
    ports: Ports,
    folders: Folders,
    backends: Backends,
    healthy: Callable[[int], Callable[[], bool]],
    overrides: Mapping[str, Mapping[str, str]],
    *,
    console: bool,
) -> list[Process]:
    """Sandbox, gRPC services with their migrations, and the gateway, from Python sources; also the
    console if `console` is set.
    """
    env = shared_env(ports, folders)

    def settings(service: str, **own: str) -> dict[str, str]:
        more = {**overrides.get(EVERY_SERVICE, {}), **overrides.get(service, {})}
        return {**env, **identity_env(service, folders), **own, **more}

    sandbox = Process(
        "sandbox",
        python("services.sandbox"),
        settings(
            "sandbox",
            INCASSO_HTTP_PORT=str(ports.sandbox),
            INCASSO_SANDBOX_DATA=str(folders.data("sandbox")),
            **outgoing.sandbox_env(gateway_url=ports.gateway_url, smtp_port=ports.smtp),
        ),
        healthy(ports.sandbox),
        tier=Tier.OUTSIDE,
    )
    processes = [sandbox]
    for service in services.SERVICES:
        processes += grpc_processes(service.name, ports, backends, settings, healthy)
    processes += gateway_processes(ports, settings, healthy)
    return processes + (console_processes(ports, backends, settings, healthy) if console else [])


def grpc_processes(
    name: str,
    ports: Ports,
    backends: Backends,
    settings: Callable[..., dict[str, str]],
    healthy: Callable[[int], Callable[[], bool]],
) -> list[Process]:
    """The job that migrates the service's database and sets up its events, then its replicas.

    No service starts before all consumers are set up, so that every consumer receives what it
    publishes.
    """
    group = ports.replicas[name]
    further = further_env(name, ports, backends)

    def own(address: Address, **more: str) -> dict[str, str]:
        env = {
            "INCASSO_DATABASE_URL": backends.database_url(name),
            "INCASSO_NATS_URL": backends.nats_url(name),
            "INCASSO_GRPC_PORT": str(address.port),
            "INCASSO_ADMIN_PORT": str(address.admin_port),
        }
        return settings(name, **{**env, **further, **more})

    migrate = Process(
        _job(name),
        python(f"services.{name}", "migrate"),
        own(
            group[0],
            INCASSO_DATABASE_URL=backends.owner_url(name),
            INCASSO_NATS_SETUP_URL=backends.nats_url(SETUP),
            INCASSO_NATS_REPLICAS=str(backends.nats_replicas),
        ),
        ready=None,
        after=frozenset({"postgres", "nats"}),
    )
    serve = [
        Process(
            replica,
            python(f"services.{name}"),
            own(address),
            healthy(address.admin_port),
            after=frozenset({*map(_job, services.NAMES), "nats"}),
        )
        for replica, address in zip(replica_names(name, len(group)), group, strict=True)
    ]
    return [migrate, *serve]


def _job(service: str) -> str:
    return f"{service}-migrate"


def further_env(name: str, ports: Ports, backends: Backends) -> dict[str, str]:
    """Environment variables of this service only."""
    env = {"INCASSO_SEAL_KEYS": backends.seal_keys} if services.named(name).seals else {}
    if name == "merchants":
        env |= {"INCASSO_CONSOLE_URL": ports.console_url, "INCASSO_CONSOLE_PASSWORDS": "true"}
    if name == "notify":
        env |= outgoing.notify_env(sandbox_url=ports.sandbox_url, smtp_port=ports.smtp)
    return env


def gateway_processes(
    ports: Ports,
    settings: Callable[..., dict[str, str]],
    healthy: Callable[[int], Callable[[], bool]],
) -> list[Process]:
    group = ports.replicas["gateway"]
    return [
        Process(
            name,
            python("services.gateway"),
            settings(
                "gateway",
                INCASSO_HTTP_PORT=str(address.port),
                INCASSO_ADMIN_PORT=str(address.admin_port),
                INCASSO_DEMO_PAGES="true",
            ),
            healthy(address.admin_port),
            tier=Tier.EDGE,
        )
        for name, address in zip(replica_names("gateway", len(group)), group, strict=True)
    ]


def console_processes(
    ports: Ports,
    backends: Backends,
    settings: Callable[..., dict[str, str]],
    healthy: Callable[[int], Callable[[], bool]],
) -> list[Process]:
    (address,) = ports.replicas["console"]
    env = settings(
        "console",
        INCASSO_HTTP_PORT=str(address.port),
        INCASSO_ADMIN_PORT=str(address.admin_port),
        INCASSO_CONSOLE_URL=ports.console_url,
        INCASSO_SEAL_KEYS=backends.seal_keys,
        INCASSO_LOCAL_SIGN_IN="true",
        INCASSO_LOCAL_HINT=LOCAL_SIGN_IN,
    )
    command, ready = python("services.console"), healthy(address.admin_port)
    return [Process("console", command, env, ready, tier=Tier.EDGE)]


def python(module: str, *arguments: str) -> tuple[str, ...]:
    return (sys.executable, "-m", module, *arguments)
