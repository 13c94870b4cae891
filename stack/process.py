"""Child processes and ports as all parts of the stack need them."""

import contextlib
import random
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Sequence

# Below Linux' and macOS' ephemeral ports, so that no outgoing connection takes one meanwhile.
FREE_PORT_RANGE = range(15_000, 32_000)

SETPRIV = shutil.which("setpriv")


def tied_to_parent(
    command: Sequence[str], death_signal: signal.Signals = signal.SIGTERM
) -> list[str]:
    """The command so that the kernel sends it the signal when our process ends in any way.

    By a program and not by `preexec_fn`, which must not be used beside threads (gRPC has some).
    """
    if SETPRIV is None:  # not Linux
        return list(command)
    return [SETPRIV, f"--pdeathsig={death_signal.name.removeprefix('SIG')}", *command]


def is_port_free(port: int) -> bool:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def free_ports(count: int) -> list[int]:
    """Ports that nobody listens on, drawn at random: two stacks that start at once differ."""
    chosen: set[int] = set()
    while len(chosen) < count:
        port = random.choice(FREE_PORT_RANGE)  # noqa: S311 - no secret
        if port not in chosen and is_port_free(port):
            chosen.add(port)
    return sorted(chosen)


def accepts_connections(port: int) -> bool:
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
        return True
    return False


def wait_until(
    ready: Callable[[], bool], child: subprocess.Popen[bytes], timeout_seconds: float
) -> None:
    """Raises RuntimeError when the child ends first or takes too long."""
    deadline = time.monotonic() + timeout_seconds
    while not ready():
        if child.poll() is not None:
            raise RuntimeError(f"{child.args!r} ended with code {child.returncode}")
        if time.monotonic() > deadline:
            raise RuntimeError(f"{child.args!r} is not ready after {timeout_seconds:g} s")
        time.sleep(0.02)
