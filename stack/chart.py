"""What the chart derives from the code: the processes, and who may call whom under the contracts."""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

import yaml

from libs import descriptors, services
from libs.identity import CONSOLE, GATEWAY
from stack.contracts import ROOT

CHART = ROOT / "deploy" / "helm" / "incasso"
FACTS = CHART / "files" / "services.yaml"
TABLE = CHART / "VALUES.md"
KEY = re.compile(r"[a-zA-Z]\w*")
INTRODUCTION = """# Values of the chart

Generated from values.yaml by `make security`. values.schema.json rejects any other values.
"""
HEADER = "# Generated from libs/services.py and the `callers` of protos/ by `make security`.\n"


def facts() -> dict[str, dict[str, list[str]]]:
    """By process: its gRPC services, the processes that call it, and those that it calls."""
    callers = {name: _callers(name) for name in services.NAMES}
    return {
        name: {
            "grpc": list(services.named(name).full_names) if name in callers else [],
            "callers": sorted(callers.get(name, set())),
            "calls": sorted(callee for callee, of in callers.items() if name in of),
        }
        for name in (GATEWAY, CONSOLE, *services.NAMES)
    }


def _callers(service: str) -> set[str]:
    """The callers named in a service's contracts: processes, and operators with their command."""
    wanted = services.named(service).full_names
    return {
        caller
        for owner in descriptors.all_services()
        if owner.full_name in wanted
        for rpc in owner.methods
        for caller in descriptors.rules_of(rpc).callers
        if caller != service
    }


def written(found: Mapping[str, object]) -> str:
    return HEADER + yaml.safe_dump(dict(found), sort_keys=False)


def documented(values: str) -> str:
    """VALUES.md: a row for each value and group of values, with the comments above it."""
    rows = [
        f"| `{'.'.join(path)}` | {default} | {meaning} |"
        for path, default, meaning in _values(values)
    ]
    return "\n".join([INTRODUCTION, "| value | default | meaning |", "|---|---|---|", *rows, ""])


def _values(text: str) -> Iterator[tuple[list[str], str, str]]:
    """Path, default and meaning of each value. A value is one line, indented by two within its group."""
    path: list[str] = []
    comments: list[str] = []
    listed = len(text)  # indent of a list that is a default over several lines
    for line in text.splitlines():
        indent = len(line) - len(line.lstrip())
        key, _, value = line.strip().partition(":")
        if line.strip().startswith("#"):
            comments.append(line.strip().removeprefix("#").strip())
        elif line.strip().startswith("- "):
            listed = indent
        elif not line.strip():
            comments = []
        elif KEY.fullmatch(key) and indent <= listed:
            listed = len(text)
            path = [*path[: indent // 2], key]
            shown = f"`{value.strip()}`" if value.strip() else ""
            yield list(path), shown, " ".join(comments).replace("|", "\\|")
            comments = []


if __name__ == "__main__":
    Path(FACTS).write_text(written(facts()))
    Path(TABLE).write_text(documented((CHART / "values.yaml").read_text()))
