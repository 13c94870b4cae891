"""Bank transfers: announced by the shopper, withdrawn, and recorded when the money has arrived."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime

from google.protobuf.message import Message

from libs import context, creditor_references, idempotency, ids
from libs.dataclass_copies import copy_as
from libs.db import Conn
from libs.errors import InternalError, invalid
from libs.idempotency import Key
from libs.money import Money
from libs.payments.answer import Outcome
from services.paylink import errors, events
from services.paylink.deps import Deps
from services.paylink.flows.links import locked
from services.paylink.flows.outcomes import end_payment, settle_transfer, use_transfer
from services.paylink.flows.pay import begin
from services.paylink.rules import paying
from services.paylink.rules import transfers as rules
from services.paylink.rules.domain import Link, LinkPayment, Method
from services.paylink.rules.states import (
    TRANSFER_INITIAL,
    LinkState,
)
from services.paylink.rules.transfers import BankTransfer
from services.paylink.store import links, payments
from services.paylink.store import transfers as store


@dataclass(frozen=True, slots=True)
class RecordBankTransfer:
    bank_reference: str
    amount: Money
    creditor_reference: str | None
    booked_on: str


async def announce_bank_transfer(deps: Deps, opened: Link) -> LinkPayment:
    """The link waits for the money. Announcing again changes nothing.

    Payers of a reusable link cannot announce: it would not be clear whose transfer has arrived.
    """
    now = deps.clock.now()
    async with deps.db.transaction() as tx:
        link = await locked(tx, opened.id)
        if link.paying_by is Method.BANK_TRANSFER:
            return (await payments.processing(tx, link))[0]
        paying.check_payable(link, Method.BANK_TRANSFER, now)
        if link.reusable:
            raise errors.MethodNotOffered
        payment = paying.begun(link, ids.new("lpy"), Method.BANK_TRANSFER, now)
        await begin(tx, link, payment, now)
    return payment


async def withdraw_bank_transfer(deps: Deps, opened: Link) -> None:
    """Reopens the link for other payment methods. Without an announcement there is nothing to
    do.
    """
    now = deps.clock.now()
    async with deps.db.transaction() as tx:
        link = await locked(tx, opened.id)
        if link.open:
            return
        if link.state is not LinkState.PAYING:
            raise errors.PaymentLinkClosed
        if link.paying_by is not Method.BANK_TRANSFER:
            raise errors.PaymentLinkPaying
        for payment in await payments.processing(tx, link):
            await end_payment(tx, link, payment, Outcome.CANCEL, now)


async def record_bank_transfer(deps: Deps, cmd: RecordBankTransfer, key: Key | None) -> bytes:
    """Returns the BankTransfer message, the same for the same key and for the same booking."""
    _check_day(cmd.booked_on)
    named, misspelt = creditor_references.found_in(cmd.creditor_reference or "")
    now = deps.clock.now()

    async def record(tx: Conn, transfer_id: str) -> Message:
        transfer = _new(cmd, transfer_id, context.merchant_id(), now)
        wanted = [*named, *misspelt]
        found = await links.lock_all(tx, transfer.merchant_id, references=wanted) if wanted else ()
        certain = [link for link in found if link.creditor_reference in named]
        if len(certain) == 1:
            await _record_for(tx, certain[0], transfer, now)
        else:
            await _record_for_several(tx, found, certain, transfer, now)
        recorded = _same(await store.of_booking(tx, transfer), cmd)
        if recorded.id != transfer_id:
            await idempotency.reassign(tx, key, recorded.id)
        return events.transfer_pb(recorded)

    return (await idempotency.once(deps.db, key, ids.new("trf"), record)).body


async def _record_for(tx: Conn, link: Link, transfer: BankTransfer, now: datetime) -> None:
    """Records a transfer whose text names one link."""
    named = replace(transfer, link_id=link.id, waits=rules.must_wait(link))
    if not await store.insert(tx, named):
        return
    if named.waits:
        await links.touch(tx, link)  # the payment in progress looks for it when it ends
        await events.append_transfer_event(tx, named, "recorded", now)
    else:
        await settle_transfer(tx, link, named, now)


async def _record_for_several(
    tx: Conn, found: Sequence[Link], certain: Sequence[Link], transfer: BankTransfer, now: datetime
) -> None:
    """Records a transfer whose text names no link or several: the amount decides, or a person."""
    reserved = await payments.count_processing(
        tx, transfer.merchant_id, [link.id for link in certain]
    )
    chosen = rules.chosen(certain, transfer.amount, reserved)
    doubtful = () if chosen else tuple(link.id for link in found)
    current = replace(transfer, candidates=doubtful)
    if not await store.insert(tx, current):
        return
    for link in chosen:
        under_way = await payments.processing(tx, link)
        allocation = rules.used(link, current)
        _, current = await use_transfer(tx, link, current, allocation, under_way=under_way, now=now)
    await events.append_transfer_event(tx, current, "recorded", now)


def _same(stored: BankTransfer | None, cmd: RecordBankTransfer) -> BankTransfer:
    """The recorded transfer, unless the bank's reference belongs to another booking.

    Texts are not compared: their spelling varies from one statement to the next.
    """
    if stored is None:
        raise InternalError
    if (stored.amount, stored.booked_on) != (cmd.amount, cmd.booked_on):
        raise errors.BankTransferDiffers
    return stored


def _new(
    cmd: RecordBankTransfer, transfer_id: str, merchant_id: str, now: datetime
) -> BankTransfer:
    return copy_as(
        BankTransfer,
        cmd,
        id=transfer_id,
        merchant_id=merchant_id,
        state=TRANSFER_INITIAL,
        booking=rules.booking(cmd.bank_reference),
        created_at=now,
    )


def _check_day(booked_on: str) -> None:
    try:
        date.fromisoformat(booked_on)
    except ValueError as error:
        raise invalid("booked_on", "is not a date") from error
