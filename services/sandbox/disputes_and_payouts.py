"""What card networks and banks do after the sale: disputes and payouts."""

import dataclasses
import secrets
import time
from collections.abc import Mapping
from typing import Any

from services.sandbox import errors, flows, psp, settlement_files, views, wrong_payouts
from services.sandbox.books import charges, clocks, disputes, operations, settlements
from services.sandbox.books.disputes import Dispute
from services.sandbox.database import transaction
from services.sandbox.deps import Deps
from services.sandbox.psp import Charge
from services.sandbox.settlement_files import Line

MOST_REPORTED = 100_000


def open_dispute(
    deps: Deps, charge_id: str, amount_minor: int | None, *, base_url: str
) -> dict[str, Any]:
    """Without an amount, everything that is still refundable is disputed."""
    charge = flows.require_charge(deps, charge_id)
    amount = psp.refundable_minor(charge) if amount_minor is None else amount_minor
    if not amount:
        raise errors.NotDisputableError("nothing is left to dispute")
    disputed = psp.dispute(charge, amount)
    now = time.time()
    dispute = Dispute(flows.new_id("dsp"), charge.id, charge.account, amount, "open", now, now)
    with transaction(deps.conn):
        charges.save(deps.conn, disputed)
        disputes.insert(deps.conn, dispute)
        _settle_dispute(deps, disputed, dispute, gross=-amount)
        _announce(deps, disputed, dispute, "charge.dispute.opened", base_url)
    return views.dispute(dispute)


def close_dispute(deps: Deps, dispute_id: str, *, won: bool, base_url: str) -> dict[str, Any]:
    """Also on appeal: a lost dispute may be won, and a won one lost."""
    return change_dispute(deps, dispute_id, state="won" if won else "lost", base_url=base_url)


def change_dispute(
    deps: Deps,
    dispute_id: str,
    *,
    state: str | None = None,
    amount_minor: int | None = None,
    base_url: str,
) -> dict[str, Any]:
    """Changes the state (open: an appeal) or the amount, and moves the money accordingly."""
    dispute = disputes.find(deps.conn, dispute_id)
    if dispute is None:
        raise errors.NotFoundError("no such dispute")
    if state == dispute.state:
        raise errors.NotDisputableError(f"the dispute is already {dispute.state}")
    changed = dataclasses.replace(
        dispute,
        state=state or dispute.state,
        amount_minor=amount_minor or dispute.amount_minor,
        updated_at=time.time(),
    )
    charge = flows.require_charge(deps, dispute.charge_id)
    taken = 0 if changed.state == "won" else changed.amount_minor
    free = dataclasses.replace(charge, disputed_minor=0)
    if taken > psp.refundable_minor(free):
        raise errors.AmountTooLargeError(f"only {psp.refundable_minor(free)} can be disputed")
    event = "charge.dispute.updated" if changed.state == "open" else "charge.dispute.closed"
    now_is = dataclasses.replace(charge, disputed_minor=taken)
    with transaction(deps.conn):
        disputes.save(deps.conn, changed)
        charges.save(deps.conn, now_is)
        if gross := charge.disputed_minor - taken:
            _settle_dispute(deps, now_is, dispute, gross=gross)
        _announce(deps, now_is, changed, event, base_url)
    return views.dispute(changed)


def _settle_dispute(deps: Deps, charge: Charge, dispute: Dispute, *, gross: int) -> None:
    settlements.insert(
        deps.conn,
        account=charge.account,
        charge_id=charge.id,
        key=dispute.id,
        kind="dispute",
        gross_minor=gross,
        fee_minor=0,
        currency=charge.currency,
        now=clocks.now(deps.conn, charge.account),
    )


def _announce(deps: Deps, charge: Charge, dispute: Dispute, event: str, base_url: str) -> None:
    operation = operations.find(deps.conn, charge.account, charge.key)
    assert operation is not None  # written with the charge
    data = {
        "charge": views.charge(charge, base_url),
        "operation": views.operation(operation, state=charge.state),
        "dispute": views.dispute(dispute),
    }
    deps.sender.emit(charge.account, event, data)


def pay_out(
    deps: Deps, *, account: str | None, before: float, mistakes: Mapping[str, int] | None = None
) -> list[dict[str, Any]]:
    """One payout per account and currency for all unpaid lines older than `before`."""
    with transaction(deps.conn):
        made = [
            _paid_out(deps, owner, currency, before)
            for owner, currency in settlements.unpaid(deps.conn, account=account, before=before)
        ]
        if mistakes:
            paid = settlements.of_payouts(deps.conn, made)
            changes = wrong_payouts.changes(paid, mistakes, mark=secrets.token_hex(4))
            settlements.change(deps.conn, changes)
        return [views.payout(row) for row in settlements.totals(deps.conn, made)]


def _paid_out(deps: Deps, account: str, currency: str, before: float) -> str:
    payout_id = flows.new_id("po")
    settlements.pay_out(
        deps.conn,
        account=account,
        currency=currency,
        before=before,
        payout_id=payout_id,
        available_on=clocks.moment(deps.conn, account).date().isoformat(),
    )
    return payout_id


def settlement_page(deps: Deps, account: str, *, after: int, limit: int) -> dict[str, Any]:
    _pay_out_past_days(deps, account)
    rows = settlements.page(deps.conn, account, after=after, limit=limit)
    return {
        "data": [views.settlement_line(row) for row in rows],
        "next_cursor": str(rows[-1]["line"]) if rows else str(after),
        "has_more": len(rows) == limit,
    }


def settlement_report(deps: Deps, account: str, dialect: str) -> str:
    """The lines of `settlement_page`, as a file."""
    _pay_out_past_days(deps, account)
    lines = [
        Line(f"stl_{number}", *rest)
        for number, *rest in settlements.report(deps.conn, account, most=MOST_REPORTED)
    ]
    return settlement_files.DIALECTS[dialect](lines, account=account)


def _pay_out_past_days(deps: Deps, account: str) -> None:
    """Lines of past days are paid out on request: one payout per day with a request."""
    midnight = clocks.moment(deps.conn, account).replace(hour=0, minute=0, second=0, microsecond=0)
    if settlements.unpaid(deps.conn, account=account, before=midnight.timestamp()):
        pay_out(deps, account=account, before=midnight.timestamp())
