"""docs/adding-a-service.md, followed word for word in a copy of the repository."""

import os
import re
import shutil
import subprocess
import sys
import urllib.request

import pytest

from libs.services import NAMES, SERVICES
from stack.process import accepts_connections, wait_until
from tests.conftest import ROOT
from tests.waiting import HANGING_SECONDS

PAGE = (ROOT / "docs/adding-a-service.md").read_text()
FILE = re.compile(r"^\*\*`([^`\n]+)`\*\*\n\n(````?)\w+\n(.*?)^\2$", re.MULTILINE | re.DOTALL)
ROW = re.compile(r"^    Service\(\"(\w+)\".*, port=(\d+).*\),$", re.MULTILINE)
COPIED = ("libs", "protos", "services", "stack", "cli", "docs", "tests")
END_OF_SERVICES = ")\nNAMES: Final"
STUBS = """
from pathlib import Path
from stack import contracts
contracts.unpack_google_protos(contracts.PROTOS, contracts.BUILD / "googleapis")
contracts.run_protoc(Path("libs/pb"))
"""


@pytest.fixture(scope="module")
def copy(tmp_path_factory):
    """The repository with the page's additions."""
    folder = tmp_path_factory.mktemp("copy")
    for name in COPIED:
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "buf.yaml"):
        shutil.copy(ROOT / name, folder)
    for name, _, text in FILE.findall(PAGE):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    table = folder / "libs/services.py"
    before, end, after = table.read_text().partition(END_OF_SERVICES)
    table.write_text(f"{before}{ROW.search(PAGE)[0]}\n{end}{after}")
    if (ROOT / ".mypy_cache").is_dir():  # from `make check`; saves nine tenths of the time
        shutil.copytree(ROOT / ".mypy_cache", folder / ".mypy_cache")
    run(folder, sys.executable, "-c", STUBS)
    return folder


def environment(folder):
    return {**os.environ, "PYTHONPATH": f"{folder}/libs/pb{os.pathsep}{folder}"}


def run(folder, *command, **more):
    """Runs a command that must succeed."""
    env = {**environment(folder), **more}
    done = subprocess.run(
        command, cwd=folder, env=env, check=False, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    assert done.returncode == 0, done.stdout.decode()


def module(folder, *arguments, **more):
    run(folder, sys.executable, "-m", *arguments, **more)


def test_the_page_states_its_number_of_files_and_lines():
    files = [text for _, _, text in FILE.findall(PAGE)]
    lines = sum(len(text.splitlines()) for text in files)
    assert f"{len(files)} files, {lines} lines" in PAGE


def test_the_example_service_has_a_free_name_and_the_next_port():
    name, port = ROW.search(PAGE).groups()
    assert name not in NAMES
    assert int(port) == max(service.port for service in SERVICES) + 2


def test_the_example_service_passes_lint_format_and_type_checks(copy):
    """Runs the same checks as `make check`."""
    code = ("services/vouchers", "tests/services/vouchers", "libs/services.py")
    module(copy, "ruff", "check", "--quiet", "--no-cache", *code)
    module(copy, "ruff", "format", "--quiet", "--no-cache", "--check", *code)
    module(copy, "mypy", "services/vouchers")
    module(copy, "stack.contracts", "lint")


def test_the_example_service_passes_its_own_and_the_shared_tests(copy):
    module(
        copy,
        "pytest",
        "-q",
        "-k",
        "vouchers",
        "tests/services/vouchers",
        "tests/services/test_kept.py",
        "tests/services/notify/webhooks/test_public_events.py",
        "tests/tidy",
    )


def test_the_example_service_migrates_and_becomes_ready(copy, new_database, nats_url, free_port):
    admin = free_port()
    env = {
        **environment(copy),
        "INCASSO_DATABASE_URL": new_database(),
        "INCASSO_NATS_URL": nats_url,
        "INCASSO_GRPC_PORT": str(free_port()),
        "INCASSO_ADMIN_PORT": str(admin),
    }
    run(copy, sys.executable, "-m", "services.vouchers", "migrate", **env)
    command = (sys.executable, "-m", "services.vouchers")
    with subprocess.Popen(command, cwd=copy, env=env, stdout=subprocess.DEVNULL) as process:
        wait_until(lambda: accepts_connections(admin), process, HANGING_SECONDS)
        with urllib.request.urlopen(f"http://127.0.0.1:{admin}/healthz/ready") as answer:
            assert answer.status == 200
        process.terminate()
    assert process.returncode == 0
