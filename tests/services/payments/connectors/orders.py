"""The tests' requests to connectors; a test spells out only what matters to it."""

import dataclasses
from typing import Any

from libs import ids
from services.payments.connectors.base import Asked, Authorisation, InstrumentSetup, Operation
from services.payments.rules.states import AttemptKind, Exemption

RETURN_URL = "http://127.0.0.1:9/return/pay_1"


def a_charge(token: str = "tok_visa", **fields: Any) -> Authorisation:
    charge = Authorisation(
        key=ids.new("att"),
        payment_id=ids.new("pay"),
        amount_minor=5990,
        currency="EUR",
        token=token,
        psp_customer="",
        capture=True,
        exemption=Exemption.NONE,
        force_challenge=False,
        mandate_reference="",
        return_url=RETURN_URL,
        order_reference="A-1001",
        description="Scarpe rosse",
    )
    return dataclasses.replace(charge, **fields)


def an_operation(kind: AttemptKind, psp_reference: str, amount_minor: int = 5990) -> Operation:
    prefix = "ref" if kind is AttemptKind.REFUND else "att"
    return Operation(ids.new(prefix), kind, psp_reference, amount_minor, "EUR")


def asked(of: Authorisation | Operation, psp_reference: str = "", *, own: str = "") -> Asked:
    """`own`: the operation's own reference."""
    kind = of.kind if isinstance(of, Operation) else AttemptKind.AUTHORISE
    return Asked(of.key, kind, psp_reference, of.amount_minor, of.currency, operation_reference=own)


def a_setup(token: str = "tok_visa", **fields: Any) -> InstrumentSetup:
    setup = InstrumentSetup(
        key=ids.new("set"),
        token=token,
        customer_id=ids.new("cus"),
        email="giulia@example.com",
        psp_customer="",
        return_url=RETURN_URL,
    )
    return dataclasses.replace(setup, **fields)
