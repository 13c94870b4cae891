"""`incasso health`: asks every replica of every service whether it is serving."""

import asyncio
import os
import time
from typing import Any, Final

import grpc
import typer
from grpc_health.v1 import health_pb2, health_pb2_grpc

from cli import calls, output
from cli.output import AsJson
from libs import client, services
from libs.services import Service

TIMEOUT_SECONDS: Final = 3.0
COLUMNS: Final = ("service", "address", "state", "milliseconds")


def health(*, as_json: AsJson = False) -> None:
    """Ask each replica of each service whether it is serving; fails if one is not."""
    calls.secure()
    rows = asyncio.run(check_all())
    if as_json:
        output.print_json(rows)
    else:
        output.print_table("Health", COLUMNS, rows, empty="")
    asked = [row["state"] for row in rows if row["state"] != "not set"]
    if not asked:
        output.fail(
            "No service address is set.",
            next_step="export INCASSO_MERCHANTS_TARGET=127.0.0.1:8090, and so on.",
            code=output.NOT_CONFIGURED,
        )
    if set(asked) != {"serving"}:
        raise typer.Exit(output.REFUSED)


def replicas(target: str) -> list[str]:
    """The individual addresses of a gRPC target, as far as it lists them."""
    return target.removeprefix("ipv4:").split(",")


async def check_all() -> list[dict[str, Any]]:
    checks = []
    for service in services.SERVICES:
        target = os.environ.get(service.target_variable, "")
        checks += [_check(service, address) for address in replicas(target)]
    return list(await asyncio.gather(*checks))


async def _check(service: Service, address: str) -> dict[str, Any]:
    if not address:
        return {"service": service.name, "address": "", "state": "not set"}
    started = time.perf_counter()
    async with client.channel(address) as channel:
        stub: Any = health_pb2_grpc.HealthStub(channel)
        try:
            answer = await stub.Check(
                health_pb2.HealthCheckRequest(), timeout=TIMEOUT_SECONDS, wait_for_ready=False
            )
        except grpc.aio.AioRpcError:
            state = "no answer"
        else:
            serving = answer.status == health_pb2.HealthCheckResponse.SERVING
            state = "serving" if serving else "not serving"
    spent = round((time.perf_counter() - started) * 1000, 1)
    return {
        "service": service.name,
        "address": address,
        "state": state,
        "milliseconds": spent,
    }
