"""PostgreSQL and NATS of a stack: one server each, or enough to survive the loss of any one.

Redundant means PostgreSQL with a synchronous standby, and three NATS nodes that all store every
event. Services know all addresses.
"""

import contextlib
import signal
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from libs import services
from libs.bus import STREAM
from stack.nats import Nats
from stack.ports import Ports
from stack.postgres import Postgres
from stack.process import free_ports
from stack.topology import Folders, Process, Tier

NATS_NAMES: Final = ("nats", "nats-2", "nats-3")
NODES: Final = len(NATS_NAMES)

Take = Callable[[int], list[int]]


@dataclass(frozen=True)
class Servers:
    postgres: Postgres
    nats: tuple[Nats, ...]
    standby: Postgres | None = None

    def database_url(self, role: str, database: str) -> str:
        """URL of the server that accepts writes."""
        url = self.postgres.role_url(role, database)
        if self.standby is None:
            return url
        own, other = (f"127.0.0.1:{one.port}" for one in (self.postgres, self.standby))
        return f"{url.replace(own, f'{own},{other}')}?target_session_attrs=read-write"

    def nats_url(self, user: str) -> str:
        further = [f"127.0.0.1:{node.port}" for node in self.nats[1:]]
        return ",".join([self.nats[0].user_url(user), *further])

    def leading_node(self) -> str:
        """The NATS node that leads the event stream, or "" while there is none."""
        return next((name for node in self.nats if (name := node.leader(STREAM))), "")

    def processes(self) -> list[Process]:
        return [*self._postgres_processes(), *self._nats_processes()]

    def _postgres_processes(self) -> list[Process]:
        def ready() -> bool:
            with contextlib.suppress(RuntimeError):  # psql was refused; the next probe tries again
                if self.postgres.is_ready():
                    self.postgres.ensure_services(services.NAMES)
                    return True
            return False

        stop = {"stop_signal": signal.SIGINT}
        command, prepare = self.postgres.command(), self.postgres.initialise
        found = [_backend("postgres", command, ready, prepare=prepare, **stop)]
        if standby := self.standby:
            following = _backend(
                "standby",
                standby.command(),
                lambda: standby.is_ready() and self.postgres.wait_for_standby(),
                prepare=lambda: standby.copy(self.postgres),
                after=frozenset({"postgres"}),
                **stop,
            )
            found.append(following)
        return found

    def _nats_processes(self) -> list[Process]:
        """The NATS nodes. Clients connect only once the cluster has all nodes and a leader."""
        return [
            _backend(name, node.command(), node.is_ready)
            for name, node in zip(NATS_NAMES, self.nats, strict=False)
        ]


def plan_servers(
    folders: Folders, ports: Ports, *, durable: bool, redundant: bool, take: Take = free_ports
) -> Servers:
    postgres = Postgres(
        folders.data("postgres"), ports.postgres, durable=durable, secrets=folders.secrets
    )
    first = Nats(folders.data("nats"), ports.nats, folders.secrets)
    if not redundant:
        return Servers(postgres, (first,))
    routes, monitors, (second, third, standby) = take(NODES), take(NODES), take(NODES)
    nodes = [
        replace(
            first,
            store=folders.data(name),
            port=port,
            routes=(*routes[number:], *routes[:number]),
            monitor=monitors[number],
        )
        for number, (name, port) in enumerate(
            zip(NATS_NAMES, (ports.nats, second, third), strict=True)
        )
    ]
    other = replace(postgres, data=folders.data("standby"), port=standby)
    return Servers(postgres, tuple(nodes), other)


def _backend(name: str, command: Sequence[str], ready: Callable[[], bool], **more: Any) -> Process:
    return Process(name, command, {}, ready, tier=Tier.BACKEND, **more)
