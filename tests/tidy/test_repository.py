"""What a clone on another machine relies on: the map, the lock, no paths of this machine."""

import json
import re
import subprocess
from pathlib import Path

import pytest

from tests.tidy.sources import ROOT

# A path in backticks that names a folder or file of the repository.
DOCUMENTED_PATH = re.compile(r"`((?:[\w.-]+/)+[\w.<>*-]*|[\w-]+\.(?:toml|lock|md|yaml)|Makefile)`")
# A link to a file of the repository, without its heading, if any.
LINK = re.compile(r"\]\((?!\w+:|#)([^)#\s]+)(?:#[^)]*)?\)")
# A link to a heading of a page, of the same one if the path is empty.
ANCHOR = re.compile(r"\]\((?!\w+:)([^)#\s]*)#([^)]+)\)")
# The path of this checkout, or of a home folder.
MACHINE = re.compile(rf"{re.escape(str(ROOT))}/|/root/|/home/\w+/")
# Third-party files, kept unchanged.
VENDORED = ("services/gateway/static/scalar/",)
SECRET = re.compile(r"(?:sk|pk|rk)_live_\w{8,}|-----BEGIN (?:RSA |EC )?PRIVATE KEY")


def tracked_files() -> list[str]:
    done = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        check=False,
        capture_output=True,
        text=True,
    )
    if done.returncode != 0:
        pytest.skip("not a git checkout")
    return [name for name in done.stdout.split("\0") if name and (ROOT / name).is_file()]


def lines_with(pattern: re.Pattern[str]) -> list[str]:
    found = []
    for name in tracked_files():
        if name.startswith(("tests/tidy/", *VENDORED)):
            continue
        try:
            text = (ROOT / name).read_text()
        except UnicodeDecodeError:
            continue
        found += [
            f"{name}: {line.strip()[:120]}" for line in text.splitlines() if pattern.search(line)
        ]
    return found


@pytest.mark.parametrize("page", ["where.md", "architecture.md"])
def test_every_path_in_the_maps_exists(page: str):
    paths = DOCUMENTED_PATH.findall((ROOT / "docs" / page).read_text())
    missing = [
        path
        for path in paths
        if not list(ROOT.glob(re.sub(r"<[^>]*>", "*", path).rstrip("/"))) and path != "libs/pb/"
    ]
    assert paths, f"docs/{page} names no paths"
    assert missing == []


def test_every_link_in_the_docs_leads_to_a_file():
    dead = [
        f"{name}: {link}"
        for name in tracked_files()
        if name.endswith(".md") and not name.startswith(VENDORED)
        for link in LINK.findall((ROOT / name).read_text())
        if not (ROOT / name).parent.joinpath(link).exists()
    ]
    assert dead == []


def anchors(page: Path) -> set[str]:
    """The anchors of a page's headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.+)$", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_every_anchor_link_matches_a_heading():
    dead = [
        f"{name}: {link}#{anchor}"
        for name in tracked_files()
        if name.endswith(".md") and not name.startswith(VENDORED)
        for link, anchor in ANCHOR.findall((ROOT / name).read_text())
        if anchor not in anchors((ROOT / name).parent / link if link else ROOT / name)
    ]
    assert dead == []


@pytest.mark.parametrize(
    "name",
    [
        "requirements.lock",
        "deploy/image/runtime.lock",
        "deploy/image/build.lock",
        "deploy/checkov/requirements.lock",
    ],
)
def test_python_lock_files_have_hashes_and_no_urls(name):
    lock = (ROOT / name).read_text()
    assert "://" not in lock
    assert "--index" not in lock
    assert "--find-links" not in lock
    for block in re.split(r"\n(?=\S)", lock.strip()):
        if not block.startswith("#"):
            assert "--hash=sha256:" in block, block.splitlines()[0]


@pytest.mark.parametrize("folder", ["tests/contract", "deploy/schemas"])
def test_node_lock_files_have_hashes_and_no_urls(folder):
    text = (ROOT / folder / "package-lock.json").read_text()
    assert "://" not in text
    for name, package in json.loads(text)["packages"].items():
        assert name == "" or package["integrity"].startswith("sha512-"), name


def test_no_file_names_a_particular_machine():
    assert lines_with(MACHINE) == []


def test_no_file_has_a_live_secret():
    assert lines_with(SECRET) == []


def test_every_service_has_a_readme():
    services = [path for path in (ROOT / "services").iterdir() if (path / "__main__.py").exists()]
    assert [path.name for path in services if not (path / "README.md").exists()] == []


def test_every_make_target_has_a_description():
    makefile = (ROOT / "Makefile").read_text()
    targets = re.findall(r"^([a-z][a-z-]*):(?!=)(.*)$", makefile, re.MULTILINE)
    assert targets
    assert [name for name, rest in targets if "## " not in rest] == []


def test_decisions_are_numbered_without_gaps_or_duplicates():
    numbers = [path.name.partition("-")[0] for path in sorted((ROOT / "docs/adr").glob("*.md"))]
    assert numbers == [f"{number:04d}" for number in range(1, len(numbers) + 1)]


def test_migrations_are_numbered_without_gaps_or_duplicates():
    for folder in (ROOT / "libs/migrations", *sorted((ROOT / "services").glob("*/migrations"))):
        numbers = [path.name.partition("_")[0] for path in sorted(folder.glob("*.sql"))]
        assert numbers == [f"{number:04d}" for number in range(1, len(numbers) + 1)], folder
