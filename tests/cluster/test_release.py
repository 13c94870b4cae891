"""The life of a release on a real cluster, in this order. Payments run throughout; none fails, none is charged twice.

`make cluster-test`; not part of CI. The results are in docs/operate.md.
"""

import json
from datetime import datetime
from pathlib import Path

import pytest
import yaml

from tests.cluster.conftest import (
    CHART,
    IMAGE,
    KILL_NODE,
    NEXT_IMAGE,
    RELEASE,
    START_NODE,
    STORES,
    helm,
    kubectl,
    let_pass,
    nodes,
    note,
    noted,
    of_image,
    operators_pod,
    pods_of,
    run,
    secrets,
    start,
    under_load,
    until,
    upgrade,
    values,
)
from tests.cluster.reach import reached_from, read_from

OURS = f"app.kubernetes.io/instance={RELEASE},app.kubernetes.io/component notin ({STORES},operator)"


def test_one_command_installs_the_release():
    with noted("install, until everything is ready"):
        command = ["install", RELEASE, CHART, *values(), *of_image(IMAGE)]
        helm(*command, "--wait", "--wait-for-jobs", "--timeout", "10m")
    restarts = [
        (pod["metadata"]["name"], pod["status"]["containerStatuses"][0]["restartCount"])
        for pod in pods_of(OURS)
        if pod["status"]["phase"] == "Running"
    ]
    note(f"{len(restarts)} pods run after {sum(count for _, count in restarts)} restarts")
    note_migrations()


def note_migrations():
    """Logs the duration of the Jobs that still exist."""
    for job in json.loads(kubectl("get", "jobs", "--selector", OURS, "--output", "json"))["items"]:
        began, ended = (job["status"].get(each) for each in ("startTime", "completionTime"))
        if ended:
            took = datetime.fromisoformat(ended) - datetime.fromisoformat(began)
            note(f"{job['metadata']['name']}: {took.seconds} s")


def test_helm_test_succeeds():
    with noted("helm test"):
        output = helm("test", RELEASE, "--timeout", "5m")
    assert "Succeeded" in output


def test_an_upgrade_with_a_migration_causes_no_errors_under_load():
    with under_load("upgrade with a migration"):
        upgrade("--set", "migrations.mode=hook", image=NEXT_IMAGE)
    running = {pod["spec"]["containers"][0]["image"] for pod in pods_of(OURS)}
    assert running == {NEXT_IMAGE}
    note_migrations()


def test_a_failed_upgrade_leaves_the_old_version_running():
    with under_load("upgrade to an image that does not exist"):
        output = upgrade(image="incasso:never-built", minutes=1, fails=True)
    assert "timed out" in output or "deadline" in output or "not ready" in output
    ready = [pod for pod in pods_of(OURS) if is_ready(pod)]
    assert {pod["spec"]["containers"][0]["image"] for pod in ready} == {NEXT_IMAGE}


def is_ready(pod):
    found = {one["type"]: one["status"] for one in pod["status"].get("conditions", [])}
    return found.get("Ready") == "True"


def test_a_rollback_causes_no_errors_under_load():
    with under_load("rollback to the version before"):
        helm("rollback", RELEASE, "1", "--wait", "--timeout", "8m")
    running = {pod["spec"]["containers"][0]["image"] for pod in pods_of(OURS) if is_ready(pod)}
    assert running == {IMAGE}


def test_a_rolling_restart_causes_no_errors_under_load():
    with under_load("rolling restart of everything"):
        kubectl("rollout", "restart", "deployment", "--selector", OURS)
        for name in kubectl("get", "deployments", "--selector", OURS, "--output", "name").split():
            kubectl("rollout", "status", name, "--timeout=480s")


def test_draining_each_node_causes_no_errors_under_load():
    for node in nodes():
        with under_load(f"drain of {node}"):
            command = ["drain", node, "--ignore-daemonsets", "--delete-emptydir-data", "--force"]
            try:
                kubectl(*command, "--pod-selector", OURS, "--timeout=480s")
                until(all_ready, 480)
            finally:
                kubectl("uncordon", node)


def all_ready():
    over = ("Succeeded", "Failed")  # migration pods
    return all(is_ready(pod) for pod in pods_of(OURS) if pod["status"]["phase"] not in over)


def test_the_other_nodes_take_over_when_a_node_dies():
    """CLUSTER_KILL_NODE and CLUSTER_START_NODE: commands that take the node's name."""
    if not (KILL_NODE and START_NODE):
        pytest.skip("CLUSTER_KILL_NODE and CLUSTER_START_NODE are not set")
    busy = {
        pod["spec"]["nodeName"]
        for pod in pods_of(f"app.kubernetes.io/component in ({STORES},operator)")
    }
    spare = [node for node in nodes() if node not in busy]
    if not spare:
        pytest.skip("there is only one node")
    with under_load(f"death of {spare[0]}"):
        run(*KILL_NODE.split(), spare[0])
        kubectl("wait", f"node/{spare[0]}", "--for=condition=Ready=Unknown", "--timeout=120s")
        let_pass(30)
        run(*START_NODE.split(), spare[0])
        kubectl("wait", f"node/{spare[0]}", "--for=condition=Ready", "--timeout=180s")
        until(all_ready, 480)


def test_network_policies_allow_each_pod_only_its_expected_targets():
    addresses = [
        f"{RELEASE}-{where}"
        for where in ("payments:50051", "postgresql:5432", "nats:4222", "console:80")
    ]
    component = "app.kubernetes.io/component"
    stranger = {component: "shop", "app.kubernetes.io/instance": "another"}
    cases = {
        "stranger": (stranger, [False, False, False, False]),
        "of-notify": ({component: "notify"}, [False, True, True, False]),
        "of-cod": ({component: "cod"}, [True, True, True, False]),
        "of-operators": ({}, [True, False, False, True]),
        "of-console": ({component: "console"}, [True, False, False, False]),
    }
    for name, (labels, wanted) in cases.items():
        found = reached_from(f"test-{name}", labels, *addresses)
        assert list(found.values()) == wanted, (name, found)
    note(
        "NetworkPolicy: a stranger reaches nothing, notify not payments, operators no store, "
        "the console payments alone of these, and nobody but operators the console"
    )


def test_the_console_shows_its_sign_in_page():
    pod = start(operators_pod("test-console", "sleep", "600"))
    try:
        page = until(lambda: read_from(pod, f"http://{RELEASE}-console/sign-in"), 60)
        output = kubectl("exec", pod, "--", "python", "-m", "cli", "doctor", "--json")
    finally:
        kubectl("delete", "pod", pod, "--wait")
    assert 'type="password"' in page
    found = {row["subject"]: row["state"] for row in json.loads(output)}
    assert found["console"] == "ok"
    note("console: its sign-in page is shown, and `incasso doctor` has found nothing")


ASK = """
import os, sys
os.environ["INCASSO_IDENTITY_KEY_FILE"] = sys.argv[1]
from cli.__main__ import app
app(["payments", "unresolved"], prog_name="incasso")
"""


def test_a_pod_with_the_right_label_but_a_forged_key_is_refused():
    pod = start(operators_pod("test-no-key", "sleep", "600"))
    try:
        kubectl("exec", pod, "--", "python", "-c", ASK, "/etc/incasso/identity/identity.key")
        forged = "openssl" not in kubectl("exec", pod, "--", "python", "-c", FORGE)
        assert forged
        output = run_in(pod, ASK, "/tmp/forged.key")
    finally:
        kubectl("delete", "pod", pod, "--wait")
    assert "does not know the operators' key" in output
    note("identity: the same pod with another key is refused")


FORGE = """
from pathlib import Path
from stack.keys import pair
Path("/tmp/forged.key").write_text(pair()[0])
"""


def run_in(pod, program, *arguments):
    return kubectl("exec", pod, "--", "python", "-c", program, *arguments, fails=True)


PAYLINK = f"{OURS},app.kubernetes.io/component=paylink"
# Prints how many calls this process has answered.
CALLS = """
import re, urllib.request
text = urllib.request.urlopen("http://127.0.0.1:9090/metrics").read().decode()
name = r'incasso_rpc_seconds_count{code="[A-Z_]*",method="GetPaymentLink"} '
print(sum(float(one) for one in re.findall("^" + name + "(.*)$", text, re.M)))
"""


def calls_answered():
    """Calls answered by each pod since it started."""
    names = [pod["metadata"]["name"] for pod in pods_of(PAYLINK) if is_ready(pod)]
    return {name: float(kubectl("exec", name, "--", "python", "-c", CALLS)) for name in names}


def shares(seconds=20):
    """Each pod's share of the calls answered in this period, in percent."""
    before = calls_answered()
    let_pass(seconds)
    made = {
        name: count - before[name] for name, count in calls_answered().items() if name in before
    }
    return {name: 100 * count / (sum(made.values()) or 1) for name, count in made.items()}


def test_paylink_scales_up_under_load_and_the_new_pod_gets_its_share():
    scaled = ["--set", "services.paylink.autoscaling.enabled=true"]
    scaled += ["--set", "services.paylink.autoscaling.minReplicas=1"]
    scaled += ["--set", "services.paylink.autoscaling.maxReplicas=2"]
    scaled += ["--set", "services.paylink.resources.requests.cpu=100m"]
    upgrade(*scaled, "--set", "services.paylink.autoscaling.targetCpuPercent=60")
    (old,) = until(lambda: len(pods_of(PAYLINK)) == 1 and calls_answered(), 300)
    with under_load("autoscaling of paylink", rate=20, kind="links"):
        with noted("a second paylink after the load began"):
            until(lambda: len(calls_answered()) == 2, 300)
        # The gateway finds the new pod once a connection reaches its maximum age, 5 minutes.
        with noted("its share after it was ready"):
            found = until(lambda: min((now := shares()).values()) > 25 and now, 480)
    note(f"calls answered by the new pod: {sum(found.values()) - found[old]:.0f} %")
    upgrade()


SECOND = "incasso-2"
ONE_OF_EACH = [
    part
    for name in yaml.safe_load((Path(__file__).parent / "values.yaml").read_text())["services"]
    for part in ("--set", f"services.{name}.replicas=1")
]


def test_two_releases_work_in_one_namespace():
    kubectl("create", "--filename", "-", stdin=secrets(SECOND))
    try:
        with under_load("a second release comes and goes"):
            with noted("install of a second release"):
                command = ["install", SECOND, CHART, *values(), *of_image(IMAGE), *ONE_OF_EACH]
                helm(*command, "--wait", "--wait-for-jobs", "--timeout", "10m")
            assert "Succeeded" in helm("test", SECOND, "--timeout", "5m")
            addresses = [f"{RELEASE}-payments:50051", f"{SECOND}-payments:50051"]
            found = reached_from("test-second", {}, *addresses, release=SECOND)
            assert list(found.values()) == [False, True]
            helm("uninstall", SECOND, "--wait", "--timeout", "5m")
    finally:
        names = kubectl("get", "secret", "--output", "name").split()
        kubectl("delete", *(name for name in names if name.startswith(f"secret/{SECOND}-")))
    note("the second release pays by itself, and does not reach the first")


def test_uninstalling_leaves_nothing_behind():
    with noted("uninstall"):
        helm("uninstall", RELEASE, "--wait", "--timeout", "5m")
    kinds = "all,configmap,networkpolicy,poddisruptionbudget,serviceaccount,ingress,secret"
    mine = ["--selector", f"app.kubernetes.io/instance={RELEASE}", "--output", "name"]
    until(lambda: kubectl("get", kinds, *mine) == "", 180)  # pods end after draining
    others = kubectl("get", "secret", "--output", "name", "--selector", "owner=helm")
    assert others == ""
