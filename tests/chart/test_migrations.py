"""Migrations: one Job with a container per database in parallel, each with only its own owner's secrets."""

import pytest

from libs import services
from tests.chart.rendering import CI, EVERY_SWITCH, MINIMAL, of_kind

(ARGOCD,) = [values for values in CI if values.stem == "argocd"]


def spec_of(job):
    return job["spec"]["template"]["spec"]


def jobs(values=MINIMAL, *more):
    return {one["metadata"]["name"]: one for one in of_kind("Job", values, *more)}


def test_migrations_run_as_hooks_before_and_after_an_upgrade():
    hooks = {
        name: (one["metadata"]["annotations"]["helm.sh/hook"], commands(one))
        for name, one in jobs().items()
    }
    assert hooks == {
        "incasso-migrate-pre": ("pre-install,pre-upgrade", {"--rollout=pre"}),
        "incasso-migrate-post": ("post-install,post-upgrade", {"--rollout=post"}),
    }


def commands(job):
    return {container["command"][-1] for container in spec_of(job)["containers"]}


def test_plain_job_migrations_are_one_job_without_hooks():
    ((name, job),) = jobs(ARGOCD).items()
    assert name.startswith("incasso-migrate-")
    assert "helm.sh/hook" not in str(job)
    assert commands(job) == {"migrate"}


@pytest.mark.parametrize(
    "change", ['publicUrl="https://other.example"', 'image.tag="2"', 'labels={"a": "b"}']
)
def test_a_plain_job_is_renamed_exactly_if_its_pod_changes(change):
    """Kubernetes refuses to change an existing Job."""
    assert jobs(ARGOCD).keys() != jobs(ARGOCD, change).keys()
    same = ("services.cod.replicas=5", 'networkPolicy.database.peers=[{"podSelector": {}}]')
    assert jobs(ARGOCD).keys() == jobs(ARGOCD, *same).keys()


@pytest.mark.parametrize("values", [MINIMAL, EVERY_SWITCH, ARGOCD], ids=lambda path: path.stem)
def test_every_database_has_a_migration_container_with_its_own_secrets(values):
    for job in jobs(values).values():
        pod = spec_of(job)
        secrets = {volume["name"]: mentioned(volume) for volume in pod["volumes"]}
        seen = {}
        for container in pod["containers"]:
            mounts = {one["mountPath"]: one["name"] for one in container["volumeMounts"]}
            assert mounts.keys() == {"/etc/incasso/settings", "/etc/incasso/owner", "/tmp"}
            seen[container["name"]] = set().union(*(secrets[name] for name in mounts.values()))
            assert f"services.{container['name']}" in container["command"]
        assert seen.keys() == set(services.NAMES)
        every = [name for names in seen.values() for name in names]
        assert len(every) == len(set(every)), "two containers see one Secret"
        for service, names in seen.items():
            assert {name for name in names if name.endswith(f"-{service}-owner")}


def mentioned(volume):
    """Names of the Secrets of a volume."""
    sources = [volume, *volume.get("projected", {}).get("sources", [])]
    found = [one["secret"] for one in sources if "secret" in one]
    return {one.get("name") or one["secretName"] for one in found}


@pytest.mark.parametrize("values", [MINIMAL, EVERY_SWITCH], ids=lambda path: path.stem)
def test_migrations_are_retried_and_never_run_in_parallel(values):
    for job in jobs(values).values():
        policy = job["metadata"]["annotations"]["helm.sh/hook-delete-policy"]
        assert "before-hook-creation" in policy
        assert job["spec"]["backoffLimit"] > 0
        assert job["spec"]["activeDeadlineSeconds"] >= 60
        assert job["spec"].get("parallelism", 1) == 1
        assert spec_of(job)["restartPolicy"] == "Never"  # keeps the log of each attempt


def test_migration_hooks_need_no_account_or_configmap_of_the_chart():
    """And they run as the same account on upgrades."""
    for job in jobs().values():
        pod = spec_of(job)
        assert pod["serviceAccountName"] == "default"
        assert all("configMap" not in volume for volume in pod["volumes"])
        assert pod["securityContext"]["runAsUser"] == 10001
        assert pod["automountServiceAccountToken"] is False


def test_each_migration_job_requests_at_most_250m_cpu_and_1_gib():
    for job in jobs().values():
        requests = [one["resources"]["requests"] for one in spec_of(job)["containers"]]
        assert sum(int(one["cpu"].removesuffix("m")) for one in requests) <= 250
        assert sum(int(one["memory"].removesuffix("Mi")) for one in requests) <= 1024
