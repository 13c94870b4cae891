"""Lints the OpenAPI document by others' rule sets; their files give the reason for each disabled rule."""

import pytest

from libs import json_out
from services.gateway.openapi import document
from services.gateway.routes import all_routes
from tests.contract.node import needs_node, run, workplace

pytestmark = needs_node


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    found = document.build(all_routes(), public_url="https://pay.example")
    return workplace(tmp_path_factory.mktemp("rules"), json_out.dump(found))


def test_spectral_and_owasp_rules_pass(folder):
    run(folder, "spectral", "lint", "openapi.json", "--ruleset=spectral.yaml",
        "--fail-severity=hint", "--format=text", before=["each_schema_once.cjs"])  # fmt: skip


def test_redocly_rules_pass(folder):
    run(folder, "redocly", "lint", "openapi.json", "--config=redocly.yaml", "--format=stylish")
