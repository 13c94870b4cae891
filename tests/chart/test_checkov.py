"""checkov finds nothing but what deploy/checkov/skips.yaml gives a reason for, and each reason is needed."""

import json
import os
import re
import subprocess
import sys

import yaml

from stack.contracts import ROOT
from stack.tools import TOOLS
from tests.chart.rendering import EVERY_SWITCH, rendered

SKIPS = yaml.safe_load((ROOT / "deploy" / "checkov" / "skips.yaml").read_text())
EVERYTHING = tuple(f"demo.{part}.enabled=true" for part in ("sandbox", "postgresql", "nats"))
OFFLINE = ("--skip-download", "--quiet", "--compact", "--framework", "kubernetes", "-o", "json")


def found(file):
    command = [sys.executable, "-m", "checkov.main", *OFFLINE, "-f", str(file)]
    env = {**os.environ, "PYTHONPATH": str(TOOLS / "checkov"), "LOG_LEVEL": "ERROR"}
    done = subprocess.run(command, env=env, capture_output=True, text=True, check=False)
    report = json.loads(done.stdout)
    assert report["summary"]["parsing_errors"] == 0
    assert report["summary"]["passed"] > 1000
    return {(one["check_id"], one["resource"]) for one in report["results"]["failed_checks"]}


def test_checkov_finds_only_the_listed_exceptions(tmp_path):
    file = tmp_path / "chart.yaml"
    file.write_text(rendered(EVERY_SWITCH, *EVERYTHING))
    failed = found(file)
    meant = {
        (check, resource): skip["reason"]
        for skip in SKIPS
        for check, resource in failed
        if check == skip["check"] and re.fullmatch(skip["of"], resource)
    }
    assert failed - meant.keys() == set()
    assert set(meant.values()) == {skip["reason"] for skip in SKIPS}
