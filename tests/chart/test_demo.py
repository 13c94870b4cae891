"""The chart's demo parts for trying it out, and the payment of `helm test`."""

import json
from itertools import combinations

import pytest
import yaml
from cryptography import x509

from libs import services
from libs.identity import CONSOLE, GATEWAY
from stack import installation
from stack.chart import CHART, facts
from stack.installation import Installation, manifest
from tests.chart.rendering import (
    DEMO,
    EVERY_SWITCH,
    MINIMAL,
    env_of,
    objects,
    of_kind,
    pods,
)
from tests.chart.test_edges import COMPONENT, components, policies, rule
from tests.chart.test_pods import required_of

SANDBOX_URL = "http://localhost:8082"
STORES = ("postgresql", "nats")


@pytest.fixture(scope="module")
def made():
    """The Secrets of `incasso secrets`, by name."""
    items = manifest(Installation("incasso", sandbox_url=SANDBOX_URL))["items"]
    return {one["metadata"]["name"]: one["stringData"] for one in items}


def component(one):
    return one["metadata"]["labels"][COMPONENT]


@pytest.mark.parametrize("values", [MINIMAL, EVERY_SWITCH], ids=lambda path: path.stem)
def test_the_demo_is_not_installed_by_default(values):
    demo = yaml.safe_load((CHART / "values.yaml").read_text())["demo"]
    assert not any(part.get("enabled") for part in demo.values())
    found = {component(one) for one in objects(values) if COMPONENT in str(one)}
    assert not found & {"sandbox", *STORES}


def referenced():
    """Secrets that must exist, by name, with the keys that are used; empty means all keys."""
    found = {}
    for _, pod in pods(DEMO):
        for volume in pod["volumes"]:
            parts = [volume, *volume.get("projected", {}).get("sources", [])]
            for secret in [part["secret"] for part in parts if "secret" in part]:
                if not secret.get("optional"):
                    keys = {one["key"] for one in secret.get("items", [])}
                    found.setdefault(secret.get("name") or secret["secretName"], set()).update(keys)
    return found


def test_the_command_creates_every_secret_that_a_pod_mounts(made):
    wanted = referenced()
    assert wanted.keys() <= made.keys()
    assert {name: keys - made[name].keys() for name, keys in wanted.items() if keys} == {
        "incasso-postgresql": set()
    }


def test_the_command_creates_no_unused_secret(made):
    assert made.keys() - {"incasso-psp-credentials"} == referenced().keys()


@pytest.mark.parametrize("service", services.NAMES)
def test_each_process_and_its_migration_get_every_required_setting(made, service):
    files = {name.removeprefix("incasso_") for name in made[f"incasso-{service}"]}
    containers = [
        container
        for one in (*of_kind("Deployment", DEMO), *of_kind("Job", DEMO))
        for container in one["spec"]["template"]["spec"]["containers"]
        if container["name"] == service
    ]
    assert len(containers) == 2
    for container in containers:
        settings = {key.removeprefix("INCASSO_").lower() for key in env_of(container)}
        assert required_of(service) - settings - files == set()


def test_certificates_cover_every_name_that_clients_call(made):
    called = {
        value.removeprefix("dns:///").partition(":")[0]
        for _, pod in pods(DEMO)
        for container in pod["containers"]
        for name, value in env_of(container).items()
        if name.endswith("_TARGET")
    }
    named = set()
    for service in services.NAMES:
        pem = made[f"incasso-{service}-tls"]["tls.crt"].encode()
        subject = x509.load_pem_x509_certificate(pem).extensions.get_extension_for_class(
            x509.SubjectAlternativeName
        )
        named |= set(subject.value.get_values_for_type(x509.DNSName))
    assert len(called) == len(services.NAMES)
    assert called <= named


def test_generated_secrets_are_unique_and_differ_on_every_run(made):
    again = manifest(Installation("incasso", sandbox_url=SANDBOX_URL))["items"]
    passwords = [
        data["incasso_database_url"] for data in made.values() if "incasso_database_url" in data
    ]
    assert len(set(passwords)) == len(passwords) == 2 * len(services.NAMES)
    for one in again:
        assert one["stringData"] != made[one["metadata"]["name"]]
    keys = [data["incasso_seal_keys"] for data in made.values() if "incasso_seal_keys" in data]
    assert all(one != other for one, other in combinations(keys, 2))


def test_database_roles_have_the_passwords_in_their_urls(made):
    script = made["incasso-postgresql"]["roles.sql"]
    for service in services.NAMES:
        for secret, role in ((service, service), (f"{service}-owner", f"{service}_owner")):
            url = made[f"incasso-{secret}"]["incasso_database_url"]
            password = url.partition(f"//{role}:")[2].partition("@")[0]
            assert f"CREATE ROLE \"{role}\" LOGIN PASSWORD '{password}';" in script


def test_external_stores_are_used_in_the_urls():
    own = Installation("shop-incasso", database="db.example:5433", nats="bus.example:4222")
    found = installation.settings(own, "payments")
    assert found["incasso_database_url"].endswith("@db.example:5433/payments")
    assert found["incasso_nats_url"].endswith("@bus.example:4222")


def test_a_database_url_with_several_hosts_asks_for_the_writable_one():
    own = Installation("incasso", database="one:5432,two:5432", nats="one:4222,two:4222")
    found = installation.settings(own, "payments")
    assert found["incasso_database_url"].endswith(
        "@one:5432,two:5432/payments?target_session_attrs=read-write"
    )
    assert found["incasso_nats_url"].endswith("@one:4222,two:4222")


def test_no_psp_credentials_are_created_without_a_sandbox():
    names = [one["metadata"]["name"] for one in manifest(Installation("incasso"))["items"]]
    assert "incasso-psp-credentials" not in names


def test_store_pods_have_no_labels_beyond_their_selectors():
    for one in of_kind("StatefulSet", DEMO):
        template = one["spec"]["template"]["metadata"]
        assert template["labels"] == one["spec"]["selector"]["matchLabels"]


@pytest.mark.parametrize("store", STORES)
def test_only_services_and_migrations_reach_a_store(store):
    ingress = rule(policies(DEMO)[store]["ingress"], store)
    assert components(ingress["from"]) == {*services.NAMES, "migrate"}


@pytest.mark.parametrize("port", [5432, 4222])
def test_services_reach_only_the_charts_own_stores(port):
    store = {5432: "postgresql", 4222: "nats"}[port]
    for service in services.NAMES:
        egress = rule(policies(DEMO)[service]["egress"], port)
        assert components(egress["to"]) == {store}


def test_only_payments_notify_and_operators_reach_the_sandbox():
    (ingress,) = policies(DEMO)["sandbox"]["ingress"]
    assert components(ingress["from"]) == {"payments", "notify", "operator"}
    reaching = {
        name
        for name, spec in policies(DEMO).items()
        for one in spec.get("egress", [])
        if "sandbox" in components(peer for peer in one.get("to", []) if COMPONENT in str(peer))
    }
    assert reaching == {"payments", "notify", "operator"}


def test_a_store_claims_a_volume_only_if_its_size_is_set():
    sets = 'demo.postgresql.storage="10Gi"'
    claimed = {component(one): one["spec"] for one in of_kind("StatefulSet", DEMO, sets)}
    (claim,) = claimed["postgresql"]["volumeClaimTemplates"]
    assert claim["spec"]["resources"]["requests"]["storage"] == "10Gi"
    assert "volumeClaimTemplates" not in claimed["nats"]
    assert "data" in {one["name"] for one in claimed["nats"]["template"]["spec"]["volumes"]}


@pytest.mark.parametrize(("values", "job"), [(DEMO, "smoke"), (MINIMAL, "health")])
def test_helm_test_pays_with_a_sandbox_and_checks_health_without_one(values, job):
    (pod,) = of_kind("Pod", values)
    assert pod["metadata"]["annotations"]["helm.sh/hook"] == "test"
    assert pod["spec"]["activeDeadlineSeconds"] <= 300
    (container,) = pod["spec"]["containers"]
    assert container["command"] == ["python", "-m", "cli", job]
    targets = {name for name in env_of(container) if name.endswith("_TARGET")}
    may = {name for name, fact in facts().items() if "operator" in fact["callers"]}
    assert targets == {f"INCASSO_{name.upper()}_TARGET" for name in may}


def test_an_operators_pod_reaches_only_its_expected_targets():
    spec = policies(DEMO)[component(of_kind("Pod", DEMO)[0])]
    reached = set().union(*(components(one["to"]) for one in spec["egress"]))
    may = {name for name, fact in facts().items() if "operator" in fact["callers"]}
    assert reached == {*may, GATEWAY, CONSOLE, "sandbox"}


def test_nats_users_have_the_passwords_in_their_urls(made):
    conf = json.loads(made["incasso-nats"]["nats.conf"])
    passwords = {one["user"]: one["password"] for one in conf["authorization"]["users"]}
    assert passwords.keys() == {*services.NAMES, "setup"}
    for service in services.NAMES:
        url = made[f"incasso-{service}"]["incasso_nats_url"]
        assert url.startswith(f"nats://{service}:{passwords[service]}@")
