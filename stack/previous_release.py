"""`python -m stack.previous_release v1.2.0`: checks that a release runs on the schema of this tree.

During a rollout the old version runs on the new schema once the `pre` migrations are applied. To check
that, the release's own store and flow tests run in a copy of the release with this tree's new `pre`
migrations. `post` migrations run only when the old version is gone.
"""

import argparse
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from shutil import copyfile, copytree, ignore_patterns
from typing import Final

from stack.contracts import BUILD, ROOT, git

FOLDERS: Final = ("libs/migrations", "services/*/migrations")
TESTS: Final = ("services/**/test_*store*.py", "services/**/test_*flows*.py")


@contextmanager
def checked_out(release: str) -> Iterator[Path]:
    """A copy of the release with its own environment, removed after the block."""
    BUILD.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="previous-", dir=BUILD) as folder:
        Path(folder).chmod(0o755)  # PostgreSQL runs as another user where this one is root
        tree = Path(folder) / "tree"
        if git("worktree", "add", "--detach", str(tree), release) is None:
            raise SystemExit(f"there is no release {release}")
        try:
            link_environment(tree)
            yield tree
        finally:
            git("worktree", "remove", "--force", str(tree))


def link_environment(tree: Path) -> None:
    """Links this tree's packages, except the .pth file that puts its stubs on the path."""
    own = ROOT / ".venv"
    ignore = ignore_patterns("incasso_stubs.pth", "__pycache__")
    copytree(own, tree / ".venv", symlinks=True, copy_function=os.link, ignore=ignore)


def add_new_migrations(tree: Path) -> list[str]:
    """Copies `pre` migrations of this tree that the release does not have; returns their paths."""
    added = []
    for folder in FOLDERS:
        for file in sorted(ROOT.glob(f"{folder}/*_pre_*.sql")):
            path = file.relative_to(ROOT)
            if (tree / path.parent).is_dir() and not (tree / path).exists():
                copyfile(file, tree / path)
                added.append(str(path))
    return added


def tests_of(tree: Path) -> list[str]:
    return sorted(
        str(file.relative_to(tree)) for pattern in TESTS for file in (tree / "tests").glob(pattern)
    )


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m stack.previous_release", description=__doc__)
    parser.add_argument("release", help="a tag or commit")
    parser.add_argument(
        "tests", nargs="*", help="tests to run instead of those of stores and flows"
    )
    options, more = parser.parse_known_args()
    with checked_out(options.release) as tree:
        added = add_new_migrations(tree)
        sys.stdout.write("".join(f"new: {path}\n" for path in added) or "no new migrations\n")
        sys.stdout.flush()
        python = str(tree / ".venv" / "bin" / "python")
        subprocess.run([python, "-m", "stack.contracts", "stubs"], cwd=tree, check=True)
        tests = options.tests or tests_of(tree)
        command = [python, "-m", "pytest", "-q", *more, *tests]
        return subprocess.run(command, cwd=tree, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
