"""Every version of Helm accepts every values file, and two years of Kubernetes versions accept the result.

Other kinds, including those in deploy/examples, are checked against the schemas of their projects.
"""

import re
from copy import deepcopy

import pytest
import yaml

from stack.chart import CHART
from stack.contracts import ROOT
from tests.chart import foreign, kubernetes
from tests.chart.rendering import (
    CI,
    EVERY_SWITCH,
    HELMS,
    LATEST,
    MINIMAL,
    deployment,
    helm,
    objects,
    of_kind,
    rendered,
)

CHARTS_OWN = yaml.safe_load((CHART / "Chart.yaml").read_text())
OLDEST = re.fullmatch(r">=(1\.\d+)\.0-0", CHARTS_OWN["kubeVersion"])[1]
VERSIONS = kubernetes.versions_from(OLDEST)


def name_of(path):
    return path.stem


def place(one):
    return one["kind"], one["metadata"]["name"]


@pytest.mark.parametrize("values", CI, ids=name_of)
@pytest.mark.parametrize("version", HELMS)
def test_helm_lint_passes(version, values):
    done = helm(version, "lint", "--strict", CHART, "-f", values)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("values", CI, ids=name_of)
@pytest.mark.parametrize("version", HELMS[:-1])
def test_every_helm_version_renders_the_same_objects(version, values):
    newest = [one for one in yaml.load_all(rendered(values), yaml.CSafeLoader) if one]
    older = yaml.load_all(rendered(values, version=version), yaml.CSafeLoader)
    assert sorted(newest, key=place) == sorted((one for one in older if one), key=place)


def different_objects():
    """The objects of all values files, each once."""
    found = {yaml.safe_dump(one): one for values in CI for one in objects(values)}
    return list(found.values())


def test_at_least_seven_kubernetes_versions_are_supported():
    assert len(VERSIONS) >= 7  # three a year, and the newest one before
    assert VERSIONS[-1] == kubernetes.versions_from("1.0")[-1]


@pytest.mark.parametrize(
    "version", [f"v{OLDEST}.0", f"v{OLDEST}.9-eks-1a2b3c", f"v{VERSIONS[-1]}.1"]
)
def test_a_tested_kubernetes_version_is_accepted(version):
    assert asked_of(version).returncode == 0


def test_an_older_kubernetes_version_is_refused():
    older = f"1.{int(OLDEST.split('.')[1]) - 1}"
    done = asked_of(f"v{older}.12")
    assert done.returncode != 0
    assert "incompatible with Kubernetes" in done.stderr


def asked_of(version):
    return helm(LATEST, "template", "a", CHART, "-f", MINIMAL, "--kube-version", version)


@pytest.mark.parametrize("version", VERSIONS)
def test_every_field_is_in_the_kubernetes_schema(version):
    assert {
        one["metadata"]["name"]: found
        for one in different_objects()
        if kubernetes.knows(one)
        if (found := kubernetes.faults(one, version))
    } == {}


@pytest.mark.parametrize("version", VERSIONS)
def test_a_field_unknown_to_kubernetes_is_found(version):
    one = deepcopy(deployment("payments"))
    one["spec"]["template"]["spec"]["containers"][0]["readinesProbe"] = {}
    (found,) = kubernetes.faults(one, version)
    assert "readinesProbe" in found


def test_custom_resources_match_their_projects_schemas(tmp_path):
    """Checks valid and invalid ones in one call, since the compiler takes seconds."""
    examples = [
        one
        for path in sorted((ROOT / "deploy" / "examples").glob("*.yaml"))
        for one in yaml.safe_load_all(path.read_text())
        if "kind" in one
    ]
    right = [one for one in (*different_objects(), *examples) if not kubernetes.knows(one)]
    wrong = misspelt()
    found = foreign.faults([*right, *wrong.values()], tmp_path)
    assert {one["kind"] for one in right} >= {one["kind"] for one in wrong.values()} - {"Nobody"}
    assert {place: faults for place, faults in found.items() if place < len(right)} == {}
    for place, error in enumerate(wrong, len(right)):
        assert error in str(found[place])


def misspelt():
    """Objects with one mistake of each sort, by the expected error."""
    route, *_ = deepcopy(of_kind("HTTPRoute", EVERY_SWITCH))
    route["spec"]["rules"][0]["matchess"] = []
    (monitor,) = deepcopy(of_kind("PodMonitor", EVERY_SWITCH))
    monitor["spec"]["podMetricsEndpoints"][0]["interval"] = "30 seconds"
    certificate, *_ = deepcopy(of_kind("Certificate", EVERY_SWITCH))
    certificate["spec"]["privateKey"]["algorithm"] = "ECDSS"
    return {
        '"matchess"': route,
        "interval must match pattern": monitor,
        "ECDSS": certificate,
        "nobody knows its kind": {"apiVersion": "example.com/v1", "kind": "Nobody"},
    }


def test_rendering_is_repeatable():
    again = helm(LATEST, "template", "incasso", CHART, "--namespace", "shop", "-f", MINIMAL)
    assert again.stdout == rendered(MINIMAL)


def test_the_notes_show_the_first_command_and_mention_no_secret():
    done = helm(LATEST, "install", "incasso", CHART, "--dry-run=client", "-f", MINIMAL)
    notes = done.stdout.partition("NOTES:")[2]
    assert "port-forward service/incasso-gateway" in notes
    assert "secret" not in notes.lower()
