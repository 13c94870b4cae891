"""What the chart derives from the code: the processes, and who calls whom by the contracts."""

from collections.abc import Mapping
from pathlib import Path

import yaml

from libs import descriptors, services
from libs.identity import GATEWAY
from stack.contracts import ROOT

CHART = ROOT / "deploy" / "helm" / "incasso"
FACTS = CHART / "files" / "services.yaml"
HEADER = "# Made of libs/services.py and the `callers` of protos/ by `make security`.\n"


def facts() -> dict[str, dict[str, list[str]]]:
    """By process: its gRPC services, the processes that call it, and those that it calls."""
    callers = {name: _callers(name) for name in services.NAMES}
    return {
        name: {
            "grpc": list(services.named(name).full_names) if name in callers else [],
            "callers": sorted(callers.get(name, set())),
            "calls": sorted(callee for callee, of in callers.items() if name in of),
        }
        for name in (GATEWAY, *services.NAMES)
    }


def _callers(service: str) -> set[str]:
    """Who the contracts of a service name: processes, and operators with their command."""
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


if __name__ == "__main__":
    Path(FACTS).write_text(written(facts()))
