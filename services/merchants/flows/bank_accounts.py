"""The account for transfers: a change is requested, waits, and takes effect or is cancelled."""

from dataclasses import replace
from datetime import datetime

from libs import context, ids
from libs.db import Conn
from libs.idempotency import Key
from services.merchants import events
from services.merchants.deps import Deps
from services.merchants.errors import NoBankAccountChange
from services.merchants.flows.merchants import changed_once, locked
from services.merchants.rules import bank_accounts
from services.merchants.rules.bank_accounts import BankAccount, BankAccountChange, ChangeEvent
from services.merchants.rules.domain import Merchant
from services.merchants.store import bank_accounts as change_store
from services.merchants.store import merchants as merchant_store

OURSELVES = "merchants"  # the actor when a change takes effect


async def change_bank_account(deps: Deps, account: BankAccount, key: Key | None) -> Merchant:
    """The merchant with the pending change, or with the account itself if it is the first.

    Requesting the account in force cancels a pending change; repeating a pending one keeps it
    waiting.
    """

    async def change(tx: Conn, merchant_id: str) -> None:
        merchant = await locked(tx, merchant_id)
        pending, now = merchant.pending_bank_account, _now(deps, merchant)
        if pending is not None and pending.account == account:
            return
        again = account == merchant.bank_account
        if pending is not None:
            event = ChangeEvent.CANCEL if again else ChangeEvent.REPLACE
            merchant = await _stop(tx, deps, merchant, event)
        if not again:
            asked = BankAccountChange(
                id=ids.new("bac"),
                merchant_id=merchant.id,
                account=account,
                requested_by=context.current().actor,
                requested_at=now,
                effective_at=bank_accounts.effective_at(merchant.bank_account, now),
            )
            await _begin(tx, deps, merchant, asked)

    return await changed_once(deps, key, change)


async def cancel_bank_account_change(deps: Deps, key: Key | None) -> Merchant:
    """The merchant without a pending change. Raises NoBankAccountChange."""

    async def cancel(tx: Conn, merchant_id: str) -> None:
        merchant = await locked(tx, merchant_id)
        if merchant.pending_bank_account is None:
            raise NoBankAccountChange
        await _stop(tx, deps, merchant, ChangeEvent.CANCEL)

    return await changed_once(deps, key, cancel)


async def take_effect(deps: Deps, due: BankAccountChange) -> None:
    """Puts a due change into force, unless it has ended meanwhile."""
    async with deps.db.transaction() as tx:
        merchant = await locked(tx, due.merchant_id)
        pending = merchant.pending_bank_account
        if pending and pending.id == due.id and pending.effective_at <= _now(deps, merchant):
            await _take_effect(tx, deps, merchant, pending)


async def _begin(tx: Conn, deps: Deps, merchant: Merchant, change: BankAccountChange) -> None:
    await change_store.insert(tx, change)
    asked = replace(merchant, pending_bank_account=change)
    if change.effective_at <= _now(deps, merchant):
        await _take_effect(tx, deps, asked, change)
    else:
        await events.bank_account_change_requested(tx, asked, change, at=deps.now())


async def _take_effect(tx: Conn, deps: Deps, merchant: Merchant, change: BankAccountChange) -> None:
    event, now = ChangeEvent.TAKE_EFFECT, _now(deps, merchant)
    await change_store.end(tx, change, bank_accounts.end(change, event, by=OURSELVES, now=now))
    changed = replace(merchant, bank_account=change.account, pending_bank_account=None)
    await merchant_store.save_merchant(tx, changed)
    await events.merchant_updated(tx, changed, at=deps.now())
    await events.bank_account_changed(tx, changed, change, at=deps.now())


async def _stop(tx: Conn, deps: Deps, merchant: Merchant, event: ChangeEvent) -> Merchant:
    change, by = merchant.pending_bank_account, context.current().actor
    assert change is not None  # it is pending
    ended = bank_accounts.end(change, event, by=by, now=_now(deps, merchant))
    await change_store.end(tx, change, ended)
    left = replace(merchant, pending_bank_account=None)
    await events.bank_account_change_cancelled(tx, left, change, at=deps.now())
    return left


def _now(deps: Deps, merchant: Merchant) -> datetime:
    """By the merchant's clock: a test merchant need not wait."""
    return deps.now() + merchant.clock_offset
