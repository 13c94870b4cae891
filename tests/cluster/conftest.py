"""Helm and kubectl on the cluster of the current kubeconfig, and a log of what was done and how long it took.

The images must already be on the nodes: CLUSTER_IMAGE and CLUSTER_NEXT_IMAGE (the same with another migration:
tests/cluster/next), CLUSTER_POSTGRES_IMAGE, CLUSTER_NATS_IMAGE.
"""

import functools
import json
import os
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

import pytest
import yaml

from stack.chart import CHART
from stack.contracts import ROOT
from stack.tools import TOOLS

NAMESPACE = "incasso-cluster-test"
RELEASE = "incasso"
IMAGE = os.environ.get("CLUSTER_IMAGE", "incasso:0.1.0")
NEXT_IMAGE = os.environ.get("CLUSTER_NEXT_IMAGE", "incasso:next")
POSTGRES_IMAGE = os.environ.get("CLUSTER_POSTGRES_IMAGE", "postgres:17")
NATS_IMAGE = os.environ.get("CLUSTER_NATS_IMAGE", "nats:2.12")
# Keeps the namespace, for running single tests (-k) one after another.
CONTINUED = bool(os.environ.get("CLUSTER_CONTINUE"))
KILL_NODE, START_NODE = (os.environ.get(f"CLUSTER_{do}_NODE", "") for do in ("KILL", "START"))
# Files that the load pod runs and the image lacks, by their path in the pod.
LOAD_FILES = {
    "load.py": ROOT / "tests" / "cluster" / "load.py",
    "stack/steady.py": ROOT / "stack" / "steady.py",
}
STORES = "postgresql,nats,sandbox"  # one pod each, which no test removes
LOG = ROOT / ".build" / "cluster-test.log"
BEGAN = time.monotonic()


def note(line):
    text = f"{time.monotonic() - BEGAN:7.1f} s  {line}"
    sys.stderr.write(f"{text}\n")
    with LOG.open("a") as log:
        log.write(f"{text}\n")


@contextmanager
def noted(what):
    began = time.monotonic()
    yield
    note(f"{what}: {time.monotonic() - began:.0f} s")


def run(*command, fails=False, timeout=900, stdin=None):
    """Runs the command and returns its output; with `fails` it must fail, and its errors are returned."""
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, timeout=timeout, input=stdin
    )
    assert (done.returncode != 0) == fails, (
        f"{' '.join(map(str, command))}\n{done.stdout}{done.stderr}"
    )
    return done.stderr if fails else done.stdout


def kubectl(*arguments, **more):
    return run(TOOLS / "kubectl", "--namespace", NAMESPACE, *arguments, **more)


def helm(*arguments, **more):
    return run(TOOLS / "4.1.4" / "helm", "--namespace", NAMESPACE, *arguments, **more)


def of_image(image):
    name, _, tag = image.rpartition(":")
    return ["--set", f"image.repository={name}", "--set", f"image.tag={tag}"]


@functools.cache
def nodes():
    found = json.loads(kubectl("get", "nodes", "--output", "json"))
    return sorted(node["metadata"]["name"] for node in found["items"])


@functools.cache
def values():
    """Arguments that put all stores on one node, so that another one can be killed."""
    images = {"postgresql": POSTGRES_IMAGE, "nats": NATS_IMAGE}
    images["sandbox"] = IMAGE  # not upgraded, so its books stay
    return [
        *["--values", CHART / "ci" / "demo.yaml"],
        *["--values", Path(__file__).parent / "values.yaml"],
        *(f"--set=demo.{store}.image={image}" for store, image in images.items()),
        f"--set=demo.nodeSelector.kubernetes\\.io/hostname={nodes()[-1]}",
    ]


def upgrade(*more, image=IMAGE, minutes=8, **how):
    return helm(
        "upgrade", RELEASE, CHART, *values(), *of_image(image), *more,
        "--wait", "--timeout", f"{minutes}m", **how,
    )  # fmt: skip


def secrets(fullname=RELEASE):
    """The Secrets, created by the operators' command."""
    command = [sys.executable, "-m", "cli", "secrets", "--sandbox-url", "http://localhost:8082"]
    return run(*command, "--fullname", fullname)


def pods_of(selector):
    found = json.loads(kubectl("get", "pods", "--selector", selector, "--output", "json"))
    return found["items"]


def operators_pod(name, *command, labels=None, load=False, release=RELEASE):
    """A pod like that of `helm test`, with another command."""
    hooks = yaml.safe_load_all(helm("get", "hooks", release))
    pod = next(one for one in hooks if one and one["kind"] == "Pod")
    pod["metadata"]["name"] = name
    del pod["metadata"]["annotations"]
    pod["metadata"]["labels"] |= labels or {}
    pod["spec"].pop("activeDeadlineSeconds")
    pod["spec"]["terminationGracePeriodSeconds"] = 0
    container = pod["spec"]["containers"][0]
    container["command"] = list(command)
    container["image"] = IMAGE  # the latest release's image may not exist
    if load:
        items = [{"key": file.name, "path": path} for path, file in LOAD_FILES.items()]
        files = {"name": "load", "items": items}
        pod["spec"]["volumes"].append({"name": "load", "configMap": files})
        container["volumeMounts"].append({"name": "load", "mountPath": "/load"})
    return pod


def start(pod):
    kubectl("apply", "--filename", "-", stdin=json.dumps(pod))
    name = pod["metadata"]["name"]
    kubectl("wait", f"pod/{name}", "--for=condition=Ready", "--timeout=180s")
    return name


def let_pass(seconds):
    """Waits while the load continues."""
    time.sleep(seconds)


def until(condition, seconds=300):
    deadline = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < deadline, f"not within {seconds} s"
        time.sleep(1)
    return found


@contextmanager
def under_load(what, rate=10, kind="payments"):
    """Makes payments at a steady rate during the block; each must finally be answered, and charged once.

    With `kind="links"` it reads payment links instead.
    """
    program = ("python", "/load/load.py", str(rate), kind)
    pod = start(operators_pod("load", *program, load=True))
    try:
        until(lambda: "ready" in kubectl("exec", pod, "--", "ls", "/tmp"), 120)
        began = time.monotonic()
        yield
        took = time.monotonic() - began
        time.sleep(max(0, 20 - took))
        kubectl("exec", pod, "--", "touch", "/tmp/stop")
        kubectl("wait", f"pod/{pod}", "--for=jsonpath={.status.phase}=Succeeded", "--timeout=300s")
        found = json.loads(kubectl("logs", pod).strip().splitlines()[-1])
    finally:
        kubectl("delete", "pod", pod, "--wait")
    for failure in found["failures"]:
        note(failure)
    note(
        f"{what}: {took:.0f} s; {found['answered']} {kind} in {found['seconds']} s, "
        f"{found['failed']} failed, {sum(found['retries'].values())} retries, "
        f"{found['charged_twice']} charged twice, median {found['median_ms']} ms, p99 {found['p99_ms']} ms"
    )
    assert found["answered"] > 0
    wrong = ("failed", "lost", "charged_twice", "unknown_charges")
    assert [found[one] for one in wrong] == [0, 0, 0, 0], found


@pytest.fixture(scope="session", autouse=True)
def namespace():
    LOG.parent.mkdir(exist_ok=True)
    if not CONTINUED:
        LOG.write_text("")
    labels = {"pod-security.kubernetes.io/enforce": "restricted"}
    made = {
        "apiVersion": "v1",
        "kind": "Namespace",
        "metadata": {"name": NAMESPACE, "labels": labels},
    }
    if not (CONTINUED and kubectl("get", "namespace", NAMESPACE, "--ignore-not-found")):
        kubectl("create", "--filename", "-", stdin=json.dumps(made))
        kubectl("create", "--filename", "-", stdin=secrets())
    kubectl("delete", "configmap", "load", "--ignore-not-found")
    files = [f"--from-file={file}" for file in LOAD_FILES.values()]
    kubectl("create", "configmap", "load", *files)
    yield NAMESPACE
    if not CONTINUED:
        kubectl("delete", "namespace", NAMESPACE, "--wait", "--timeout=180s")
