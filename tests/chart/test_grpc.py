"""The chart's gRPC values equal the processes' defaults, and reach each of them."""

import json

import pytest
import yaml

from libs import grpc_settings
from libs.grpc_settings import GrpcSettings
from stack.chart import CHART
from tests.chart.rendering import CI, env_of
from tests.chart.test_switches import deployed

VALUES = yaml.safe_load((CHART / "values.yaml").read_text())["grpc"]
LIMITS = json.loads((CHART / "values.schema.json").read_text())["properties"]["grpc"]["properties"]
PREFIX = "INCASSO_"


def field_of(key):
    """The setting for a value: connectionAgeSeconds is grpc_connection_age_seconds."""
    return "grpc_" + "".join(f"_{each.lower()}" if each.isupper() else each for each in key)


def test_chart_values_and_grpc_settings_have_the_same_defaults_and_limits():
    defaults = grpc_settings.DEFAULTS.model_dump()
    assert {field_of(key): value for key, value in VALUES.items()} == defaults
    for key, limits in LIMITS.items():
        bounds = GrpcSettings.model_fields[field_of(key)].metadata
        assert [bound.ge for bound in bounds if hasattr(bound, "ge")] == [limits["minimum"]]
        assert [bound.le for bound in bounds if hasattr(bound, "le")] == [limits["maximum"]]


@pytest.mark.parametrize("values", CI, ids=lambda path: path.stem)
def test_every_process_gets_the_grpc_settings(values):
    wanted = VALUES | yaml.safe_load(values.read_text()).get("grpc", {})
    for pod in deployed(values).values():
        (container,) = pod["containers"]
        settings = {
            name.removeprefix(PREFIX).lower(): float(value)
            for name, value in env_of(container).items()
            if name.startswith(f"{PREFIX}GRPC_") and name.endswith("_SECONDS")
        }
        assert settings == {field_of(key): value for key, value in wanted.items()}
