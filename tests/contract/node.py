"""Runs the tools of package-lock.json, which `make node` installs into .build/, in a separate folder."""

import os
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import pytest

HERE: Final = Path(__file__).parent
ROOT: Final = HERE.parent.parent
MODULES: Final = ROOT / ".build" / "node" / "node_modules"
QUIET: Final = {"REDOCLY_TELEMETRY": "off", "REDOCLY_SUPPRESS_UPDATE_NOTICE": "true"}
needs_node = pytest.mark.skipif(not MODULES.exists(), reason="`make node` has not been run")


def workplace(folder: Path, document: bytes) -> Path:
    """Puts the document, the tools and their settings into `folder`."""
    (folder / "openapi.json").write_bytes(document)
    (folder / "node_modules").symlink_to(MODULES)
    for path in HERE.iterdir():
        if path.suffix in {".json", ".yaml", ".ts", ".cjs"}:
            shutil.copy(path, folder)
    return folder


def run(folder: Path, *command: str, before: Sequence[str] = ()) -> str:
    """The output of a tool that succeeds; its complaints fail the test.

    `before`: modules that node loads first.
    """
    done = subprocess.run(
        [
            "node",
            *(f"--require=./{module}" for module in before),
            f"node_modules/.bin/{command[0]}",
            *command[1:],
        ],
        cwd=folder,
        env={**os.environ, **QUIET},
        check=False,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    if done.returncode != 0:
        pytest.fail(f"{command[0]} is not content:\n{done.stdout[-12_000:]}", pytrace=False)
    return done.stdout
