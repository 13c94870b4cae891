"""Alerts, dashboard and scraping: every metric exists with its labels, every alert has its runbook."""

import importlib
import json
import re

import pytest
import yaml
from prometheus_client import REGISTRY

from libs import services
from libs.identity import CONSOLE, GATEWAY
from stack.chart import CHART
from stack.contracts import ROOT
from tests.chart.rendering import EVERY_SWITCH, MINIMAL, objects, of_kind

ALERTS = yaml.safe_load((CHART / "files" / "alerts.yaml").read_text())
DASHBOARD = json.loads((CHART / "files" / "dashboard.json").read_text())
GUIDE = (ROOT / "docs" / "operate.md").read_text()
# Labels added by scraping, and Prometheus's own.
OF_SCRAPING = {"namespace", "release", "service", "pod", "le"}
USE = re.compile(r"([a-z_:]+)\{([^}]*)\}")
GROUPED = re.compile(r"\bby \(([^)]*)\)")
LABEL = re.compile(r"(\w+)(?:=~|!~|!=|=)")
SUFFIXES = {"counter": ("_total",), "histogram": ("_count", "_sum", "_bucket"), "gauge": ("",)}


@pytest.fixture(scope="module")
def exported():
    """The labels that processes set, by series."""
    for name in (GATEWAY, CONSOLE, *services.NAMES):
        importlib.import_module(f"services.{name}.__main__")
    found = {"up": set()}
    for metric in set(REGISTRY._collector_to_names):
        for family in metric.describe() if hasattr(metric, "describe") else metric.collect():
            labels = set(getattr(metric, "_labelnames", ()))
            for suffix in SUFFIXES.get(family.type, ("",)):
                found[family.name + suffix] = labels
    return found


def expressions():
    yield from ((one["alert"], one["expr"]) for one in ALERTS)
    for panel in DASHBOARD["panels"]:
        yield from ((panel["title"], target["expr"]) for target in panel["targets"])


@pytest.mark.parametrize(
    ("of", "expression"), list(expressions()), ids=[name for name, _ in expressions()]
)
def test_every_queried_series_is_exported_with_the_queried_labels(exported, of, expression):
    uses = USE.findall(expression)
    assert uses
    labels = set()
    for name, selector in uses:
        assert name in exported, name
        asked = set(LABEL.findall(selector.replace("<release>", "")))
        assert asked <= exported[name] | OF_SCRAPING
        labels |= exported[name]
    grouped = {one.strip() for group in GROUPED.findall(expression) for one in group.split(",")}
    assert grouped <= labels | OF_SCRAPING


@pytest.mark.parametrize(
    ("of", "expression"), list(expressions()), ids=[name for name, _ in expressions()]
)
def test_every_query_is_limited_to_one_release(of, expression):
    for _, selector in USE.findall(expression):
        assert "<release>" in selector or 'release="$release"' in selector


@pytest.mark.parametrize("alert", ALERTS, ids=lambda alert: alert["alert"])
def test_every_alert_has_a_runbook(alert):
    chapter = GUIDE.partition(f"### {alert['alert']}\n")[2].partition("\n### ")[0]
    assert len(chapter.split()) >= 15
    assert alert["severity"] in {"critical", "warning"}


def test_every_runbook_has_an_alert():
    assert set(re.findall(r"^### (Incasso\w+)$", GUIDE, re.MULTILINE)) == {
        alert["alert"] for alert in ALERTS
    }


def test_an_alerts_summary_uses_only_labels_the_alert_groups_by():
    for alert in ALERTS:
        used = set(re.findall(r"\$labels\.(\w+)", alert["summary"]))
        grouped = {
            one.strip() for group in GROUPED.findall(alert["expr"]) for one in group.split(",")
        }
        assert used <= grouped


def test_alert_rules_select_their_release_and_link_their_runbook():
    (rule,) = of_kind("PrometheusRule", EVERY_SWITCH)
    rules = {one["alert"]: one for one in rule["spec"]["groups"][0]["rules"]}
    assert rules.keys() == {alert["alert"] for alert in ALERTS} - {"IncassoSlowPayments"}
    for name, one in rules.items():
        assert 'namespace="shop",release="incasso"' in one["expr"]
        assert one["labels"]["team"] == "payments"
        runbook = one["annotations"]["runbook_url"]
        assert runbook == f"https://docs.example/operate.md#{name.lower()}"


def test_every_process_is_scraped_at_its_admin_port():
    (monitor,) = of_kind("PodMonitor", EVERY_SWITCH)
    (wanted,) = monitor["spec"]["selector"]["matchExpressions"]
    assert set(wanted["values"]) == {GATEWAY, CONSOLE, *services.NAMES}
    (endpoint,) = monitor["spec"]["podMetricsEndpoints"]
    assert endpoint["port"] == "admin"
    assert {one["targetLabel"] for one in endpoint["relabelings"]} == {"service", "release"}


def test_the_dashboard_configmap_has_the_grafana_label():
    maps = [one for one in of_kind("ConfigMap", EVERY_SWITCH) if "incasso.json" in one["data"]]
    (found,) = maps
    assert json.loads(found["data"]["incasso.json"]) == DASHBOARD
    assert found["metadata"]["labels"]["grafana_dashboard"] == "1"
    assert len({panel["id"] for panel in DASHBOARD["panels"]}) == len(DASHBOARD["panels"])


def test_prometheus_operator_objects_are_off_by_default():
    assert not {"PodMonitor", "PrometheusRule"} & {one["kind"] for one in objects(MINIMAL)}
