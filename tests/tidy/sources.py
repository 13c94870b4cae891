"""The repository's own Python files and what they import, for the tidy tests."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
FOLDERS = ("libs", "services", "stack", "cli", "bench", "tests")


@dataclass(frozen=True)
class Source:
    path: Path  # relative to the repository

    @property
    def text(self) -> str:
        return (ROOT / self.path).read_text()

    @property
    def tree(self) -> ast.Module:
        return parse(self.path)

    @property
    def parts(self) -> tuple[str, ...]:
        return self.path.parts

    @property
    def service(self) -> str | None:
        return self.parts[1] if self.parts[0] == "services" and len(self.parts) > 2 else None

    @property
    def subject(self) -> str:
        """The part of its service that it belongs to, if the service has several subjects."""
        return subject(self.parts) if self.service is not None else ""

    @property
    def role(self) -> str:
        """Its name in the anatomy of a service: file name, or folder below the service."""
        return role(self.parts) if self.service is not None else self.path.stem

    def imports(self) -> Iterator[str]:
        """Dotted names of its imports, including those inside functions: `from a import b` is `a.b`."""
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Import):
                yield from (alias.name for alias in node.names)
            elif isinstance(node, ast.ImportFrom):
                module = node.module or ""
                yield from (f"{module}.{alias.name}" for alias in node.names)

    def uses(self, package: str) -> bool:
        return any(name == package or name.startswith(f"{package}.") for name in self.imports())


@cache
def subject(parts: tuple[str, ...]) -> str:
    """The subject of a path or module in a service: a folder with its own rules, stores and flows."""
    is_one = len(parts) > 3 and (ROOT.joinpath(*parts[:3]) / "rules").is_dir()
    return parts[2] if is_one else ""


def role(parts: tuple[str, ...]) -> str:
    """The role of a path or module in a service."""
    return Path(parts[3 if subject(parts) else 2]).stem


@cache
def parse(path: Path) -> ast.Module:
    return ast.parse((ROOT / path).read_text(), filename=str(path))


@cache
def sources() -> tuple[Source, ...]:
    found = []
    for folder in FOLDERS:
        for path in sorted((ROOT / folder).rglob("*.py")):
            relative = path.relative_to(ROOT)
            if relative.parts[:2] != ("libs", "pb"):
                found.append(Source(relative))
    return tuple(found)


def shipped() -> list[Source]:
    """All sources except tests and benchmarks."""
    return [source for source in sources() if source.parts[0] not in {"tests", "bench"}]
