"""`python -m services.sandbox`: serve until SIGTERM or Ctrl-C."""

import asyncio
import signal
import sys

import structlog
import uvloop
from aiohttp import web

from services.sandbox.app import build_app
from services.sandbox.config import Config

log = structlog.get_logger("sandbox")


async def serve(config: Config) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    runner = web.AppRunner(
        build_app(config), access_log=None, shutdown_timeout=config.sandbox_stop_seconds
    )
    await runner.setup()
    await web.TCPSite(runner, config.listen_host, config.http_port).start()
    log.info("serving", host=config.listen_host, port=config.http_port)
    await stop.wait()
    log.info("stopping")
    await runner.cleanup()


def main() -> None:
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(),
        ],
        logger_factory=structlog.WriteLoggerFactory(sys.stderr),
    )
    if sys.argv[1:] == ["migrate"]:
        return  # the database creates its own schema; accepted for uniformity with the services
    uvloop.run(serve(Config()))


if __name__ == "__main__":
    main()
