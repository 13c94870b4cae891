"""The published document is valid, and no request that a machine can think of breaks the API."""

import asyncio
import sys

import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator

from tests.e2e.conftest import open_shop

# That no route is open without a key is tests/services/gateway/test_authentication.py's to show.
CHECKS = (
    "not_a_server_error,status_code_conformance,content_type_conformance,"
    "response_schema_conformance"
)


@pytest.fixture
async def fuzzed(stack):
    """A merchant of its own: others do not find their terms, rules and cards changed."""
    async with open_shop(stack, "Fuzzed") as (shop, _):
        yield shop


async def document(shop):
    async with shop.http.get(f"{shop.url}/openapi.json") as answer:
        assert answer.status == 200
        return await answer.json()


async def test_the_document_is_valid_openapi_3_1(shop):
    found = await document(shop)
    assert found["openapi"].startswith("3.1")
    OpenAPIV31SpecValidator(found).validate()


@pytest.mark.timeout(900)  # a bound for hanging, on any machine
async def test_schemathesis_finds_no_server_error(fuzzed, tmp_path):
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "schemathesis.cli",
        "run",
        f"{fuzzed.url}/openapi.json",
        f"--checks={CHECKS}",
        "--phases=examples,fuzzing",
        "--max-examples=4",
        "--seed=20261121",
        "--warnings=off",
        "--no-color",
        "--suppress-health-check=all",
        "--exclude-path=/v1/api-keys/{api_key_id}/revoke",
        f"--header=Authorization:Bearer {fuzzed.secret_key}",
        cwd=tmp_path,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    out, _ = await process.communicate()
    assert process.returncode == 0, out.decode()[-12_000:]
