"""A console next to the shared stack, started as the stack would; a test may kill and restart it."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import uuid4

from cryptography.fernet import Fernet

from incasso.merchants.v1 import sessions_pb2
from stack.demo_member import join
from stack.demo_merchant import DemoMerchant
from stack.embedded import REPOSITORY, Stack, healthy
from stack.topology import Backends, service_processes
from tests.waiting import until

PASSWORD = "a long password"


class Console:
    def __init__(self, stack: Stack) -> None:
        self.url = stack.console_url
        backends = Backends(str, str, str, Fernet.generate_key().decode())
        plan = service_processes(stack.ports, stack.folders, backends, healthy, {}, console=True)
        self._process = next(one for one in plan if one.name == "console")
        self._running: asyncio.subprocess.Process | None = None

    async def start(self) -> None:
        """Starts it with the same keys as before and waits until it is ready."""
        env = {**os.environ, **self._process.env}
        command = self._process.command
        running = await asyncio.create_subprocess_exec(*command, cwd=REPOSITORY, env=env)
        self._running = running
        await until(
            lambda: self._process.ready() or running.returncode is not None, every_seconds=0.1
        )
        assert running.returncode is None

    async def end(self, number: signal.Signals) -> int:
        """Sends it a signal and returns its exit code."""
        assert self._running is not None
        self._running.send_signal(number)
        return await self._running.wait()


@asynccontextmanager
async def started_console(stack: Stack) -> AsyncIterator[Console]:
    console = Console(stack)
    await console.start()
    yield console
    assert await console.end(signal.SIGTERM) == 0


async def colleague(stack: Stack, merchant: DemoMerchant, role: sessions_pb2.Role.ValueType) -> str:
    """The e-mail address of a new member, who signs in with PASSWORD."""
    email = f"{uuid4().hex[:8]}@bottega.example"
    about = {"email": email, "password": PASSWORD, "name": "Anna"}
    await join(stack, merchant.merchant_id, **about, role=role)
    return email
