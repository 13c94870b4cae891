"""The account that transfers go to: a change is asked for, waits, and takes effect or is stopped."""

from dataclasses import dataclass, replace
from datetime import datetime

from libs import idempotency, ids
from libs.db import Conn
from services.merchants import events
from services.merchants.deps import Deps
from services.merchants.errors import MerchantNotFound, NoBankAccountChange
from services.merchants.rules import bank_accounts
from services.merchants.rules.bank_accounts import BankAccount, BankAccountChange, ChangeEvent
from services.merchants.rules.domain import Merchant
from services.merchants.store import bank_accounts as change_store
from services.merchants.store import merchants as merchant_store

OURSELVES = "merchants"  # who puts a change into force when its time has come


@dataclass(frozen=True, slots=True)
class ChangeBankAccount:
    merchant_id: str
    actor: str
    account: BankAccount
    once: idempotency.Key | None = None


async def change_bank_account(deps: Deps, cmd: ChangeBankAccount) -> Merchant:
    """The merchant with the change that waits; with the account itself when it is the first.

    The account in force stops what waits; what waits already goes on waiting.
    """
    async with deps.db.transaction() as tx:
        merchant = await _locked(tx, cmd.merchant_id)
        if not (await idempotency.claim(tx, cmd.once, merchant.id)).fresh:
            return merchant
        pending, now = merchant.pending_bank_account, _now(deps, merchant)
        if pending is None or pending.account != cmd.account:
            again = cmd.account == merchant.bank_account
            if pending is not None:
                event = ChangeEvent.CANCEL if again else ChangeEvent.REPLACE
                merchant = await _stop(tx, deps, merchant, event, by=cmd.actor)
            if not again:
                change = BankAccountChange(
                    id=ids.new("bac"),
                    merchant_id=merchant.id,
                    account=cmd.account,
                    requested_by=cmd.actor,
                    requested_at=now,
                    effective_at=bank_accounts.effective_at(merchant.bank_account, now),
                )
                merchant = await _begin(tx, deps, merchant, change)
        await idempotency.complete(tx, cmd.once, b"")
    return merchant


async def cancel_bank_account_change(
    deps: Deps, merchant_id: str, actor: str, once: idempotency.Key | None
) -> Merchant:
    """The merchant without a change that waits. Raises NoBankAccountChange."""
    async with deps.db.transaction() as tx:
        merchant = await _locked(tx, merchant_id)
        if not (await idempotency.claim(tx, once, merchant.id)).fresh:
            return merchant
        if merchant.pending_bank_account is None:
            raise NoBankAccountChange
        merchant = await _stop(tx, deps, merchant, ChangeEvent.CANCEL, by=actor)
        await idempotency.complete(tx, once, b"")
    return merchant


async def take_effect(deps: Deps, due: BankAccountChange) -> None:
    """Put a change into force whose time has come, unless it was ended meanwhile."""
    async with deps.db.transaction() as tx:
        merchant = await _locked(tx, due.merchant_id)
        pending = merchant.pending_bank_account
        if pending and pending.id == due.id and pending.effective_at <= _now(deps, merchant):
            await _take_effect(tx, deps, merchant, pending)


async def _begin(tx: Conn, deps: Deps, merchant: Merchant, change: BankAccountChange) -> Merchant:
    await change_store.insert(tx, change)
    asked = replace(merchant, pending_bank_account=change)
    if change.effective_at <= _now(deps, merchant):
        return await _take_effect(tx, deps, asked, change)
    await events.bank_account_change_requested(tx, asked, change, at=deps.now())
    return asked


async def _take_effect(
    tx: Conn, deps: Deps, merchant: Merchant, change: BankAccountChange
) -> Merchant:
    await _end(tx, deps, merchant, change, ChangeEvent.TAKE_EFFECT, by=OURSELVES)
    changed = replace(merchant, bank_account=change.account, pending_bank_account=None)
    await merchant_store.save_merchant(tx, changed)
    await events.merchant_updated(tx, changed, at=deps.now())
    await events.bank_account_changed(tx, changed, change, at=deps.now())
    return changed


async def _stop(
    tx: Conn, deps: Deps, merchant: Merchant, event: ChangeEvent, *, by: str
) -> Merchant:
    change = merchant.pending_bank_account
    if change is None:
        raise AssertionError("nothing waits")
    await _end(tx, deps, merchant, change, event, by=by)
    left = replace(merchant, pending_bank_account=None)
    await events.bank_account_change_cancelled(tx, left, change, at=deps.now())
    return left


async def _end(
    tx: Conn,
    deps: Deps,
    merchant: Merchant,
    change: BankAccountChange,
    event: ChangeEvent,
    *,
    by: str,
) -> None:
    ended = bank_accounts.end(change, event, by=by, now=_now(deps, merchant))
    await change_store.end(tx, change, ended)


async def _locked(tx: Conn, merchant_id: str) -> Merchant:
    merchant = await merchant_store.lock_merchant(tx, merchant_id)
    if merchant is None:
        raise MerchantNotFound
    return merchant


def _now(deps: Deps, merchant: Merchant) -> datetime:
    """By the merchant's clock: a test merchant need not wait."""
    return deps.now() + merchant.clock_offset
