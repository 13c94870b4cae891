"""What a merchant's staff does in the PSP's own console, and what banks reverse later.

Such operations have no idempotency key, and neither do their webhooks. They are booked like calls
of the API.
"""

import dataclasses
import json
from typing import Any

from services.sandbox import errors, flows, psp, views
from services.sandbox.books import charges, operations
from services.sandbox.database import transaction
from services.sandbox.deps import Deps
from services.sandbox.flows import Call
from services.sandbox.psp import State


def operate(
    deps: Deps, charge_id: str, kind: str, amount_minor: int | None, *, base_url: str
) -> dict[str, Any]:
    """A capture, cancellation or refund; without an amount, of everything. Returns the charge and
    `operation`.

    A refusal is booked like those of the API, and raised.
    """
    charge = flows.require_charge(deps, charge_id)
    call = Call(charge.account, flows.new_id(views.CONSOLE), kind, b"", base_url)
    if kind == "cancel":
        operation = flows.book_cancel(deps, call, charge_id)
    elif kind == "capture":
        operation = flows.book_capture(deps, call, charge_id, amount_minor or charge.amount_minor)
    else:
        amount = amount_minor or psp.refundable_minor(charge)
        operation = flows.book_refund(deps, call, charge_id, amount)
    answer: dict[str, Any] = json.loads(operation.answer)
    if operation.state != "succeeded":
        raise errors.RefusedInConsoleError(answer["message"], code=answer["code"])
    return answer


def fail_refund(deps: Deps, operation_id: str, *, base_url: str) -> dict[str, Any]:
    """The shopper's bank returns a refund that had succeeded, by API or in the console."""
    found = operations.find_by_id(deps.conn, operation_id)
    if found is None or found.kind != "refund":
        raise errors.NotFoundError("no such refund")
    if found.state != "succeeded":
        raise errors.NotRefundableError(f"the refund is already {found.state}")
    amount = found.amount_minor or 0
    charge = flows.require_charge(deps, found.subject)
    changed = dataclasses.replace(charge, refunded_minor=charge.refunded_minor - amount)
    failed = dataclasses.replace(found, state="failed")
    with transaction(deps.conn):
        charges.save(deps.conn, changed)
        operations.fail(deps.conn, found)
        flows.settle(deps, changed, key=found.key, kind="refund", gross=amount)
        view = views.charge(changed, base_url)
        flows.announce(deps, changed, "charge.refund_failed", view, views.operation(failed))
    return view | {"operation": views.operation(failed)}


def approve_late(deps: Deps, charge_id: str, *, captured: bool, base_url: str) -> dict[str, Any]:
    """The PSP approves a charge that it had declined, or captures a declined or cancelled one; no
    PSP authorises a cancelled charge again.
    """
    charge = flows.require_charge(deps, charge_id)
    if charge.state not in ((State.DECLINED, State.CANCELLED) if captured else (State.DECLINED,)):
        raise errors.NotPendingError(f"a charge in state {charge.state} was not declined")
    state = State.CAPTURED if captured else State.AUTHORISED
    approved = dataclasses.replace(
        charge,
        state=state.value,
        captured_minor=charge.amount_minor if captured else 0,
        decline_code=None,
    )
    operation = operations.find(deps.conn, charge.account, charge.key)
    assert operation is not None  # written with the charge
    view = views.charge(approved, base_url)
    with transaction(deps.conn):
        charges.save(deps.conn, approved)
        flows.settle_capture(deps, approved, key=approved.key)
        operation_view = views.operation(operation, state=approved.state)
        flows.announce(deps, approved, f"charge.{approved.state}", view, operation_view)
    return view
