"""The image's contents: pinned packages without development ones, and nothing from this machine."""

import ast
import re
import runpy
import tomllib
from pathlib import Path

import pytest

from stack.contracts import ROOT
from tests.cluster.conftest import LOAD_FILES

DOCKERFILE = (ROOT / "Dockerfile").read_text()
IGNORED = (ROOT / ".dockerignore").read_text().splitlines()
INSTRUCTIONS = re.sub(r"\\\n", " ", re.sub(r"^#.*\n", "", DOCKERFILE, flags=re.MULTILINE))
STEPS = ("unused", "compile")
UNUSED = runpy.run_path(str(ROOT / "deploy" / "image" / "unused.py"))
PIN = re.compile(r"^([a-z0-9-]+)==(\S+)((?: \\\n    --hash=\S+)+)", re.MULTILINE)


def pins(lock):
    """Version and hashes of each package."""
    found = PIN.findall((ROOT / lock).read_text())
    return {name: (version, frozenset(hashes.split())) for name, version, hashes in found}


def declared(*groups):
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    return {
        "": set(project["dependencies"]),
        **{group: set(project["optional-dependencies"][group]) for group in groups},
    }


def test_the_image_has_the_tested_package_versions():
    tested = pins("requirements.lock")
    assert {name: tested.get(name) for name in pins("deploy/image/runtime.lock")} == pins(
        "deploy/image/runtime.lock"
    )


def test_the_image_has_every_runtime_dependency_and_no_dev_dependency():
    found = pins("deploy/image/runtime.lock").keys()
    named = declared("dev")
    assert named[""] <= found
    assert not (named["dev"] - named[""]) & found


def test_the_image_compiles_protos_with_the_tested_tool_versions():
    tested, building = pins("requirements.lock"), pins("deploy/image/build.lock")
    for name in ("grpcio-tools", "mypy-protobuf", "protobuf", "googleapis-common-protos"):
        assert building[name] == tested[name]
    wanted = set((ROOT / "deploy/image/build.in").read_text().split())
    assert wanted <= building.keys()


def test_every_pip_install_requires_hashes():
    installs = re.findall(r"pip\b[^&;]* install ([^&;]*)", INSTRUCTIONS)
    assert len(installs) == 2
    assert all("--require-hashes" in one for one in installs)


def test_removed_package_parts_exist_and_are_removed_before_the_import_check():
    site_packages = Path(pytest.__file__).parent.parent
    found = UNUSED["found"](site_packages)
    assert [pattern for pattern, paths in found.items() if not paths] == []
    removes, proves = (INSTRUCTIONS.index(f"deploy/image/{name}.py /opt") for name in STEPS)
    assert removes < proves


def test_the_base_image_is_a_build_argument():
    assert INSTRUCTIONS.split()[:2] == ["ARG", "BASE_IMAGE=python:3.12-slim"]
    assert set(re.findall(r"^FROM (\S+)", INSTRUCTIONS, re.MULTILINE)) == {"${BASE_IMAGE}"}


def test_the_image_runs_as_a_numeric_non_root_user():
    last = INSTRUCTIONS.rpartition("FROM ")[2]
    assert re.search(r"^USER \d{4,}:\d{4,}$", last, re.MULTILINE)


def test_build_mounts_are_only_secrets():
    assert set(re.findall(r"--mount=type=(\w+)", INSTRUCTIONS)) == {"secret"}


def test_the_build_context_has_only_files_that_are_copied():
    assert IGNORED[1] == "*"
    allowed = {line.removeprefix("!") for line in IGNORED if line.startswith("!")}
    lines = re.findall(r"^COPY (?!--from)(.*) \S+$", INSTRUCTIONS, re.MULTILINE)
    copied = {source for line in lines for source in line.split()}
    folders = {folder for folder in allowed if (ROOT / folder).is_dir()}
    found = {next((f for f in folders if f"{one}/".startswith(f"{f}/")), one) for one in copied}
    assert found == allowed


@pytest.mark.parametrize("file", ["libs/pb", "**/__pycache__", "**/*.pyc"])
def test_generated_files_are_excluded_from_the_build_context(file):
    assert file in IGNORED


def test_the_image_has_the_standard_oci_labels():
    for label in ("title", "description", "licenses", "version", "revision"):
        assert f"org.opencontainers.image.{label}=" in INSTRUCTIONS


def test_the_build_validates_the_sbom():
    (line,) = re.findall(r"^RUN .*cyclonedx-py (.*)$", INSTRUCTIONS, re.MULTILINE)
    assert "--validate" in line
    assert "/opt/incasso/sbom.cdx.json" in line


def imported_from_stack(path):
    found = ast.walk(ast.parse(path.read_text()))
    modules = {node.module or "" for node in found if isinstance(node, ast.ImportFrom)}
    return {f"{one.replace('.', '/')}.py" for one in modules if one.startswith("stack.")}


def test_the_image_has_every_module_that_the_load_pod_imports():
    copied = re.findall(r"stack/\w+\.py", INSTRUCTIONS)
    needed = set().union(*map(imported_from_stack, LOAD_FILES.values()))
    assert needed <= {*copied, *LOAD_FILES}
