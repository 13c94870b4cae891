"""No request that can be generated from the published document breaks the API."""

import asyncio
import sys
from pathlib import Path

import pytest

from tests.e2e.conftest import open_shop

# tests/services/gateway/test_authentication.py checks that no route is open without a key.
CHECKS = (
    "not_a_server_error,status_code_conformance,content_type_conformance,"
    "response_schema_conformance"
)
FUZZING = Path(__file__).with_name("fuzzing.py")


@pytest.fixture
async def fuzzed(stack):
    """A separate merchant, so that other tests' terms, rules and cards stay unchanged."""
    async with open_shop(stack, "Fuzzed") as (shop, _):
        yield shop


@pytest.mark.timeout(900)  # guards against hanging, on any machine
async def test_schemathesis_finds_no_server_error(fuzzed, tmp_path):
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        FUZZING,
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
        f"--header=traceparent:00-{'7' * 32}-{'7' * 16}-00",  # not recorded: there are thousands
        cwd=tmp_path,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    out, _ = await process.communicate()
    assert process.returncode == 0, out.decode()[-12_000:]
