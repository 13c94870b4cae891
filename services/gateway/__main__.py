"""`python -m services.gateway`: serves until SIGTERM or Ctrl-C, then finishes calls in progress."""

import asyncio
import signal

import uvloop
from aiohttp import web

from libs import identity, lag, logs, settings, telemetry, tls
from libs.admin import Admin
from libs.identity import GATEWAY, Signer
from libs.logs import log
from libs.tasks import Tasks, cancel
from libs.watched import FileError
from services.gateway import app
from services.gateway.client_addresses import Addresses
from services.gateway.config import Config
from services.gateway.upstreams import Upstreams


async def serve(config: Config) -> None:
    stopping = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopping.set)
    provider = telemetry.set_up("gateway")
    tasks = Tasks()
    upstreams = Upstreams(config.targets)
    addresses = Addresses(config.trusted_proxies)
    runner = app.runner(config, upstreams, tasks, addresses)
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
    """Always ready: without its services, the gateway still answers known keys, pages and its
    reference.
    """
    return ""


def main() -> None:
    config = settings.load(Config)
    logs.set_up("gateway")
    try:
        identity.set_up(Signer(GATEWAY, config.identity_key_file))
        tls.set_up(config.tls())
    except (FileError, OSError) as error:
        log.error("cannot start", name="gateway", error=str(error))
        raise SystemExit(1) from None
    uvloop.run(serve(config))


if __name__ == "__main__":
    main()
