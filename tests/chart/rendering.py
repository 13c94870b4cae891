"""The chart as rendered by the real Helm command, with cached results."""

import subprocess
from functools import cache

import yaml

from libs import services
from libs.identity import CONSOLE, GATEWAY
from stack.chart import CHART
from stack.tools import TOOLS

HELMS = ("3.17.2", "3.19.0", "4.1.4")
LATEST = HELMS[-1]
CI = tuple(sorted((CHART / "ci").glob("*.yaml")))
WORKLOADS = ("Deployment", "StatefulSet", "Job")
# Values that switch on every kind of object.
EVERY_SWITCH = CHART / "ci" / "full.yaml"
MINIMAL = CHART / "ci" / "minimal.yaml"
EDGES = (GATEWAY, CONSOLE)
DEMO = CHART / "ci" / "demo.yaml"


def helm(version, *arguments):
    return subprocess.run(
        [TOOLS / version / "helm", *arguments], capture_output=True, text=True, check=False
    )


@cache
def rendered(values=MINIMAL, *more, version=LATEST, release="incasso"):
    """The rendered text; `more` are `--set-json` arguments."""
    sets = [word for one in more for word in ("--set-json", one)]
    done = helm(version, "template", release, CHART, "--namespace", "shop", "-f", values, *sets)
    assert done.returncode == 0, done.stderr
    return done.stdout


def refused(*more, version=LATEST):
    """Helm's error about values that the chart refuses."""
    sets = [word for one in more for word in ("--set-json", one)]
    done = helm(version, "template", "incasso", CHART, "-f", MINIMAL, *sets)
    assert done.returncode != 0, "these values are accepted"
    return done.stderr


@cache
def objects(values=MINIMAL, *more, release="incasso"):
    text = rendered(values, *more, release=release)
    return tuple(one for one in yaml.load_all(text, yaml.CSafeLoader) if one)


def of_kind(kind, values=MINIMAL, *more):
    return [one for one in objects(values, *more) if one["kind"] == kind]


def deployment(component, values=MINIMAL, *more):
    return next(
        one
        for one in of_kind("Deployment", values, *more)
        if one["metadata"]["labels"]["app.kubernetes.io/component"] == component
    )


def processes(values=MINIMAL, *more):
    """Deployments of processes, except the demo's and that of operators' commands."""
    return [
        one
        for one in of_kind("Deployment", values, *more)
        if one["metadata"]["labels"]["app.kubernetes.io/component"] in (*EDGES, *services.NAMES)
    ]


def pods(values=MINIMAL, *more):
    """Name and pod spec of each workload."""
    return [
        (one["metadata"]["name"], one["spec"]["template"]["spec"] if template else one["spec"])
        for one in objects(values, *more)
        if (template := one["kind"] in WORKLOADS) or one["kind"] == "Pod"
    ]


def env_of(container):
    return {one["name"]: one.get("value") for one in container.get("env", [])}
