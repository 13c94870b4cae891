"""What the outside sees of bank transfers, for answers and events alike, and their events."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from incasso.paylink.v1 import events_pb2, paylink_pb2
from libs import outbox, wire
from libs.db import Conn
from libs.outbox import NewEvent
from services.paylink.rules.states import TransferState
from services.paylink.rules.transfers import BankTransfer, MoveKind

TRANSFER: Final = "incasso.paylink.bank_transfer"
# What is told of a transfer, by the last part of its subject.
TRANSFER_MESSAGES: Final[Mapping[str, Any]] = {
    "recorded": events_pb2.BankTransferRecorded,
    "settled": events_pb2.BankTransferSettled,
    "given_back": events_pb2.BankTransferGivenBack,
}
TRANSFER_STATES: Final = {
    TransferState.UNMATCHED: paylink_pb2.BankTransfer.STATE_UNMATCHED,
    TransferState.LATE: paylink_pb2.BankTransfer.STATE_LATE,
    TransferState.GIVEN_BACK: paylink_pb2.BankTransfer.STATE_GIVEN_BACK,
    TransferState.MATCHED: paylink_pb2.BankTransfer.STATE_MATCHED,
    TransferState.PARTIAL: paylink_pb2.BankTransfer.STATE_PARTIAL,
    TransferState.SURPLUS: paylink_pb2.BankTransfer.STATE_SURPLUS,
}
_MOVE_KINDS: Final = {
    MoveKind.MATCHED: paylink_pb2.BankTransferMove.KIND_MATCHED,
    MoveKind.SETTLED: paylink_pb2.BankTransferMove.KIND_SETTLED,
    MoveKind.TAKEN_BACK: paylink_pb2.BankTransferMove.KIND_TAKEN_BACK,
    MoveKind.GIVEN_BACK: paylink_pb2.BankTransferMove.KIND_GIVEN_BACK,
}
_APPEND: Final = outbox.insert_sql(1) + "true"


def transfer_pb(transfer: BankTransfer) -> paylink_pb2.BankTransfer:
    return paylink_pb2.BankTransfer(
        id=transfer.id,
        state=TRANSFER_STATES[transfer.state],
        bank_reference=transfer.bank_reference,
        amount=wire.money(transfer.amount),
        creditor_reference=transfer.creditor_reference,
        payment_link_id=transfer.link_id,
        candidates=transfer.candidates,
        surplus_minor=transfer.surplus_minor,
        open_minor=transfer.open_minor,
        booked_on=transfer.booked_on,
        moves=[
            paylink_pb2.BankTransferMove(
                kind=_MOVE_KINDS[move.kind],
                amount_minor=move.amount_minor,
                payment_link_id=move.link_id,
                made_by=move.made_by,
                note=move.note,
                made_at=wire.timestamp(move.made_at),
            )
            for move in transfer.moves
        ],
        created_at=wire.timestamp(transfer.created_at),
    )


async def transfer_recorded(conn: Conn, transfer: BankTransfer, now: datetime) -> None:
    """Once when it is recorded; a waiting one again when its link's payment has its end."""
    await _tell(conn, transfer, "recorded", now)


async def transfer_settled(conn: Conn, transfer: BankTransfer, now: datetime) -> None:
    await _tell(conn, transfer, "settled", now)


async def transfer_given_back(conn: Conn, transfer: BankTransfer, now: datetime) -> None:
    await _tell(conn, transfer, "given_back", now)


async def _tell(conn: Conn, transfer: BankTransfer, verb: str, now: datetime) -> None:
    body = TRANSFER_MESSAGES[verb](bank_transfer=transfer_pb(transfer)).SerializeToString()
    told = NewEvent(transfer.merchant_id, transfer.id, f"{TRANSFER}.{verb}", body, now)
    await conn.execute(_APPEND, *outbox.insert_values([told]))
