"""The refusals named in the comments of RPCs exist in the code, with the same statuses."""

import importlib
import re

import pytest

from libs import errors as chassis
from libs.errors import Refusal
from libs.services import NAMES
from tests.tidy.sources import ROOT

COMMENT = re.compile(r"// Errors: (.*?)\.\n(?!\s*//)", re.DOTALL)
REASON = re.compile(r"\b([a-z][a-z0-9_]+) \((\d{3})\)")


# Stored with the object that they refuse, so they have no class.
STORED = {"oneclick": {("charge_abandoned", 409)}}


def reasons(module) -> set[tuple[str, int]]:
    """(reason, HTTP status) of the refusals that a module defines or re-exports."""
    return {
        (found.reason, found.kind.http_status)
        for found in vars(module).values()
        if isinstance(found, type) and issubclass(found, Refusal) and hasattr(found, "reason")
    }


OWN = {
    name: reasons(importlib.import_module(f"services.{name}.errors")) | STORED.get(name, set())
    for name in NAMES
}


def documented(service: str) -> set[tuple[str, int]]:
    """(reason, status) in the comments of a service's RPCs."""
    text = "".join(
        path.read_text()
        for path in sorted((ROOT / "protos/incasso" / service / "v1").glob("*.proto"))
    )
    return {
        (reason, int(status))
        for comment in COMMENT.findall(text)
        for reason, status in REASON.findall(re.sub(r"\s*//\s*", " ", comment))
    }


@pytest.mark.parametrize("service", NAMES)
def test_every_refusal_of_a_service_is_in_its_contract(service: str):
    assert OWN[service] - documented(service) == set()


@pytest.mark.parametrize("service", NAMES)
def test_every_refusal_in_a_contract_exists_in_the_code_with_its_status(service: str):
    """It is the service's own, the chassis's, or one that it passes on from another service."""
    own = {reason for reason, _ in OWN[service]}
    others = {pair for pairs in OWN.values() for pair in pairs if pair[0] not in own}
    assert documented(service) - OWN[service] - others - reasons(chassis) == set()
