"""Clients generated from the published document take a first payment."""

import asyncio
import json
import os
import sys

import pytest

from tests.contract.node import HERE, needs_node, run, workplace


@pytest.fixture
async def document(shop):
    async with shop.http.get(f"{shop.url}/openapi.json") as answer:
        return await answer.read()


async def output_of(*command, cwd, **env):
    process = await asyncio.create_subprocess_exec(
        *command,
        cwd=cwd,
        env={**os.environ, **env},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    out, _ = await process.communicate()
    assert process.returncode == 0, out.decode()[-12_000:]
    return out.decode()


def paid(text, order):
    payment = json.loads(text)
    assert payment["state"] == "captured"
    assert payment["amount"] == {"amount_minor": 5990, "currency": "EUR"}
    assert payment["order_reference"] == order
    return payment


async def test_a_python_client_takes_a_first_payment(shop, document, tmp_path):
    (tmp_path / "openapi.json").write_bytes(document)
    (tmp_path / "config.yaml").write_text("post_hooks: []\n")
    await output_of(
        sys.executable,
        "-m",
        "openapi_python_client",
        "generate",
        "--path=openapi.json",
        "--config=config.yaml",
        "--output-path=incasso_client",
        "--meta=none",
        "--fail-on-warning",
        cwd=tmp_path,
    )
    order = shop.next_order()
    script = str(HERE / "first_payment.py")
    arguments = (shop.url, shop.secret_key, order)
    out = await output_of(
        sys.executable, script, *arguments, cwd=tmp_path, PYTHONPATH=str(tmp_path)
    )
    paid(out, order)


@needs_node
async def test_a_typescript_client_takes_a_first_payment(shop, document, tmp_path):
    folder = workplace(tmp_path, document)
    run(folder, "openapi-typescript", "openapi.json", "--output=incasso.d.ts")
    run(folder, "tsc", "--project", "tsconfig.json")
    order = shop.next_order()
    out = await output_of("node", "first_payment.js", shop.url, shop.secret_key, order, cwd=folder)
    paid(out, order)
