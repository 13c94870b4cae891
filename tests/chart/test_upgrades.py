"""What an upgrade changes, and what it leaves alone; renamed values; instructions for each version."""

import json
import re
import shutil

import pytest
import yaml

from stack.chart import CHART
from tests.chart.rendering import (
    CI,
    DEMO,
    LATEST,
    MINIMAL,
    WORKLOADS,
    helm,
    objects,
    rendered,
)

# Merge keys of the API's lists: server-side apply refuses a second item with the same key.
MERGED_BY = {"env": "name", "volumes": "name", "containers": "name", "volumeMounts": "mountPath"}
PLAIN_QUANTITY = re.compile(r"[1-9]\d*(m|Mi|Gi)?")


def again(values):
    done = helm(
        *(LATEST, "template", "incasso", CHART, "--namespace", "shop", "-f", values, "--is-upgrade")
    )
    return done.stdout


@pytest.mark.parametrize("values", CI, ids=lambda path: path.stem)
def test_an_upgrade_renders_the_same_objects_as_an_install(values):
    assert {again(values) for _ in range(3)} == {rendered(values)}


def test_no_template_uses_lookups_randomness_or_the_clock():
    asking = re.compile(r"\b(lookup|rand\w+|gen\w+|htpasswd|bcrypt|uuidv4|now|derivePassword)\b")
    actions = {
        path.name: re.findall(r"\{\{(.*?)\}\}", path.read_text(), re.DOTALL)
        for path in (CHART / "templates").iterdir()
    }
    assert len(actions) > 10
    assert [name for name, found in actions.items() if any(map(asking.search, found))] == []


def without_hash(one):
    """The object's name without the hash that a plain Job's name takes from its pod."""
    return re.sub(r"-migrate-[0-9a-f]{8}$", "-migrate", one["metadata"]["name"])


def rolled(values, *change):
    """Names of the workloads whose pods the change would replace."""

    def templates(*sets):
        return {
            (one["kind"], without_hash(one)): one["spec"]["template"]
            for one in objects(values, *sets)
            if one["kind"] in WORKLOADS
        }

    before, after = templates(), templates(*change)
    assert before.keys() == after.keys()
    return {name for (_, name), pod in before.items() if after[_, name] != pod}


@pytest.mark.parametrize(
    ("values", "change", "pods"),
    [
        (
            MINIMAL,
            'services.payments.env={"A": "b"}',
            {"payments", "migrate-pre", "migrate-post"},
        ),
        (MINIMAL, "services.cod.graceSeconds=60", {"cod"}),
        (MINIMAL, "services.cod.replicas=5", set()),
        (MINIMAL, "trustedProxies=2", {"gateway"}),
        (MINIMAL, 'networkPolicy.database.peers=[{"podSelector": {}}]', set()),
        (MINIMAL, "monitoring.rules.enabled=true", set()),
        (DEMO, 'demo.sandbox.image="sandbox:2"', {"sandbox"}),
        (DEMO, 'demo.nats.image="nats:2.14"', {"nats"}),
    ],
)
def test_a_changed_value_restarts_only_the_affected_pods(values, change, pods):
    assert rolled(values, change) == {f"incasso-{name}" for name in pods}


def test_a_changed_public_url_restarts_every_process():
    every = {without_hash(one) for one in objects(DEMO) if one["kind"] in WORKLOADS}
    same = every - rolled(DEMO, 'publicUrl="https://other.example"')
    assert same == {f"incasso-{name}" for name in ("postgresql", "nats", "sandbox", "operator")}


def parts(value, key=""):
    yield key, value
    for name, more in (
        value.items() if isinstance(value, dict) else [(key, one) for one in listed(value)]
    ):
        yield from parts(more, name)


def listed(value):
    return value if isinstance(value, list) else []


@pytest.mark.parametrize("values", CI, ids=lambda path: path.stem)
def test_objects_are_rendered_in_the_form_the_cluster_stores(values):
    """Otherwise Argo CD sees permanent drift, and server-side apply refuses the object."""
    for one in objects(values):
        for key, value in parts(one):
            if key in MERGED_BY and isinstance(value, list):
                names = [each[MERGED_BY[key]] for each in value]
                assert len(set(names)) == len(names), (one["metadata"]["name"], key)
            if key in {"requests", "limits"}:
                assert all(PLAIN_QUANTITY.fullmatch(str(amount)) for amount in value.values())
            assert value is not None, (one["metadata"]["name"], key)
        assert "status" not in one
        assert "creationTimestamp" not in one["metadata"]


def test_a_renamed_value_is_refused_with_its_new_name(tmp_path):
    """Follows the recipe in UPGRADING.md, since no value has been renamed yet."""
    chart = shutil.copytree(CHART, tmp_path / "incasso")
    (recipe,) = re.findall(r"```json\n(.*?)```", (CHART / "UPGRADING.md").read_text(), re.DOTALL)
    (old,) = json.loads(f"{{{recipe}}}")
    schema = json.loads((chart / "values.schema.json").read_text())
    assert old not in schema["properties"]
    schema["properties"] |= json.loads(f"{{{recipe}}}")
    (chart / "values.schema.json").write_text(json.dumps(schema))
    for version in ("3.17.2", "3.19.0", LATEST):
        arguments = ("template", "a", chart, "-f", MINIMAL)
        assert helm(version, *arguments).returncode == 0
        error = helm(version, *arguments, "--set", f"{old}=x").stderr
        assert old in error
        assert "is now publicUrl" in error


def test_the_current_chart_version_has_upgrade_notes():
    version = yaml.safe_load((CHART / "Chart.yaml").read_text())["version"]
    chapters = re.findall(r"^## (\S+)$", (CHART / "UPGRADING.md").read_text(), re.MULTILINE)
    assert version in chapters
    assert chapters == sorted(chapters, key=lambda one: [*map(int, one.split("."))], reverse=True)
