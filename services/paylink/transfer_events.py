"""What the outside sees of bank transfers, for answers and events alike, and their events."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from incasso.paylink.v1 import events_pb2, paylink_pb2
from libs import outbox, wire
from libs.db import Conn
from libs.outbox import NewEvent
from services.paylink.rules.transfers import BankTransfer

TRANSFER: Final = "incasso.paylink.bank_transfer"
# What is told of a transfer, by the last part of its subject.
TRANSFER_MESSAGES: Final[Mapping[str, Any]] = {
    "recorded": events_pb2.BankTransferRecorded,
    "settled": events_pb2.BankTransferSettled,
    "given_back": events_pb2.BankTransferGivenBack,
}


def transfer_pb(transfer: BankTransfer) -> paylink_pb2.BankTransfer:
    return wire.message(
        paylink_pb2.BankTransfer,
        transfer,
        payment_link_id=transfer.link_id,
        open_minor=transfer.open_minor,
        moves=[
            wire.message(paylink_pb2.BankTransferMove, move, payment_link_id=move.link_id)
            for move in transfer.moves
        ],
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
    await outbox.tell(conn, told)
