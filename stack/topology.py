"""Which processes the embedded stack has, on which ports, with which environment. Starts nothing."""

import signal
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path

DEFAULT_PORT_BASE = 8080
# Offset from the port base of what people and scripts may rely on.
OFFSETS = {
    "gateway": 0,
    "console": 1,
    "sandbox": 2,
    "postgres": 3,
    "nats": 4,
    "localstripe": 5,
    "gateway admin": 6,
}
FIRST_GRPC_OFFSET = 10
EVERY_SERVICE = "*"


@dataclass(frozen=True)
class GrpcService:
    """A service with a database of its own that others call by gRPC."""

    name: str

    @property
    def target_variable(self) -> str:
        return f"INCASSO_{self.name.upper()}_TARGET"


GRPC_SERVICES = (GrpcService("merchants"), GrpcService("payments"), GrpcService("oneclick"))


@dataclass(frozen=True)
class Address:
    """Where one replica listens: its main port and the one for health and metrics."""

    port: int
    admin_port: int


@dataclass(frozen=True)
class Ports:
    sandbox: int
    postgres: int
    nats: int
    localstripe: int
    replicas: Mapping[str, tuple[Address, ...]]

    @property
    def gateway(self) -> int:
        return self.replicas["gateway"][0].port

    def all(self) -> list[int]:
        pairs = [address for group in self.replicas.values() for address in group]
        ports = [self.sandbox, self.postgres, self.nats, self.localstripe]
        return ports + [p.port for p in pairs] + [p.admin_port for p in pairs]


def replica_names(service: str, count: int) -> list[str]:
    """`payments` when there is one, otherwise `payments-1`, `payments-2`, …"""
    return [service] if count == 1 else [f"{service}-{number + 1}" for number in range(count)]


def plan_ports(
    take: Callable[[int], list[int]], replicas: Mapping[str, int], base: int | None = None
) -> Ports:
    """The fixed map above `base`; without one, and for further replicas, what `take(n)` gives."""
    spare = iter(take(64))

    def port(offset: int) -> int:
        return next(spare) if base is None else base + offset

    def addresses(name: str, first: Address) -> tuple[Address, ...]:
        more = replicas.get(name, 1) - 1
        return (first, *(Address(next(spare), next(spare)) for _ in range(more)))

    groups = {
        service.name: addresses(
            service.name,
            Address(port(FIRST_GRPC_OFFSET + 2 * index), port(FIRST_GRPC_OFFSET + 2 * index + 1)),
        )
        for index, service in enumerate(GRPC_SERVICES)
    }
    gateway = Address(port(OFFSETS["gateway"]), port(OFFSETS["gateway admin"]))
    groups["gateway"] = addresses("gateway", gateway)
    return Ports(
        sandbox=port(OFFSETS["sandbox"]),
        postgres=port(OFFSETS["postgres"]),
        nats=port(OFFSETS["nats"]),
        localstripe=port(OFFSETS["localstripe"]),
        replicas=groups,
    )


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
    def demo_env(self) -> Path:
        return self.root / "demo.env"

    def data(self, name: str) -> Path:
        return self.root / "data" / name


class Tier(IntEnum):
    """Who leans on whom: higher tiers stop first."""

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
    start_timeout_seconds: float = 60.0
    stop_timeout_seconds: float = 30.0


@dataclass(frozen=True)
class Backends:
    """How to reach what services stand on."""

    database_url: Callable[[str], str]
    nats_url: str


def targets(ports: Ports) -> dict[str, str]:
    """All replicas of each service in the address syntax of gRPC, for round robin."""
    return {
        service.target_variable: "ipv4:"
        + ",".join(f"127.0.0.1:{address.port}" for address in ports.replicas[service.name])
        for service in GRPC_SERVICES
    }


def shared_env(ports: Ports, folders: Folders, nats_url: str) -> dict[str, str]:
    sandbox = f"http://127.0.0.1:{ports.sandbox}"
    return {
        **targets(ports),
        "INCASSO_NATS_URL": nats_url,
        "INCASSO_PUBLIC_URL": f"http://127.0.0.1:{ports.gateway}",
        "INCASSO_PSP_CREDENTIALS_DIR": str(folders.credentials),
        # The sandbox shows traces, so that nobody needs a collector to look at one.
        "OTEL_EXPORTER_OTLP_ENDPOINT": sandbox,
        "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf",
        "PYTHONUNBUFFERED": "1",
    }


def service_processes(
    ports: Ports,
    folders: Folders,
    backends: Backends,
    healthy: Callable[[int], Callable[[], bool]],
    overrides: Mapping[str, Mapping[str, str]],
) -> list[Process]:
    """Sandbox, gRPC services with their migrations, and the gateway, from Python sources."""
    env = shared_env(ports, folders, backends.nats_url)

    def settings(service: str, **own: str) -> dict[str, str]:
        return {**env, **own, **overrides.get(EVERY_SERVICE, {}), **overrides.get(service, {})}

    sandbox = Process(
        "sandbox",
        python("services.sandbox"),
        settings(
            "sandbox",
            INCASSO_HTTP_PORT=str(ports.sandbox),
            INCASSO_SANDBOX_DATA=str(folders.data("sandbox")),
        ),
        healthy(ports.sandbox),
        tier=Tier.OUTSIDE,
    )
    processes = [sandbox]
    for service in GRPC_SERVICES:
        processes += grpc_processes(service.name, ports, backends, settings, healthy)
    return processes + gateway_processes(ports, settings, healthy)


def grpc_processes(
    name: str,
    ports: Ports,
    backends: Backends,
    settings: Callable[..., dict[str, str]],
    healthy: Callable[[int], Callable[[], bool]],
) -> list[Process]:
    """The job that migrates the service's database, then its replicas."""
    group = ports.replicas[name]

    def own(address: Address) -> dict[str, str]:
        return settings(
            name,
            INCASSO_DATABASE_URL=backends.database_url(name),
            INCASSO_GRPC_PORT=str(address.port),
            INCASSO_ADMIN_PORT=str(address.admin_port),
        )

    job = f"{name}-migrate"
    migrate = Process(
        job,
        python(f"services.{name}", "migrate"),
        own(group[0]),
        ready=None,
        after=frozenset({"postgres"}),
    )
    serve = [
        Process(
            replica,
            python(f"services.{name}"),
            own(address),
            healthy(address.admin_port),
            after=frozenset({job, "nats"}),
        )
        for replica, address in zip(replica_names(name, len(group)), group, strict=True)
    ]
    return [migrate, *serve]


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


def python(module: str, *arguments: str) -> tuple[str, ...]:
    return (sys.executable, "-m", module, *arguments)
