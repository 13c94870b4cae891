"""The embedded stack as one object: `async with Stack.start(root=folder) as stack`.

For `make up`, `make demo` and the end-to-end tests. Everything runs as in production, each process
with its own environment; only PostgreSQL, NATS and a Stripe double come from wheels, and libraries
are imported once for all processes.
"""

import asyncio
import http.client
import signal
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

import grpc

from libs import client, services
from libs.identity import OPERATOR, Signer
from stack import roles
from stack.child import Child, Report
from stack.outgoing import ensure_seal_keys
from stack.ports import Ports, plan_ports, replica_names
from stack.postgres import SUPERUSER
from stack.process import accepts_connections, free_ports
from stack.servers import Servers, plan_servers
from stack.supervisor import OnReady, Supervisor
from stack.topology import (
    Backends,
    Folders,
    Process,
    Tier,
    python,
    service_processes,
    shared_env,
)

REPOSITORY = Path(__file__).resolve().parent.parent
HEALTH_TIMEOUT_SECONDS = 1.0
KEEP_LOG_BYTES = 20_000_000

Overrides = Mapping[str, Mapping[str, str]]


def healthy(port: int) -> Callable[[], bool]:
    """Whether the process on this port reports itself ready."""

    def probe() -> bool:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=HEALTH_TIMEOUT_SECONDS)
        try:
            connection.request("GET", "/healthz/ready")
            return connection.getresponse().status == http.client.OK
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()

    return probe


def localstripe_process(ports: Ports, folders: Folders) -> Process:
    command = python(
        "stack.localstripe", f"--port={ports.localstripe}", f"--data={folders.data('localstripe')}"
    )
    return Process(
        "localstripe",
        command,
        {},
        lambda: accepts_connections(ports.localstripe),
        tier=Tier.OUTSIDE,
    )


class Stack:
    """A running stack. Processes are named `payments` or, with replicas, `payments-1`, …"""

    def __init__(
        self, folders: Folders, ports: Ports, servers: Servers, supervisor: Supervisor
    ) -> None:
        self.folders = folders
        self.ports = ports
        self.events: list[str] = []
        self._servers = servers
        self._supervisor = supervisor

    @classmethod
    @asynccontextmanager
    async def start(
        cls,
        root: Path,
        *,
        replicas: Mapping[str, int] | None = None,
        env_overrides: Overrides | None = None,
        port_base: int | None = None,
        durable: bool = True,
        redundant: bool = False,
        console: bool = False,
        report: Report | None = None,
        on_ready: OnReady = lambda name, seconds: None,
    ) -> AsyncIterator["Stack"]:
        """Everything is healthy on entry and stopped on exit.

        `replicas` by service, e.g. {"payments": 2}. `env_overrides` by service, or "*" for all.
        Without `port_base` all ports are free ones. `durable=False` makes PostgreSQL faster: data
        survives the death of any process, but not of the machine. `redundant`: PostgreSQL has a
        synchronous standby and NATS three nodes (stack/servers). `console`: with the console.
        """
        folders = prepare_folders(root)
        folders.keys.ensure(services.CALLERS)
        folders.certificates.ensure(services.CALLERS)
        ports = plan_ports(free_ports, replicas or {}, port_base)
        servers = plan_servers(folders, ports, durable=durable, redundant=redundant)
        servers.nats[0].configure(services.NAMES)
        backends = Backends(
            database_url=lambda name: servers.database_url(name, name),
            owner_url=lambda name: servers.database_url(roles.owner(name), name),
            nats_url=servers.nats_url,
            seal_keys=ensure_seal_keys(folders.seal_keys),
            nats_replicas=len(servers.nats),
        )
        overrides = env_overrides or {}
        processes = [
            *servers.processes(),
            localstripe_process(ports, folders),
            *service_processes(ports, folders, backends, healthy, overrides, console=console),
        ]
        events: list[str] = []
        supervisor = Supervisor(
            processes,
            cwd=REPOSITORY,
            run=folders.run,
            log=folders.log,
            report=report or events.append,
            on_ready=on_ready,
        )
        stack = cls(folders, ports, servers, supervisor)
        stack.events = events
        await supervisor.start()
        try:
            yield stack
        finally:
            await supervisor.stop()

    @property
    def url(self) -> str:
        """Base URL of the gateway's first replica."""
        return self.urls[0]

    @property
    def urls(self) -> list[str]:
        return [f"http://127.0.0.1:{address.port}" for address in self.ports.replicas["gateway"]]

    @property
    def console_url(self) -> str:
        return self.ports.console_url

    @property
    def sandbox_url(self) -> str:
        return self.ports.sandbox_url

    @property
    def inbox_url(self) -> str:
        """Where to read the messages to customers."""
        return f"{self.sandbox_url}/inbox"

    @property
    def localstripe_url(self) -> str:
        return f"http://127.0.0.1:{self.ports.localstripe}"

    @property
    def nats_url(self) -> str:
        return f"nats://127.0.0.1:{self.ports.nats}"

    @property
    def env(self) -> dict[str, str]:
        """What a client of the stack's services needs: gRPC targets, public URL."""
        return shared_env(self.ports, self.folders)

    @property
    def operator(self) -> Signer:
        """Allowed to create merchants and their PSP accounts."""
        return Signer(OPERATOR, self.folders.keys.private(OPERATOR))

    def channel(self, service: str) -> grpc.aio.Channel:
        """A channel to all replicas of the service, with the operator's certificate."""
        target = self.env[f"INCASSO_{service.upper()}_TARGET"]
        return self.folders.certificates.tls(OPERATOR).channel(target, client.options())

    def database_url(self, service: str) -> str:
        """The superuser's URL, for looking at a service's data from outside."""
        return self._servers.database_url(SUPERUSER, service)

    def owner_url(self, service: str) -> str:
        """The database owner's URL, for operators' jobs."""
        return self._servers.database_url(roles.owner(service), service)

    def create_database(self, name: str) -> str:
        """Creates a further database and returns its URL."""
        self._servers.postgres.ensure_databases([name])
        return self.database_url(name)

    def admin_url(self, name: str) -> str:
        """URL of the health and metrics of one process, e.g. `payments-2`."""
        for service, group in self.ports.replicas.items():
            for replica, address in zip(replica_names(service, len(group)), group, strict=True):
                if replica == name:
                    return f"http://127.0.0.1:{address.admin_port}"
        raise KeyError(name)

    def process(self, name: str) -> Child:
        return self._supervisor[name]

    def pid(self, name: str) -> int:
        return self._supervisor[name].pid

    def log(self, name: str) -> str:
        return self._supervisor[name].log_file.read_text(errors="replace")

    def kill(self, name: str, sig: signal.Signals = signal.SIGKILL) -> None:
        """Kills it from outside; the supervisor restarts it."""
        self._supervisor[name].kill(sig)

    async def restart(
        self,
        name: str,
        sig: signal.Signals = signal.SIGTERM,
        *,
        env: Mapping[str, str] | None = None,
    ) -> None:
        """Ends the process with the signal, restarts it, waits until it is ready."""
        await self._supervisor.restart(name, sig, env)

    async def rolling_restart(self, service: str, *, min_ready_seconds: float = 3.0) -> None:
        """Restarts one replica after the other, as a Deployment does.

        `min_ready_seconds` as in Kubernetes: time for clients to connect to the new process before
        the next one stops.
        """
        for name in replica_names(service, len(self.ports.replicas[service])):
            await self.restart(name)
            await asyncio.sleep(min_ready_seconds)

    async def stop(self, name: str, sig: signal.Signals | None = None) -> None:
        """Takes the process down until `start_again`."""
        await self._supervisor[name].stop(sig)

    def promote_standby(self) -> None:
        """Promotes PostgreSQL's standby. The old primary must be stopped: nothing else keeps it from
        accepting writes.
        """
        assert self._servers.standby is not None
        self._servers.standby.promote()

    async def leading_node(self) -> str:
        """The NATS node that leads the event stream, or "" while there is none."""
        return await asyncio.to_thread(self._servers.leading_node)

    async def start_again(self, name: str) -> None:
        await self._supervisor[name].start()


def prepare_folders(root: Path) -> Folders:
    folders = Folders(root.resolve())
    data = folders.data("postgres").parent
    for folder in (folders.run, folders.log, folders.credentials, data):
        folder.mkdir(parents=True, exist_ok=True)
    folders.credentials.chmod(0o700)
    for log in folders.log.glob("*.log"):
        if log.stat().st_size > KEEP_LOG_BYTES:
            log.replace(log.with_suffix(".log.1"))
    return folders
