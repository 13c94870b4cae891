"""What each switch of the chart adds, and that every value is read."""

import json
import re

import pytest
import yaml

from stack.chart import CHART
from tests.chart.rendering import (
    CI,
    EVERY_SWITCH,
    MINIMAL,
    env_of,
    objects,
    of_kind,
    pods,
    processes,
)
from tests.chart.test_values import leaves

MORE = {"name": "sidecar", "image": "sidecar:1", "resources": {}}


def deployed(values=MINIMAL, *more):
    """The pod specs of processes, by name."""
    return {
        one["metadata"]["name"]: one["spec"]["template"]["spec"] for one in processes(values, *more)
    }


def test_every_value_is_read_by_a_template():
    templates = "".join(path.read_text() for path in (CHART / "templates").iterdir())
    values = yaml.safe_load((CHART / "values.yaml").read_text())
    # Values passed on as a whole: to a security context, a container's resources, a selector, the environment.
    whole = {"grpc", "podSecurityContext", "resources", "peers", "labels", "issuerRef"}
    unread = [
        ".".join(path)
        for path in leaves(values)
        if not whole & set(path[:-1])
        if not re.search(rf"\.{path[-1]}\b", templates)
    ]
    assert unread == []


def test_the_gateway_is_not_exposed_by_default():
    assert not {"Ingress", "HTTPRoute"} & {one["kind"] for one in objects(MINIMAL)}
    assert {one["spec"]["type"] for one in of_kind("Service") if "type" in one["spec"]} == {
        "ClusterIP"
    }


def led_to(component):
    """The Ingress spec of a process, and the Service that its Ingress and HTTPRoute lead to."""
    name = f"shop-payments-{component}"
    ingress, route = (
        next(one["spec"] for one in of_kind(kind, EVERY_SWITCH) if one["metadata"]["name"] == name)
        for kind in ("Ingress", "HTTPRoute")
    )
    (backend,) = route["rules"][0]["backendRefs"]
    assert backend == {"name": name, "port": 80}
    return ingress, {"name": name, "port": {"name": "http"}}


def test_ingress_and_route_lead_to_the_gateway():
    ingress, backend = led_to("gateway")
    assert ingress["rules"][0]["http"]["paths"][0]["backend"]["service"] == backend
    assert ingress["tls"] == [{"hosts": ["pay.example"], "secretName": "pay-tls"}]


def test_every_pod_runs_the_configured_image():
    digest = "sha256:" + "0" * 64
    for name, pod in pods(EVERY_SWITCH):
        assert pod["imagePullSecrets"] == [{"name": "images"}], name
        images = {container["image"] for container in pod["containers"]}
        assert images == {f"images.example/shop/incasso@{digest}"}


def test_no_image_is_untagged_or_latest():
    images = {c["image"] for values in CI for _, pod in pods(values) for c in pod["containers"]}
    assert [image for image in images if image.endswith(":latest") or ":" not in image] == []


def test_processes_use_the_charts_service_account_or_the_configured_one():
    assert {pod["serviceAccountName"] for pod in deployed().values()} == {"incasso"}
    (account,) = of_kind("ServiceAccount")
    assert account["automountServiceAccountToken"] is False
    named = ("serviceAccount.create=false", 'serviceAccount.name="mine"')
    assert {pod["serviceAccountName"] for pod in deployed(MINIMAL, *named).values()} == {"mine"}
    assert of_kind("ServiceAccount", MINIMAL, *named) == []


def test_an_enabled_operator_pod_is_set_up_like_the_helm_test():
    assert "incasso-operator" not in {one["metadata"]["name"] for one in of_kind("Deployment")}
    deployment = next(
        one
        for one in of_kind("Deployment", EVERY_SWITCH)
        if one["metadata"]["name"] == "shop-payments-operator"
    )
    (test,) = of_kind("Pod", EVERY_SWITCH)
    pod, (container,) = (
        deployment["spec"]["template"]["spec"],
        deployment["spec"]["template"]["spec"]["containers"],
    )
    assert pod["volumes"] == test["spec"]["volumes"]
    for same in ("env", "volumeMounts", "image", "securityContext"):
        assert container[same] == test["spec"]["containers"][0][same]


def test_replicas_are_spread_over_nodes():
    for one in of_kind("Deployment"):
        (spread,) = one["spec"]["template"]["spec"]["topologySpreadConstraints"]
        assert spread["topologyKey"] == "kubernetes.io/hostname"
        assert spread["labelSelector"]["matchLabels"] == one["spec"]["selector"]["matchLabels"]


def test_extra_pod_settings_are_applied_to_every_process():
    for pod in deployed(EVERY_SWITCH).values():
        (container,) = pod["containers"]
        assert env_of(container)["TZ"] == "UTC"
        assert {"name": "more", "mountPath": "/more"} in container["volumeMounts"]
        assert "more" in {volume["name"] for volume in pod["volumes"]}
        assert pod["priorityClassName"] == "payments"
        assert pod["nodeSelector"] == {"kubernetes.io/os": "linux"}
        assert [one["key"] for one in pod["tolerations"]] == ["dedicated"]


def test_pods_have_the_configured_labels_and_annotations():
    for one in processes(EVERY_SWITCH):
        metadata = one["spec"]["template"]["metadata"]
        assert metadata["labels"]["tier"] == "backend"
        assert metadata["labels"]["team"] == "payments"
        assert metadata["annotations"]["example.com/scrape"] == "true"
        assert metadata["annotations"]["example.com/owner"] == "payments"


def test_an_extra_container_is_added_only_to_its_service():
    changed = deployed(MINIMAL, f"services.cod.extraContainers=[{json.dumps(MORE)}]")
    assert [c["name"] for c in changed["incasso-cod"]["containers"]] == ["cod", "sidecar"]
    assert [c["name"] for c in changed["incasso-notify"]["containers"]] == ["notify"]


def test_extra_manifests_are_rendered_as_templates():
    found = [one["metadata"] for one in of_kind("ConfigMap", EVERY_SWITCH)]
    assert {"name": "incasso-more", "namespace": "shop"} in found


@pytest.mark.parametrize("values", CI, ids=lambda path: path.stem)
def test_trace_attributes_use_only_variables_defined_before_them(values):
    for pod in deployed(values).values():
        variables = [one["name"] for one in pod["containers"][0]["env"]]
        attributes = env_of(pod["containers"][0])["OTEL_RESOURCE_ATTRIBUTES"]
        for variable in re.findall(r"\$\((\w+)\)", attributes):
            assert variables.index(variable) < variables.index("OTEL_RESOURCE_ATTRIBUTES")


def test_traces_are_exported_only_to_a_configured_endpoint():
    for pod in deployed(EVERY_SWITCH).values():
        env = env_of(pod["containers"][0])
        assert env["OTEL_EXPORTER_OTLP_ENDPOINT"] == "http://collector.observability:4318"
        assert env["OTEL_TRACES_SAMPLER_ARG"] == "0.5"
    for pod in deployed().values():
        assert "OTEL_EXPORTER_OTLP_ENDPOINT" not in env_of(pod["containers"][0])


def test_no_secret_is_in_a_configmap_or_a_command():
    secret = re.compile(r"password|BEGIN [A-Z ]*PRIVATE|://[^/\s]+:[^/\s]+@", re.IGNORECASE)
    for values in CI:
        for one in objects(values):
            if one["kind"] == "ConfigMap":
                assert not secret.search(yaml.safe_dump(one["data"]))
        for _, pod in pods(values):
            for container in pod["containers"]:
                command = [*container.get("command", []), *container.get("args", [])]
                assert not secret.search(" ".join(command))
