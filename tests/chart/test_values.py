"""Unknown values are refused by key; every value of the chart is in the schema."""

import json
import re

import pytest
import yaml

from stack.chart import CHART, FACTS, TABLE, documented, facts, written
from tests.chart.rendering import HELMS, MINIMAL, refused, rendered

WRONG = {
    'publicUrl="pay.example"': "publicUrl",
    'publicUrl="https://pay.example/"': "publicUrl",
    "trustedProxies=11": "trustedProxies",
    'image.tag="latest"': "tag",
    'image.digest="sha256:12"': "digest",
    "services.payments.replica=3": "replica",
    "services.ledger={}": "services.ledger is not a process",
    "defaults.graceSeconds=5": "graceSeconds",
    'defaults.env={"pool": "8"}': "pool",
    'defaults.secretFiles={"DATABASE_URL": {"secret": "a", "key": "b"}}': "DATABASE_URL",
    "podSecurityContext.runAsNonRoot=false": "runAsNonRoot",
    "podSecurityContext.runAsUser=0": "runAsUser",
    'migrations.mode="never"': "mode",
    'networkPolicy.nats.peers=[{"podselector": {}}]': "podselector",
    "telemetry.samplingRatio=2": "samplingRatio",
    "grpc.connectionGraceSeconds=60": "connectionGraceSeconds",
    "grpc.keepaliveSeconds=5": "grpc.keepaliveSeconds is below",
    'console.url="console.example"': "url",
    'console.oidc.clientSecret="abc"': "clientSecret",
    "secret={}": "secret",
}


@pytest.mark.parametrize(("wrong", "key"), WRONG.items())
@pytest.mark.parametrize("version", HELMS)
def test_a_wrong_value_is_refused_with_its_key(version, wrong, key):
    assert key in refused(wrong, version=version)


@pytest.mark.parametrize(
    ("missing", "message"),
    {
        'publicUrl=""': "publicUrl is needed",
        "ingress.enabled=true": "ingress.host is needed",
        "httpRoute.enabled=true": "httpRoute.parentRefs is needed",
        "tls.certManager.enabled=true": "tls.certManager.issuerRef is needed",
        "serviceAccount.create=false": "serviceAccount.name is needed",
        "console.enabled=true": "console.url is needed",
    }.items(),
)
def test_a_missing_required_value_is_named(missing, message):
    assert message in refused(missing)


def leaves(values, path=()):
    for key, value in values.items():
        yield (*path, key)
        if isinstance(value, dict) and value:
            yield from leaves(value, (*path, key))


def test_the_schema_covers_exactly_the_values():
    schema = json.loads((CHART / "values.schema.json").read_text())

    def below(part):
        return schema["definitions"][part["$ref"].rpartition("/")[2]] if "$ref" in part else part

    def places(part, path=()):
        for key, more in below(part).get("properties", {}).items():
            yield (*path, key)
            yield from places(more, (*path, key))

    values = yaml.safe_load((CHART / "values.yaml").read_text())
    stated = set(leaves(values))
    known = set(places(schema))
    free = {"podSecurityContext", "resources", "networkPolicy", "issuerRef", "global", "labels"}
    assert {path for path in stated ^ known if not free & set(path)} == set()


def test_the_charts_generated_facts_are_current():
    assert FACTS.read_text() == written(facts()), "run `make security`"


def test_the_table_of_values_is_complete_and_current():
    text = (CHART / "values.yaml").read_text()
    assert TABLE.read_text() == documented(text), "run `make security`"
    named = set(re.findall(r"^\| `([\w.]+)` \|", TABLE.read_text(), re.MULTILINE))
    every = {".".join(path) for path in leaves(yaml.safe_load(text))}
    flow = {path for path in every if any(path.startswith(f"{one}.") for one in named)}
    assert every - named <= flow
    assert named <= every


def test_a_digest_is_used_instead_of_a_tag():
    digest = "sha256:" + "0" * 64
    text = rendered(MINIMAL, f'image.digest="{digest}"', 'image.registry="images.example"')
    assert f"image: images.example/incasso@{digest}" in text
