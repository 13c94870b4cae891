"""The files of deploy/examples fit the chart: names of Secrets and their keys, roles, issuers, labels."""

import json
import re

import pytest
import yaml

from libs import services
from stack import roles
from stack.contracts import ROOT
from stack.installation import Installation, manifest
from tests.chart.rendering import MINIMAL, objects, of_kind

FOLDER = ROOT / "deploy" / "examples"
VALUES = FOLDER / "incasso-values.yaml"


def documents(name):
    return list(yaml.safe_load_all((FOLDER / name).read_text()))


@pytest.fixture(scope="module")
def made():
    items = manifest(Installation("incasso", nats="nats:4222", sandbox_url="http://s"))["items"]
    return {one["metadata"]["name"]: one["stringData"] for one in items}


def test_every_example_is_listed_in_the_readme():
    listed = set(
        re.findall(r"^\| `([\w.-]+)` \|", (FOLDER / "README.md").read_text(), re.MULTILINE)
    )
    assert listed == {path.name for path in FOLDER.glob("*.yaml")}


def test_the_example_database_has_the_roles_of_its_service():
    (cluster,) = documents("cloudnative-pg.yaml")
    made = cluster["spec"]["bootstrap"]["initdb"]
    assert made["owner"] == roles.owner("payments")
    assert made["postInitApplicationSQL"] == roles.in_the_database("payments")
    assert made["postInitSQL"][1:] == roles.in_the_cluster("payments")[1:]
    assert [one["name"] for one in cluster["spec"]["managed"]["roles"]] == ["payments"]
    peers = yaml.safe_load(VALUES.read_text())["services"]["payments"]["databasePeers"]
    assert peers[0]["podSelector"]["matchLabels"]["cnpg.io/cluster"] == cluster["metadata"]["name"]


def test_the_example_external_secret_has_the_keys_of_its_service(made):
    settings, _ = documents("external-secrets.yaml")
    keys = {one["secretKey"] for one in settings["spec"]["data"]}
    assert keys == made[settings["metadata"]["name"]].keys()
    assert settings["metadata"]["name"] == settings["spec"]["target"]["name"]


def test_certificates_name_the_issuer_of_the_example():
    issuers = {one["metadata"]["name"] for one in documents("cert-manager.yaml")}
    certificates = of_kind("Certificate", VALUES)
    assert len(certificates) == len(services.CALLERS)
    assert {one["spec"]["issuerRef"]["name"] for one in certificates} <= issuers


def test_the_example_nats_includes_the_users_from_the_secret(made):
    values = yaml.safe_load((FOLDER / "nats-values.yaml").read_text())
    (volume,) = [one["value"] for one in values["podTemplate"]["patch"]]
    (mount,) = [one["value"] for one in values["container"]["patch"]]
    assert volume["secret"]["secretName"] in made
    assert volume["name"] == mount["name"]
    included = values["config"]["merge"]["zz$include"]
    assert included == f"..{mount['mountPath'].removeprefix('/etc')}/users.conf"
    users = json.loads("{" + made["incasso-nats"]["users.conf"] + "}")
    assert users == {
        "authorization": json.loads(made["incasso-nats"]["nats.conf"])["authorization"]
    }


def test_the_stream_has_as_many_replicas_as_nats_servers():
    servers = yaml.safe_load((FOLDER / "nats-values.yaml").read_text())["config"]["cluster"]
    for one in of_kind("Job", VALUES):
        for container in one["spec"]["template"]["spec"]["containers"]:
            env = {each["name"]: each.get("value") for each in container["env"]}
            assert env["INCASSO_NATS_REPLICAS"] == str(servers["replicas"])


def test_the_example_values_add_the_expected_kinds():
    kinds = {one["kind"] for one in objects(VALUES)} - {one["kind"] for one in objects(MINIMAL)}
    assert kinds == {"Certificate", "ConfigMap", "Ingress", "PodMonitor", "PrometheusRule"}
