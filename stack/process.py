"""Child processes and ports for all parts of the stack."""

import contextlib
import fcntl
import functools
import os
import random
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

# Below the ephemeral ports of Linux and macOS, so that no outgoing connection takes one.
FREE_PORT_RANGE = range(15_000, 32_000)

_given: set[int] = set()  # given to this process, which its own locks do not exclude

SETPRIV = shutil.which("setpriv")


def tied_to_parent(
    command: Sequence[str], death_signal: signal.Signals = signal.SIGTERM
) -> list[str]:
    """The command, wrapped so that the kernel sends it the signal when our process ends in any way.

    Uses a program instead of `preexec_fn`, which is unsafe with threads (gRPC has some).
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
    """Ports that are not in use and that no other process on this machine was given."""
    chosen: list[int] = []
    while len(chosen) < count:
        port = random.choice(FREE_PORT_RANGE)  # noqa: S311 - no secret
        if port not in _given and is_port_free(port) and _reserve(port):
            _given.add(port)
            chosen.append(port)
    return sorted(chosen)


def _reserve(port: int) -> bool:
    """Locks one byte of a shared file until this process ends; False if another process locked it."""
    try:
        fcntl.lockf(_reservations(), fcntl.LOCK_EX | fcntl.LOCK_NB, 1, port)
    except OSError:
        return False
    return True


@functools.cache
def _reservations() -> int:
    file = Path(tempfile.gettempdir()) / f"incasso-ports-{os.getuid()}.lock"
    return os.open(file, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)


def accepts_connections(port: int) -> bool:
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
        return True
    return False


def wait_until(
    ready: Callable[[], bool], child: subprocess.Popen[bytes], timeout_seconds: float
) -> None:
    """Raises RuntimeError if the child ends first or takes too long."""
    deadline = time.monotonic() + timeout_seconds
    while not ready():
        if child.poll() is not None:
            raise RuntimeError(f"{child.args!r} ended with code {child.returncode}")
        if time.monotonic() > deadline:
            raise RuntimeError(f"{child.args!r} is not ready after {timeout_seconds:g} s")
        time.sleep(0.02)
