"""Manual handling of money that arrived: it is assigned to a link, or returned to its payer."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from google.protobuf.message import Message

from libs import context, idempotency
from libs.db import Conn
from libs.errors import required
from libs.idempotency import Key
from services.paylink import errors, events
from services.paylink.deps import Deps
from services.paylink.flows.outcomes import use_transfer, with_move
from services.paylink.rules import transfers as rules
from services.paylink.rules.domain import Link
from services.paylink.rules.states import TransferState
from services.paylink.rules.transfers import BankTransfer, MoveKind
from services.paylink.store import links, payments
from services.paylink.store import transfers as store
from services.paylink.store.transfers import TRANSFERS


async def settle_bank_transfer(
    deps: Deps, *, bank_transfer_id: str, payment_link_id: str, note: str | None, key: Key | None
) -> bytes:
    """Assigns the rest of a transfer to a link. Returns its message, the same for the same key."""
    now = deps.clock.now()

    async def settle(tx: Conn, _: str) -> Message:
        transfer, locked = await _locked(tx, bank_transfer_id, [payment_link_id])
        if payment_link_id not in locked:
            raise errors.PaymentLinkNotFound
        if transfer.state is TransferState.PARTIAL:
            if transfer.link_id == payment_link_id:
                raise errors.BankTransferSpent
            transfer = await _take_back(tx, transfer, locked, now)
        settled = (await _give(tx, locked[payment_link_id], transfer, now, note=note))[1]
        return events.transfer_pb(settled)

    return (await idempotency.once(deps.db, key, bank_transfer_id, settle)).body


async def give_back_bank_transfer(
    deps: Deps, *, bank_transfer_id: str, note: str, key: Key | None
) -> bytes:
    """Records that the rest was returned. Returns its message, as above."""
    now = deps.clock.now()

    async def give_back(tx: Conn, _: str) -> Message:
        transfer, locked = await _locked(tx, bank_transfer_id, [])
        if transfer.state is TransferState.PARTIAL:
            transfer = await _take_back(tx, transfer, locked, now)
        given_back = with_move(
            rules.given_back(transfer),
            MoveKind.GIVEN_BACK,
            transfer.open_minor,
            now,
            link=None,
            note=note,
        )
        await store.save(tx, transfer, given_back)
        await events.append_transfer_event(tx, given_back, "given_back", now)
        return events.transfer_pb(given_back)

    return (await idempotency.once(deps.db, key, bank_transfer_id, give_back)).body


async def count_late(tx: Conn, link: Link, now: datetime) -> Link:
    """Before an ended link asks again, counts the money that arrived after its end, so that it asks
    only for the rest.

    Raises MoneyArrivedLate if there is no rest: a person has to decide whether that settles it.
    """
    late = () if link.reusable else await store.late(tx, link)
    if sum(transfer.open_minor for transfer in late) >= link.due_minor:
        raise errors.MoneyArrivedLate
    for transfer in late:
        link, _ = await _give(tx, link, transfer, now, note=None)
    return link


async def _give(
    tx: Conn, link: Link, transfer: BankTransfer, now: datetime, *, note: str | None
) -> tuple[Link, BankTransfer]:
    under_way = await payments.processing(tx, link)
    allocation = rules.given(link, transfer, reserved=len(under_way))
    after, settled = await use_transfer(
        tx,
        link,
        transfer,
        allocation,
        under_way=under_way,
        now=now,
        kind=MoveKind.SETTLED,
        note=note,
    )
    await events.append_transfer_event(tx, settled, "settled", now)
    return after, settled


async def _locked(
    tx: Conn, transfer_id: str, link_ids: Sequence[str]
) -> tuple[BankTransfer, Mapping[str, Link]]:
    """Locks the transfer, these links and the one that it partly pays; links first, as always."""
    merchant_id = context.merchant_id()
    seen = required(await TRANSFERS.get(tx, merchant_id, transfer_id), errors.BankTransferNotFound)
    own = [seen.link_id] if seen.state is TransferState.PARTIAL and seen.link_id else []
    locked = await links.lock_all(tx, merchant_id, ids=[*link_ids, *own])
    transfer = await TRANSFERS.lock(tx, merchant_id, transfer_id)
    if transfer != seen:
        raise errors.BankTransferChanged
    return transfer, {link.id: link for link in locked}


async def _take_back(
    tx: Conn, transfer: BankTransfer, locked: Mapping[str, Link], now: datetime
) -> BankTransfer:
    """Takes a part back from its link, which is due that much more."""
    link = locked[transfer.link_id or ""]
    free, part_minor = rules.taken_back(link, transfer)
    free = with_move(free, MoveKind.TAKEN_BACK, part_minor, now, link=link, note=None)
    await store.save(tx, transfer, free)
    await links.save(tx, link, replace(link, paid_minor=link.paid_minor - part_minor))
    return free
