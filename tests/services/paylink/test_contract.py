"""What the contract says of refusals is what the service has, with the same codes."""

import re
from pathlib import Path

from libs import errors as chassis
from libs.errors import Refusal
from services.paylink import errors
from tests.conftest import ROOT

PROTOS = Path(ROOT) / "protos/incasso/paylink/v1"
# Refusals of oneclick and payments that are passed on.
NEIGHBOURS = {
    "customer_not_found": 404,
    "no_psp_account": 409,
    "order_already_paid": 409,
    "too_many_declines": 409,
    "psp_account_not_found": 404,
}


def reasons(module) -> dict[str, int]:
    return {
        cls.reason: cls.kind.http_status
        for cls in vars(module).values()
        if isinstance(cls, type) and issubclass(cls, Refusal) and hasattr(cls, "reason")
    }


def test_every_refusal_is_in_the_contract_with_its_code_and_no_other_is():
    text = "".join(path.read_text() for path in PROTOS.glob("*.proto"))
    comments = [
        re.sub(r"\s*//\s*", " ", comment)
        for comment in re.findall(r"// Errors: (.*?)\.\n(?!\s*//)", text, re.DOTALL)
    ]
    told = {
        reason: int(status)
        for comment in comments
        for reason, status in re.findall(r"([a-z_]+) \((\d{3})\)", comment)
    }
    own = reasons(errors)
    assert {reason: told.get(reason) for reason in own} == own
    assert told == {
        reason: {**reasons(chassis), **NEIGHBOURS, **own}.get(reason) for reason in told
    }
