"""How every pod is restricted, started, probed and stopped."""

import importlib
import re

import pytest
from pydantic_core import PydanticUndefined

from libs import deadlines, descriptors, services
from services.payments.connectors import transport
from tests.chart.rendering import (
    CI,
    EVERY_SWITCH,
    MINIMAL,
    deployment,
    env_of,
    objects,
    of_kind,
    pods,
    processes,
)

ALL_PODS = [(f"{values.stem}-{name}", pod) for values in CI for name, pod in pods(values)]
EVERY_POD = pytest.mark.parametrize(
    "pod", [pod for _, pod in ALL_PODS], ids=[n for n, _ in ALL_PODS]
)
# Secret settings, mounted as files, by process; the chart's README lists them.
SECRET_SETTINGS = {
    "": {"database_url", "nats_url"},
    "notify": {"seal_keys", "smtp_url"},
    "sealing": {"seal_keys"},
}
# Settings that are not secret and have no sensible default.
STATED_BY_OPERATORS = {"notify": {"mail_from"}}


@EVERY_POD
def test_pods_meet_the_restricted_security_standard(pod):
    security = pod["securityContext"]
    assert security["runAsNonRoot"] is True
    assert security["seccompProfile"] == {"type": "RuntimeDefault"}
    for container in pod["containers"]:
        own = container["securityContext"]
        assert own["allowPrivilegeEscalation"] is False
        assert own["readOnlyRootFilesystem"] is True
        assert own["capabilities"] == {"drop": ["ALL"]}
    assert not {"hostNetwork", "hostPID", "hostIPC"} & pod.keys()


@EVERY_POD
def test_pods_have_no_api_token_and_no_service_link_variables(pod):
    assert pod["automountServiceAccountToken"] is False
    assert pod["enableServiceLinks"] is False


@EVERY_POD
def test_dns_lookups_are_retried_before_a_psp_call_times_out(pod):
    options = {one["name"]: int(one["value"]) for one in pod["dnsConfig"]["options"]}
    assert options["timeout"] * 2 < transport.WAIT_SECONDS
    assert options["timeout"] * options["attempts"] <= transport.WAIT_SECONDS


@EVERY_POD
def test_pods_have_resource_requests_and_a_memory_limit(pod):
    for container in pod["containers"]:
        assert {"cpu", "memory"} <= container["resources"]["requests"].keys()
        assert "memory" in container["resources"]["limits"]


@EVERY_POD
def test_no_secret_is_in_the_environment(pod):
    for container in pod["containers"]:
        for one in container.get("env", []):
            assert "secretKeyRef" not in one.get("valueFrom", {})
            secret = re.search(r"PASSWORD|TOKEN|SEAL|DATABASE_URL|NATS_URL", one["name"])
            is_switch = one.get("value") in {"true", "false"}
            assert not secret or one["name"].endswith("_FILE") or is_switch


def test_the_chart_renders_no_secret():
    assert [one for values in CI for one in objects(values) if one["kind"] == "Secret"] == []


def test_openshift_may_choose_the_user():
    (openshift,) = [values for values in CI if values.stem == "openshift"]
    for _, pod in pods(openshift):
        assert not {"runAsUser", "runAsGroup", "fsGroup"} & pod["securityContext"].keys()


def test_a_pods_termination_grace_exceeds_its_processs_shutdown_time():
    for one in processes(EVERY_SWITCH):
        pod = one["spec"]["template"]["spec"]
        env = env_of(pod["containers"][0])
        drain, grace = (float(env[f"INCASSO_{name}_SECONDS"]) for name in ("DRAIN", "GRACE"))
        assert grace >= deadlines.CALL > deadlines.PSP
        assert pod["terminationGracePeriodSeconds"] > drain + grace


def test_a_rollout_removes_no_replica_before_another_is_ready():
    for one in of_kind("Deployment"):
        assert one["spec"]["strategy"]["rollingUpdate"] == {"maxSurge": 1, "maxUnavailable": 0}
        assert one["spec"]["minReadySeconds"] >= 10


def test_liveness_probes_use_the_live_endpoint():
    for one in of_kind("Deployment"):
        for container in one["spec"]["template"]["spec"]["containers"]:
            assert container["livenessProbe"]["httpGet"]["path"] == "/healthz/live"


@pytest.mark.parametrize("values", CI, ids=lambda values: values.stem)
def test_the_startup_probe_allows_time_for_migrations(values):
    limit = max(job["spec"]["activeDeadlineSeconds"] for job in of_kind("Job", values))
    for service in services.NAMES:
        container = deployment(service, values)["spec"]["template"]["spec"]["containers"][0]
        waits = float(env_of(container)["INCASSO_STARTUP_WAIT_SECONDS"])
        probe = container["startupProbe"]
        assert limit <= waits < probe["periodSeconds"] * probe["failureThreshold"]


def test_probes_use_grpc_without_tls():
    (small,) = [values for values in CI if values.stem == "small"]
    for service in services.SERVICES:
        container = deployment(service.name, small)["spec"]["template"]["spec"]["containers"][0]
        assert container["readinessProbe"]["grpc"]["service"] in service.full_names
        assert container["startupProbe"]["grpc"]["port"] == 50051


def required_of(service):
    config = importlib.import_module(f"services.{service}.config").Config
    fields = config.model_fields.items()
    return {name for name, field in fields if field.default is PydanticUndefined}


@pytest.mark.parametrize("service", services.NAMES)
def test_a_services_tmp_volume_fits_three_of_its_largest_uploads(service):
    rpcs = [
        rpc
        for name in services.named(service).full_names
        for rpc in descriptors.service(name).methods
    ]
    largest = max(descriptors.rules_of(rpc).upload.max_bytes for rpc in rpcs)
    volumes = deployment(service)["spec"]["template"]["spec"]["volumes"]
    (room,) = (one["emptyDir"]["sizeLimit"] for one in volumes if one["name"] == "tmp")
    number, unit = re.fullmatch(r"(\d+)([MG])i", room).groups()
    assert int(number) * {"M": 2**20, "G": 2**30}[unit] >= 3 * largest


@pytest.mark.parametrize("service", ["gateway", *services.NAMES])
def test_every_process_gets_its_required_settings(service):
    container = deployment(service)["spec"]["template"]["spec"]["containers"][0]
    settings = {name.removeprefix("INCASSO_").lower() for name in env_of(container)}
    files = set()
    if service != "gateway":
        files = SECRET_SETTINGS[""] | SECRET_SETTINGS.get(service, set())
        if services.named(service).seals:
            files |= SECRET_SETTINGS["sealing"]
    left = required_of(service) - settings - files
    assert left == STATED_BY_OPERATORS.get(service, set())


def test_an_autoscaled_deployment_sets_no_replicas():
    (scaler,) = of_kind("HorizontalPodAutoscaler", EVERY_SWITCH)
    assert scaler["spec"]["scaleTargetRef"]["name"] == "shop-payments-gateway"
    assert "replicas" not in deployment("gateway", EVERY_SWITCH)["spec"]
    assert deployment("payments", EVERY_SWITCH)["spec"]["replicas"] == 3


def test_single_replicas_have_no_disruption_budget():
    (small,) = [values for values in CI if values.stem == "small"]
    assert of_kind("PodDisruptionBudget", small) == []
    for one in of_kind("PodDisruptionBudget", MINIMAL):
        assert one["spec"]["unhealthyPodEvictionPolicy"] == "AlwaysAllow"


def test_all_deployments_request_at_most_four_cpus():
    wanted = 0
    for one in of_kind("Deployment"):
        (container,) = one["spec"]["template"]["spec"]["containers"]
        cpu = container["resources"]["requests"]["cpu"]
        wanted += int(cpu.removesuffix("m")) * one["spec"]["replicas"]
    assert wanted <= 4000
