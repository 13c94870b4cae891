"""The demo merchant's couriers: couriers/*.json, bodies of POST /v1/couriers. Synthetic
examples.
"""

from collections.abc import Mapping
from http import HTTPStatus
from pathlib import Path
from typing import Final

import aiohttp

EXAMPLES: Final = tuple(sorted((Path(__file__).parent / "couriers").glob("*.json")))


async def give_couriers(url: str, secret_key: str) -> None:
    """Creates them through the gateway, as the merchant would, unless it already has couriers."""
    headers = {"Authorization": f"Bearer {secret_key}"}
    async with aiohttp.ClientSession(url, headers=headers) as http:
        async with http.get("/v1/couriers?limit=1") as answer:
            answer.raise_for_status()
            if (await answer.json())["data"]:
                return
        for name, body in _bodies().items():
            await _create(http, name, body)


def _bodies() -> Mapping[str, bytes]:
    return {example.stem: example.read_bytes() for example in EXAMPLES}


async def _create(http: aiohttp.ClientSession, name: str, body: bytes) -> None:
    headers = {"Content-Type": "application/json", "Idempotency-Key": f"demo-{name}"}
    async with http.post("/v1/couriers", data=body, headers=headers) as answer:
        if answer.status != HTTPStatus.CREATED:
            raise RuntimeError(f"{name}: {await answer.text()}")
