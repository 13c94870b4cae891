"""Movements of money: each function decides by the rules, then books charge, operation, settlement
line and webhook event in one transaction. Nothing here awaits, so calls never interleave.
"""

import dataclasses
import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from uuid_utils import uuid7

from services.sandbox import errors, psp, views
from services.sandbox.books import (
    charges,
    clocks,
    disputes,
    instruments,
    operations,
    settlements,
)
from services.sandbox.books.operations import Operation
from services.sandbox.cards import MAGIC_CARDS, SINGLE_USE_PREFIX, Card
from services.sandbox.database import transaction
from services.sandbox.deps import Deps
from services.sandbox.faults import Kind
from services.sandbox.psp import Charge, State


@dataclass(frozen=True, slots=True)
class Call:
    """A write of an account: `key` is the caller's idempotency key."""

    account: str
    key: str
    kind: str
    body_hash: bytes
    base_url: str


def new_id(prefix: str) -> str:
    return f"{prefix}_{uuid7().hex}"


def encoded(view: dict[str, Any]) -> str:
    return json.dumps(view, separators=(",", ":"))


def resolve_card(deps: Deps, account: str, token: str) -> Card:
    """The behaviour of a magic token, or of a saved one that is ready to pay."""
    if card := MAGIC_CARDS.get(token):
        return card
    saved = instruments.find(deps.conn, account, token)
    if saved is None:
        raise errors.UnknownTokenError(f"account {account} knows no such token")
    if saved.state not in ("ready", "single_use"):
        raise errors.InstrumentNotReadyError(f"the instrument is in state {saved.state}")
    return saved.card()


def book_charge(deps: Deps, call: Call, order: psp.ChargeOrder) -> Operation:
    card = resolve_card(deps, call.account, order.token)
    verdict = psp.decide(order, card, account=call.account)
    if rule := deps.faults.take_one(call.account, "charge", Kind.DECLINE):
        verdict = psp.Verdict(State.DECLINED, rule.code or psp.DO_NOT_HONOR)
    now = time.time()
    pending = verdict.state is State.PENDING
    charge = psp.opened(
        order,
        card,
        verdict,
        charge_id=new_id("ch"),
        account=call.account,
        key=call.key,
        challenge=new_id("3ds") if verdict.state is State.REQUIRES_ACTION else None,
        due_at=now + deps.config.sandbox_pending_seconds if pending else None,
        now=now,
    )
    view = views.charge(charge, call.base_url)
    operation = Operation(
        account=call.account,
        key=call.key,
        kind="charge",
        body_hash=call.body_hash,
        id=charge.id,
        subject=charge.id,
        amount_minor=charge.amount_minor,
        state=charge.state,
        code=charge.decline_code,
        status=200,
        answer=encoded(view),
        created_at=now,
    )
    with transaction(deps.conn):
        charges.insert(deps.conn, charge)
        operations.insert(deps.conn, operation)
        if order.token.startswith(SINGLE_USE_PREFIX):
            instruments.use_up(deps.conn, order.token)
        settle_capture(deps, charge, key=charge.key)
        announce(deps, charge, f"charge.{charge.state}", view, views.operation(operation))
    if pending:
        deps.pending.set()
    deps.metrics.charges.labels(charge.account, charge.state).inc()
    return operation


def settle_capture(deps: Deps, charge: Charge, *, key: str) -> None:
    if charge.captured_minor:
        fee = psp.fee_minor(charge.captured_minor)
        settle(deps, charge, key=key, kind="charge", gross=charge.captured_minor, fee=fee)


def settle(deps: Deps, charge: Charge, *, key: str, kind: str, gross: int, fee: int = 0) -> None:
    settlements.insert(
        deps.conn,
        account=charge.account,
        charge_id=charge.id,
        key=key,
        kind=kind,
        gross_minor=gross,
        fee_minor=fee,
        currency=charge.currency,
        now=clocks.now(deps.conn, charge.account),
    )


def announce(
    deps: Deps,
    charge: Charge,
    event_type: str,
    charge_view: dict[str, Any],
    operation_view: dict[str, Any],
    **more: Any,
) -> None:
    data = {"charge": charge_view, "operation": operation_view, **more}
    deps.sender.emit(charge.account, event_type, data)


def book_capture(deps: Deps, call: Call, charge_id: str, amount_minor: int) -> Operation:
    return _book_change(
        deps, call, charge_id, amount_minor, lambda charge: psp.capture(charge, amount_minor)
    )


def book_cancel(deps: Deps, call: Call, charge_id: str) -> Operation:
    return _book_change(deps, call, charge_id, None, psp.cancel)


def book_refund(deps: Deps, call: Call, charge_id: str, amount_minor: int) -> Operation:
    dispute_open = disputes.is_open(deps.conn, charge_id)
    return _book_change(
        deps,
        call,
        charge_id,
        amount_minor,
        lambda charge: psp.refund(charge, amount_minor, dispute_open=dispute_open),
    )


CHANGE_EVENTS = {
    "capture": "charge.captured",
    "cancel": "charge.cancelled",
    "refund": "charge.refunded",
}


def _book_change(
    deps: Deps,
    call: Call,
    charge_id: str,
    amount_minor: int | None,
    change: Callable[[Charge], Charge],
) -> Operation:
    """A refusal is booked under its key too: the same key gets the same answer."""
    charge = require_charge(deps, charge_id, account=call.account)
    try:
        if rule := deps.faults.take_one(call.account, call.kind, Kind.REFUSE):
            message = f"refused by a fault rule ({rule.code or 'refused'})"
            raise errors.RefusedOnDemandError(message)
        changed = change(charge)
    except errors.OperationRefusedError as refusal:
        return _book_refusal(deps, call, charge, amount_minor, refusal)
    operation = _operation(call, charge.id, amount_minor, state="succeeded")
    view = views.charge(changed, call.base_url) | {"operation": views.operation(operation)}
    operation = _with_answer(operation, view)
    with transaction(deps.conn):
        charges.save(deps.conn, changed)
        operations.insert(deps.conn, operation)
        if call.kind == "capture":
            settle_capture(deps, changed, key=call.key)
        elif amount_minor is not None:
            settle(deps, changed, key=call.key, kind="refund", gross=-amount_minor)
        charge_view = views.charge(changed, call.base_url)
        announce(deps, changed, CHANGE_EVENTS[call.kind], charge_view, views.operation(operation))
    return operation


def _book_refusal(
    deps: Deps,
    call: Call,
    charge: Charge,
    amount_minor: int | None,
    refusal: errors.OperationRefusedError,
) -> Operation:
    operation = _operation(call, charge.id, amount_minor, state="refused", code=refusal.code)
    view = refusal.body() | {
        "operation": views.operation(operation),
        "charge": views.charge(charge, call.base_url),
    }
    operation = _with_answer(operation, view, status=refusal.status)
    with transaction(deps.conn):
        operations.insert(deps.conn, operation)
    return operation


def _operation(
    call: Call, subject: str, amount_minor: int | None, *, state: str, code: str | None = None
) -> Operation:
    return Operation(
        account=call.account,
        key=call.key,
        kind=call.kind,
        body_hash=call.body_hash,
        id=new_id("op"),
        subject=subject,
        amount_minor=amount_minor,
        state=state,
        code=code,
        status=200,
        answer="",
        created_at=time.time(),
    )


def _with_answer(operation: Operation, view: dict[str, Any], *, status: int = 200) -> Operation:
    return dataclasses.replace(operation, answer=encoded(view), status=status)


def require_charge(deps: Deps, charge_id: str, *, account: str | None = None) -> Charge:
    charge = charges.find(deps.conn, charge_id, account=account)
    if charge is None:
        raise errors.NotFoundError("no such charge")
    return charge


def finish_charge(
    deps: Deps, charge: Charge, *, approved: bool, decline_code: str, base_url: str
) -> Charge:
    """A challenge was answered, or a pending charge ended; later calls change nothing."""
    finished = psp.finish(charge, approved=approved, decline_code=decline_code)
    view = views.charge(finished, base_url)
    with transaction(deps.conn):
        charges.save(deps.conn, finished)
        settle_capture(deps, finished, key=finished.key)
        operation = operations.find(deps.conn, finished.account, finished.key)
        assert operation is not None  # written with the charge
        announce(
            deps,
            finished,
            f"charge.{finished.state}",
            view,
            views.operation(operation, state=finished.state),
        )
    return finished


def finish_due_charges(deps: Deps) -> None:
    for charge in charges.due(deps.conn, time.time()):
        finish_charge(
            deps,
            charge,
            approved=True,
            decline_code="",
            base_url=deps.config.sandbox_public_url or "",
        )


def lookup(deps: Deps, account: str, key: str, base_url: str) -> dict[str, Any]:
    """The current state of one of our keys, not its first answer."""
    operation = operations.find(deps.conn, account, key)
    if operation is None:
        if (account, key) in deps.running:
            raise errors.InProgressError("the call with this key is still at work")
        raise errors.UnknownKeyError("no operation has this key")
    if operation.kind == "instrument":
        saved = instruments.find(deps.conn, account, operation.subject)
        state = saved.state if saved else "deleted"
        view = views.instrument(saved, base_url) if saved else None
        return {"kind": operation.kind, "state": state, "instrument": view,
                "operation": views.operation(operation)}  # fmt: skip  # reads as one row
    charge = require_charge(deps, operation.subject)
    state = charge.state if operation.kind == "charge" else operation.state
    return {
        "kind": operation.kind,
        "state": state,
        "charge": views.charge(charge, base_url),
        "operation": views.operation(operation, state=state),
    }
