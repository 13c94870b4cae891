"""skaffold.yaml fits the used part of schema v4beta14, the Dockerfile and the chart; each profile applies.

The full skaffold schema, which is not included here, accepts the file too.
"""

from copy import deepcopy

import jsonschema_rs
import pytest
import yaml

from stack.chart import CHART
from stack.contracts import ROOT
from tests.chart.rendering import DEMO, helm, of_kind

SKAFFOLD = yaml.safe_load((ROOT / "skaffold.yaml").read_text())
PROFILES = [profile["name"] for profile in SKAFFOLD["profiles"]]


def strict(required=(), **properties):
    found = {"type": "object", "additionalProperties": False, "properties": properties}
    return {**found, "required": list(required)}


TEXT, FLAG, NUMBER = {"type": "string"}, {"type": "boolean"}, {"type": "integer"}
TEXTS = {"type": "array", "items": TEXT}
FREE = {"type": "object"}


def many(item):
    return {"type": "array", "items": item}


# The used part of skaffold's schema, with its names and types; anything else is refused.
BUILD = strict(
    artifacts=many(
        strict(image=TEXT, docker=strict(dockerfile=TEXT, buildArgs=FREE), required=["image"])
    ),
    tagPolicy={**strict(inputDigest=FREE, gitCommit=FREE), "minProperties": 1, "maxProperties": 1},
    local=strict(push=FLAG, useBuildkit=FLAG),
)
RELEASE = strict(
    name=TEXT,
    chartPath=TEXT,
    namespace=TEXT,
    createNamespace=FLAG,
    wait=FLAG,
    valuesFiles=TEXTS,
    setValueTemplates=FREE,
    setValues=FREE,
    required=["name"],
)
DEPLOY = strict(helm=strict(releases=many(RELEASE), required=["releases"]))
FORWARD = strict(
    resourceType=TEXT, resourceName=TEXT, namespace=TEXT, port=NUMBER, localPort=NUMBER
)
VERIFY = strict(
    name=TEXT,
    timeout=NUMBER,
    container=strict(name=TEXT, image=TEXT, command=TEXTS, args=TEXTS, required=["name", "image"]),
    executionMode=strict(kubernetesCluster=strict(jobManifestPath=TEXT)),
    required=["name", "container"],
)
PATCH = strict(
    op={"enum": ["add", "remove", "replace"]}, path=TEXT, value={}, required=["op", "path"]
)
PROFILE = strict(
    name=TEXT,
    activation=many(strict(command=TEXT, env=TEXT, kubeContext=TEXT)),
    build=BUILD,
    deploy=DEPLOY,
    patches=many(PATCH),
    required=["name"],
)
SCHEMA = strict(
    apiVersion={"const": "skaffold/v4beta14"},
    kind={"const": "Config"},
    metadata=strict(name=TEXT),
    build=BUILD,
    deploy=DEPLOY,
    portForward=many(FORWARD),
    verify=many(VERIFY),
    profiles=many(PROFILE),
    required=["apiVersion", "kind"],
)


def applied(name):
    """The configuration with a profile applied as skaffold does: sections first, then patches."""
    found = deepcopy(SKAFFOLD)
    (profile,) = [one for one in found.pop("profiles") if one["name"] == name]
    for section, parts in profile.get("build", {}).items():
        found["build"][section] = parts
    for patch in profile.get("patches", []):
        *way, last = patch["path"].lstrip("/").split("/")
        at = found
        for step in way:
            at = at[int(step) if isinstance(at, list) else step]
        key = int(last) if isinstance(at, list) else last
        if patch["op"] == "add":
            at[key] = patch["value"]
        else:
            assert at[key]
            at.pop(key)
            if patch["op"] == "replace":
                at[key] = patch["value"]
    return found


def test_skaffold_yaml_matches_its_schema():
    jsonschema_rs.validate(SCHEMA, SKAFFOLD)


@pytest.mark.parametrize("wrong", ["artefacts", "push"])
def test_a_wrong_key_in_skaffold_yaml_is_found(wrong):
    broken = deepcopy(SKAFFOLD)
    broken["build"][wrong] = True
    with pytest.raises(jsonschema_rs.ValidationError, match=wrong):
        jsonschema_rs.validate(SCHEMA, broken)


def test_the_profiles_are_dev_debug_ci_ha_and_prod():
    assert PROFILES == ["dev", "debug", "ci", "ha", "prod"]


@pytest.mark.parametrize("profile", PROFILES)
def test_every_profile_renders_the_chart(profile):
    (release,) = applied(profile)["deploy"]["helm"]["releases"]
    assert ROOT / release["chartPath"] == CHART
    files = [word for name in release["valuesFiles"] for word in ("-f", ROOT / name)]
    sets = [
        word
        for key, value in release.get("setValues", {}).items()
        for word in ("--set-json", f"{key}={str(value).lower()}")
    ]
    names = [word for key in release["setValueTemplates"] for word in ("--set", f"{key}=shop")]
    done = helm("4.1.4", "template", release["name"], CHART, *files, *sets, *names)
    assert done.returncode == 0, done.stderr
    assert "image: shop:shop" in done.stdout


def test_only_ci_and_prod_push_the_image():
    pushed = {name: applied(name)["build"]["local"]["push"] for name in PROFILES}
    assert pushed == {"dev": False, "debug": False, "ha": False, "ci": True, "prod": True}


def test_the_prod_profile_has_no_demo_parts():
    found = applied("prod")
    (release,) = found["deploy"]["helm"]["releases"]
    assert "demo" not in "".join(release["valuesFiles"])
    assert [one["resourceName"] for one in found["portForward"]] == [
        "incasso-gateway",
        "incasso-console",
    ]
    assert found["verify"] == []


def test_port_forwards_target_services_of_the_chart():
    ports = {
        (one["metadata"]["name"], each["port"])
        for one in of_kind("Service", DEMO)
        for each in one["spec"]["ports"]
    }
    for one in SKAFFOLD["portForward"]:
        assert (one["resourceName"], one["port"]) in ports


def test_build_arguments_equal_the_dockerfiles_defaults():
    (artifact,) = SKAFFOLD["build"]["artifacts"]
    dockerfile = (ROOT / artifact["docker"]["dockerfile"]).read_text()
    for name, value in artifact["docker"]["buildArgs"].items():
        assert f"ARG {name}={value}\n" in dockerfile


def test_skaffold_verify_runs_the_helm_test():
    (step,) = SKAFFOLD["verify"]
    file = step["executionMode"]["kubernetesCluster"]["jobManifestPath"]
    job = yaml.safe_load((ROOT / file).read_text())
    (pod,) = of_kind("Pod", DEMO)
    wanted = deepcopy(pod["spec"])
    deadline = wanted.pop("activeDeadlineSeconds")
    wanted["containers"][0]["image"] = step["container"]["image"]
    assert step["container"]["command"] == wanted["containers"][0]["command"]
    assert job["spec"]["template"]["spec"] == wanted
    assert job["spec"]["activeDeadlineSeconds"] == deadline
    labels = job["spec"]["template"]["metadata"]["labels"]
    assert labels.items() <= pod["metadata"]["labels"].items()
    assert step["container"]["name"] == wanted["containers"][0]["name"]
