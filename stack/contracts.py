"""The contracts in protos/ for tools: Python stubs, buf's lint and breaking checks.

Not used at runtime: services import the stubs from libs/pb, which containers put on PYTHONPATH.
"""

import argparse
import fcntl
import hashlib
import importlib.metadata
import os
import re
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PROTOS = ROOT / "protos"
BUILD = ROOT / ".build"
STUBS = ROOT / "libs" / "pb"
SITE_PACKAGES = Path(sysconfig.get_path("purelib"))
GENERATORS = ("grpcio-tools", "mypy-protobuf", "protobuf", "googleapis-common-protos")
IMPORT = re.compile(r'^import\s+(?:public\s+)?"(google/(?:api|rpc|type)/[^"]+)"', re.MULTILINE)


@contextmanager
def one_at_a_time() -> Iterator[None]:
    """Two `make` in one checkout must not write the stubs at the same time."""
    BUILD.mkdir(exist_ok=True)
    with (BUILD / "contracts.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def proto_files(protos: Path = PROTOS) -> list[Path]:
    return sorted(protos.rglob("*.proto"))


def fingerprint() -> str:
    """Changes with a proto, its location or a generator's version."""
    digest = hashlib.sha256()
    for name in GENERATORS:
        digest.update(f"{name} {importlib.metadata.version(name)}\n".encode())
    for path in proto_files():
        digest.update(f"{path.relative_to(PROTOS)}\n".encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()


def unpack_google_protos(protos: Path, into: Path) -> None:
    """The google/* files imported by `protos`, and their imports, for buf to resolve."""
    shutil.rmtree(into, ignore_errors=True)
    wanted = ["google/api/annotations.proto"]  # buf refuses an empty module
    for path in proto_files(protos):
        wanted += IMPORT.findall(path.read_text())
    done: set[str] = set()
    while wanted:
        name = wanted.pop()
        if name in done:
            continue
        done.add(name)
        source = SITE_PACKAGES / name
        target = into / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, target)
        wanted += IMPORT.findall(source.read_text())


def put_stubs_on_path() -> None:
    """A .pth line in the virtual environment, so that `python -m services.x` just works."""
    if sys.prefix == sys.base_prefix:
        return  # not a virtual environment: leave the machine's Python alone
    line = f"{STUBS}\n"
    pth = SITE_PACKAGES / "incasso_stubs.pth"
    if not pth.exists() or pth.read_text() != line:
        pth.write_text(line)


def generate_stubs() -> None:
    put_stubs_on_path()
    stamp = BUILD / "protos.stamp"
    with one_at_a_time():
        now = fingerprint()
        if stamp.exists() and stamp.read_text() == now and STUBS.is_dir():
            return
        unpack_google_protos(PROTOS, BUILD / "googleapis")
        fresh = Path(tempfile.mkdtemp(prefix="stubs-", dir=BUILD))
        run_protoc(fresh)
        (fresh / "py.typed").touch()
        fresh.chmod(0o755)
        previous = BUILD / f"stubs-previous-{os.getpid()}"
        if STUBS.exists():
            STUBS.rename(previous)
        fresh.rename(STUBS)
        shutil.rmtree(previous, ignore_errors=True)
        stamp.write_text(now)
        sys.stdout.write(f"Generated libs/pb from {len(proto_files())} protos\n")


def run_protoc(into: Path) -> None:
    files = [str(path.relative_to(PROTOS)) for path in proto_files()]
    if not files:
        return
    scripts = sysconfig.get_path("scripts")
    well_known = SITE_PACKAGES / "grpc_tools" / "_proto"
    subprocess.run(
        [
            sys.executable,
            "-m",
            "grpc_tools.protoc",
            f"-I{PROTOS}",
            f"-I{SITE_PACKAGES}",
            f"-I{well_known}",
            f"--python_out={into}",
            f"--grpc_python_out={into}",
            f"--mypy_out=quiet:{into}",
            f"--mypy_grpc_out=quiet:{into}",
            f"--descriptor_set_out={into / 'incasso.binpb'}",  # with the comments, for OpenAPI
            "--include_source_info",
            *files,
        ],
        check=True,
        env={**os.environ, "PATH": f"{scripts}{os.pathsep}{os.environ['PATH']}"},
    )


def buf(*arguments: str) -> int:
    tool = Path(sysconfig.get_path("scripts")) / "buf"
    return subprocess.run([str(tool), *arguments], cwd=ROOT, check=False).returncode


def git(*arguments: str) -> str | None:
    """Standard output, or None if git fails."""
    done = subprocess.run(
        ["git", *arguments], cwd=ROOT, check=False, capture_output=True, text=True
    )
    return done.stdout.strip() if done.returncode == 0 else None


def landed_commit() -> str | None:
    """The commit that callers may already rely on: where HEAD left origin/main, or else the previous one."""
    head = git("rev-parse", "HEAD")
    main = git("rev-parse", "--verify", "--quiet", "origin/main")
    if main and main != head:
        return git("merge-base", "HEAD", main)
    return git("rev-parse", "--verify", "--quiet", "HEAD~1")


def check_breaking() -> int:
    """`buf breaking` of the work tree against the landed commit; passes if there is none."""
    commit = os.environ.get("INCASSO_BREAKING_AGAINST") or landed_commit()
    if not commit or not git("ls-tree", "-r", "--name-only", commit, "protos"):
        sys.stdout.write("buf breaking: no earlier contracts to compare with\n")
        return 0
    previous = BUILD / "previous"
    shutil.rmtree(previous, ignore_errors=True)
    previous.mkdir(parents=True)
    archive = previous / "protos.zip"
    if git("archive", f"--output={archive}", commit, "protos") is None:
        sys.stderr.write(f"buf breaking: cannot read {commit}\n")
        return 1
    shutil.unpack_archive(archive, previous)
    shutil.copyfile(ROOT / "buf.yaml", previous / "buf.yaml")  # buf needs equal modules
    unpack_google_protos(previous / "protos", previous / ".build" / "googleapis")
    return buf("breaking", "--against", str(previous.relative_to(ROOT)))


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m stack.contracts", description=__doc__)
    parser.add_argument("job", choices=("stubs", "lint", "breaking"))
    job = parser.parse_args().job
    if job == "lint":
        return buf("lint")
    if job == "breaking":
        return check_breaking()
    generate_stubs()
    return 0


if __name__ == "__main__":
    sys.exit(main())
