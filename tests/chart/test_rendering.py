"""Every version of Helm takes every file of values, and the Kubernetes of two years takes the result."""

from copy import deepcopy

import pytest
import yaml

from stack.chart import CHART
from tests.chart import kubernetes
from tests.chart.rendering import CI, HELMS, LATEST, MINIMAL, deployment, helm, objects, rendered

# Kinds that are not Kubernetes' own, of schemas that stand elsewhere.
FOREIGN = {"Certificate", "HTTPRoute", "PodMonitor", "PrometheusRule"}


def name_of(path):
    return path.stem


def place(one):
    return one["kind"], one["metadata"]["name"]


@pytest.mark.parametrize("values", CI, ids=name_of)
@pytest.mark.parametrize("version", HELMS)
def test_lint_finds_nothing(version, values):
    done = helm(version, "lint", "--strict", CHART, "-f", values)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("values", CI, ids=name_of)
@pytest.mark.parametrize("version", HELMS[:-1])
def test_every_helm_renders_the_same(version, values):
    newest = [one for one in yaml.load_all(rendered(values), yaml.CSafeLoader) if one]
    older = yaml.load_all(rendered(values, version=version), yaml.CSafeLoader)
    assert sorted(newest, key=place) == sorted((one for one in older if one), key=place)


def different_objects():
    """Those of all files of values, each once."""
    found = {yaml.safe_dump(one): one for values in CI for one in objects(values)}
    return [one for one in found.values() if one["kind"] not in FOREIGN]


@pytest.mark.parametrize("version", kubernetes.VERSIONS)
def test_kubernetes_knows_every_field(version):
    assert {
        one["metadata"]["name"]: found
        for one in different_objects()
        if (found := kubernetes.faults(one, version))
    } == {}


@pytest.mark.parametrize("version", kubernetes.VERSIONS)
def test_a_field_that_kubernetes_does_not_know_is_found(version):
    one = deepcopy(deployment("payments"))
    one["spec"]["template"]["spec"]["containers"][0]["readinesProbe"] = {}
    (found,) = kubernetes.faults(one, version)
    assert "readinesProbe" in found


def test_a_kind_that_nobody_judges_is_named_here():
    known = {"HorizontalPodAutoscaler", "PodDisruptionBudget", "NetworkPolicy", "ServiceAccount"}
    known |= {"Deployment", "Job", "Service", "Ingress", "ConfigMap", "StatefulSet", "Pod"}
    assert {one["kind"] for values in CI for one in objects(values)} <= known | FOREIGN


def test_nothing_is_random():
    again = helm(LATEST, "template", "incasso", CHART, "--namespace", "shop", "-f", MINIMAL)
    assert again.stdout == rendered(MINIMAL)


def test_the_notes_say_the_first_call_and_no_secret():
    done = helm(LATEST, "install", "incasso", CHART, "--dry-run=client", "-f", MINIMAL)
    notes = done.stdout.partition("NOTES:")[2]
    assert "port-forward service/incasso-gateway" in notes
    assert "secret" not in notes.lower()
