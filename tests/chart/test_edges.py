"""Which process may reach which: names, selectors, and a policy for each edge of the contracts."""

import pytest

from libs import services
from libs.identity import CONSOLE, GATEWAY
from stack.chart import facts
from tests.chart.rendering import CI, EVERY_SWITCH, MINIMAL, objects, of_kind

COMPONENT = "app.kubernetes.io/component"
STANDARD = {"name", "instance", "version", "component", "managed-by", "part-of"}


def policies(values=MINIMAL):
    return {
        one["metadata"]["labels"][COMPONENT]: one["spec"]
        for one in of_kind("NetworkPolicy", values)
    }


def components(peers):
    return {peer["podSelector"]["matchLabels"][COMPONENT] for peer in peers}


def rule(rules, port):
    return next(one for one in rules if port in [each["port"] for each in one["ports"]])


def test_the_default_policy_allows_only_dns():
    spec = policies()["all"]
    assert spec["policyTypes"] == ["Ingress", "Egress"]
    assert "ingress" not in spec
    assert [[port["port"] for port in one["ports"]] for one in spec["egress"]] == [[53, 53]]


@pytest.mark.parametrize("service", services.NAMES)
def test_only_declared_callers_reach_a_service(service):
    ingress = rule(policies()[service]["ingress"], "grpc")
    assert components(ingress["from"]) == set(facts()[service]["callers"])


@pytest.mark.parametrize("caller", [GATEWAY, CONSOLE, *services.NAMES])
def test_a_caller_reaches_only_services_that_declare_it(caller):
    egress = [
        one for one in policies(EVERY_SWITCH)[caller]["egress"] if one["ports"] == [{"port": 50051}]
    ]
    wanted = set(facts()[caller]["calls"])
    assert set().union(*(components(one["to"]) for one in egress)) == wanted


def test_only_payments_and_notify_reach_the_internet():
    found = {
        name
        for name, spec in policies().items()
        for one in spec["egress"]
        if any("ipBlock" in peer for peer in one.get("to", []))
    }
    assert found == {"payments", "notify"}


def test_database_peers_can_be_set_for_one_service():
    named = {
        name
        for name, spec in policies(EVERY_SWITCH).items()
        for one in spec["egress"]
        if one["ports"] == [{"port": 5432}] and one.get("to")
    }
    assert named == {"payments", "migrate"}


def test_the_gateway_cannot_reach_a_database():
    ports = [one["ports"] for one in policies()["gateway"]["egress"]]
    assert [{"port": 5432}] not in ports


def test_names_stay_within_63_characters_with_a_long_release_name():
    for one in objects(EVERY_SWITCH, f'fullnameOverride="{"x" * 60}"'):
        assert len(one["metadata"]["name"]) <= 63


@pytest.mark.parametrize("values", CI, ids=lambda path: path.stem)
def test_every_object_has_the_standard_labels_and_its_namespace(values):
    for one in objects(values):
        if one["kind"] == "ConfigMap":  # one of extraManifests, which are passed through unchanged
            continue
        labels = one["metadata"]["labels"]
        assert {f"app.kubernetes.io/{name}" for name in STANDARD} <= labels.keys()
        assert one["metadata"]["namespace"] == "shop"


def test_two_releases_share_no_object_names():
    def names(release):
        return {(one["kind"], one["metadata"]["name"]) for one in objects(MINIMAL, release=release)}

    assert names("one") & names("two") == set()


def test_selectors_contain_only_stable_labels():
    for one in of_kind("Deployment", EVERY_SWITCH):
        selected = one["spec"]["selector"]["matchLabels"]
        assert {key.rpartition("/")[2] for key in selected} == {"name", "instance", "component"}
        assert selected.items() <= one["spec"]["template"]["metadata"]["labels"].items()


def test_the_chart_creates_no_cluster_wide_objects_or_roles():
    cluster = {"ClusterRole", "ClusterRoleBinding", "Namespace", "PriorityClass", "Role"}
    cluster |= {"CustomResourceDefinition", "ClusterIssuer", "RoleBinding"}
    assert not cluster & {one["kind"] for values in CI for one in objects(values)}


def test_every_service_has_a_headless_service_for_grpc():
    found = {one["metadata"]["name"]: one["spec"] for one in of_kind("Service", MINIMAL)}
    for name in services.NAMES:
        assert found[f"incasso-{name}-headless"]["clusterIP"] == "None"
        assert found[f"incasso-{name}"]["ports"][0]["appProtocol"] == "kubernetes.io/h2c"
