"""The ports of the embedded stack's processes."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from libs.services import SERVICES

DEFAULT_PORT_BASE = 8080
# Offsets from the port base for everything that people and scripts may rely on. libs/services has
# the others.
OFFSETS = {
    "gateway": 0,
    "console": 1,
    "sandbox": 2,
    "postgres": 3,
    "nats": 4,
    "localstripe": 5,
    "gateway admin": 6,
    "smtp": 7,
    "console admin": 8,
}


@dataclass(frozen=True)
class Address:
    """One replica's ports: the main one and the one for health and metrics."""

    port: int
    admin_port: int


@dataclass(frozen=True)
class Ports:
    sandbox: int
    postgres: int
    nats: int
    localstripe: int
    smtp: int
    replicas: Mapping[str, tuple[Address, ...]]

    @property
    def gateway(self) -> int:
        return self.replicas["gateway"][0].port

    @property
    def gateway_url(self) -> str:
        return f"http://127.0.0.1:{self.gateway}"

    @property
    def console_url(self) -> str:
        return f"http://127.0.0.1:{self.replicas['console'][0].port}"

    @property
    def sandbox_url(self) -> str:
        return f"http://127.0.0.1:{self.sandbox}"

    def all(self) -> list[int]:
        pairs = [address for group in self.replicas.values() for address in group]
        ports = [self.sandbox, self.postgres, self.nats, self.localstripe, self.smtp]
        return ports + [p.port for p in pairs] + [p.admin_port for p in pairs]


def replica_names(service: str, count: int) -> list[str]:
    """`payments` if there is one, otherwise `payments-1`, `payments-2`, …"""
    return [service] if count == 1 else [f"{service}-{number + 1}" for number in range(count)]


def plan_ports(
    take: Callable[[int], list[int]], replicas: Mapping[str, int], base: int | None = None
) -> Ports:
    """The fixed ports above `base`; without `base`, and for further replicas, ports from
    `take(n)`.
    """
    spare = iter(take(64))

    def port(offset: int) -> int:
        return next(spare) if base is None else base + offset

    def addresses(name: str, first: Address) -> tuple[Address, ...]:
        more = replicas.get(name, 1) - 1
        return (first, *(Address(next(spare), next(spare)) for _ in range(more)))

    groups = {
        service.name: addresses(service.name, Address(port(service.port), port(service.port + 1)))
        for service in SERVICES
    }
    gateway = Address(port(OFFSETS["gateway"]), port(OFFSETS["gateway admin"]))
    groups["gateway"] = addresses("gateway", gateway)
    groups["console"] = (Address(port(OFFSETS["console"]), port(OFFSETS["console admin"])),)
    return Ports(
        sandbox=port(OFFSETS["sandbox"]),
        postgres=port(OFFSETS["postgres"]),
        nats=port(OFFSETS["nats"]),
        localstripe=port(OFFSETS["localstripe"]),
        smtp=port(OFFSETS["smtp"]),
        replicas=groups,
    )


def targets(ports: Ports) -> dict[str, str]:
    """All replicas of each service in gRPC's address syntax, for round robin."""
    return {
        service.target_variable: "ipv4:"
        + ",".join(f"127.0.0.1:{address.port}" for address in ports.replicas[service.name])
        for service in SERVICES
    }
