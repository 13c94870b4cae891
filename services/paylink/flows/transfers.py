"""Bank transfers: announced by the shopper, taken back, and recorded when the money has arrived."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime

from libs import context, idempotency, ids, pages
from libs.db import Conn
from libs.errors import InternalError, invalid
from libs.idempotency import Key
from libs.money import Money
from services.paylink import events, paying, references
from services.paylink import transfers as rules
from services.paylink.deps import Deps
from services.paylink.domain import BankTransfer, Link, LinkPayment, Method
from services.paylink.errors import (
    BankTransferDiffers,
    MethodNotOffered,
    PaymentLinkClosed,
    PaymentLinkPaying,
)
from services.paylink.flows.ending import end_payment, settle_transfer
from services.paylink.flows.links import locked
from services.paylink.flows.pay import begin
from services.paylink.states import (
    PAYMENT_INITIAL,
    TRANSFER_INITIAL,
    LinkState,
    PaymentEvent,
    TransferState,
)
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

    Payers of a reusable link just pay: nobody could tell whose transfer it is that arrives.
    """
    now = deps.clock.now()
    async with deps.db.transaction() as tx:
        link = await locked(tx, opened.id)
        if link.paying_by is Method.BANK_TRANSFER:
            return (await payments.processing(tx, link))[0]
        paying.check_payable(link, Method.BANK_TRANSFER, now)
        if link.reusable:
            raise MethodNotOffered
        payment = LinkPayment(
            id=ids.new("lpy"),
            merchant_id=link.merchant_id,
            link_id=link.id,
            reusable=False,
            state=PAYMENT_INITIAL,
            method=Method.BANK_TRANSFER,
            amount=link.due,
            created_at=now,
        )
        await begin(tx, link, payment, now)
    return payment


async def withdraw_bank_transfer(deps: Deps, opened: Link) -> None:
    """Open again for other ways of paying. Without an announcement there is nothing to do."""
    now = deps.clock.now()
    async with deps.db.transaction() as tx:
        link = await locked(tx, opened.id)
        if link.open:
            return
        if link.state is not LinkState.PAYING:
            raise PaymentLinkClosed
        if link.paying_by is not Method.BANK_TRANSFER:
            raise PaymentLinkPaying
        for payment in await payments.processing(tx, link):
            await end_payment(tx, link, payment, PaymentEvent.CANCEL, now)


async def record_bank_transfer(deps: Deps, cmd: RecordBankTransfer, key: Key | None) -> bytes:
    """Answers the BankTransfer message, the same for the same key and for the same booking."""
    _check_day(cmd.booked_on)
    named = references.found_in(cmd.creditor_reference or "")
    now = deps.clock.now()
    async with deps.db.transaction() as tx:
        transfer = _new(cmd, context.merchant_id(), now)
        claim = await idempotency.claim(tx, key, transfer.id)
        if claim.answer is not None:
            return claim.answer
        link = await links.lock_by_reference(tx, transfer.merchant_id, named) if named else None
        if link is not None:
            transfer = replace(transfer, link_id=link.id, waits=rules.must_wait(link))
        if await store.insert(tx, transfer):
            await _settle_or_wait(tx, link, transfer, now)
        stored = await store.by_bank_reference(tx, transfer.merchant_id, cmd.bank_reference)
        answer = events.transfer_pb(_same(stored, cmd)).SerializeToString()
        await idempotency.complete(tx, key, answer)
    return answer


async def _settle_or_wait(
    tx: Conn, link: Link | None, transfer: BankTransfer, now: datetime
) -> None:
    if link is None or transfer.waits:
        await events.transfer_recorded(tx, transfer, now)
    else:
        await settle_transfer(tx, link, transfer, now)


def _same(stored: BankTransfer | None, cmd: RecordBankTransfer) -> BankTransfer:
    """The recorded one, unless the bank's reference stands for another booking."""
    if stored is None:
        raise InternalError
    told = (cmd.amount, cmd.creditor_reference, cmd.booked_on)
    if (stored.amount, stored.creditor_reference, stored.booked_on) != told:
        raise BankTransferDiffers
    return stored


def _new(cmd: RecordBankTransfer, merchant_id: str, now: datetime) -> BankTransfer:
    return BankTransfer(
        id=ids.new("trf"),
        merchant_id=merchant_id,
        state=TRANSFER_INITIAL,
        bank_reference=cmd.bank_reference,
        amount=cmd.amount,
        creditor_reference=cmd.creditor_reference,
        link_id=None,
        surplus_minor=0,
        waits=False,
        booked_on=cmd.booked_on,
        created_at=now,
    )


def _check_day(booked_on: str) -> None:
    try:
        date.fromisoformat(booked_on)
    except ValueError as error:
        raise invalid("booked_on", "is not a day") from error


async def list_bank_transfers(
    deps: Deps, *, limit: int, cursor: str, state: TransferState | None
) -> tuple[Sequence[BankTransfer], str]:
    """A page, and the cursor of the next one."""
    page = pages.page_of(limit=limit, cursor=cursor, prefix="trf")
    async with deps.db.connection() as conn:
        rows = await store.page(conn, context.merchant_id(), page, state=state)
    return pages.cut(rows, page)
