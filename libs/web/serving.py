"""The life of a process that browsers reach: serves until SIGTERM or Ctrl-C, then finishes what is in progress."""

import asyncio
import signal
from collections.abc import Callable
from typing import TypeVar

import uvloop
from aiohttp import web

from libs import client, identity, lag, logs, settings, telemetry, tls
from libs.admin import Admin
from libs.identity import Signer
from libs.logs import log
from libs.tasks import Tasks, cancel
from libs.upstreams import Upstreams
from libs.watched import FileError
from libs.web.client_addresses import Addresses
from libs.web.connections import Runner
from libs.web.settings import WebSettings

C = TypeVar("C", bound=WebSettings)
Build = Callable[[C, Upstreams, Tasks, Addresses], Runner]


def main(name: str, kind: type[C], build: Build[C]) -> None:
    """`build` makes the runner of the process called `name` from its settings of `kind`."""
    config = settings.load(kind)
    logs.set_up(name)
    try:
        identity.set_up(Signer(name, config.identity_key_file))
        tls.set_up(config.tls())
        client.set_up(config)
    except (FileError, OSError) as error:
        log.error("cannot start", name=name, error=str(error))
        raise SystemExit(1) from None
    uvloop.run(_serve(name, config, build))


async def _serve(name: str, config: C, build: Build[C]) -> None:
    stopping = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopping.set)
    provider = telemetry.set_up(name)
    tasks = Tasks()
    upstreams = Upstreams(config.targets)
    addresses = Addresses(config.trusted_proxies)
    runner = build(config, upstreams, tasks, addresses)
    await runner.setup()
    admin = Admin(_ready, lambda: addresses.complaint)
    lag.settle()
    meter = asyncio.create_task(lag.Meter().run())
    await web.TCPSite(runner, config.listen_host, config.http_port, backlog=1024).start()
    await admin.start(config.listen_host, config.admin_port)
    log.info("serving", port=config.http_port)

    await stopping.wait()
    log.info("stopping")
    admin.leave()
    runner.leave()
    await asyncio.sleep(config.drain_seconds)
    await runner.cleanup()
    if left := await tasks.wait(config.grace_seconds):
        log.warning("calls did not end within the grace period", count=left)
    await cancel([meter])
    await upstreams.close()
    await admin.stop()
    provider.shutdown()


async def _ready() -> str:
    """Always ready: without its services, the gateway still answers known keys and shows its
    reference, and both gateway and console show pages that say what to do.
    """
    return ""
