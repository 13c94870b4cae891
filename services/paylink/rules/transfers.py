"""Bank transfers, and their effect on links that they name or are assigned to. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import Enum
from itertools import combinations
from typing import Final

from libs.money import Money, exponent
from services.paylink import errors
from services.paylink.rules.domain import BankAccount, Link, Method
from services.paylink.rules.states import (
    TRANSFER_TRANSITIONS,
    LinkState,
    TransferEvent,
    TransferState,
)

EPC_CURRENCY: Final = "EUR"
EPC_LARGEST_MINOR: Final = 99_999_999_999
EPC_LARGEST_BYTES: Final = 331
EPC_LONGEST_NAME: Final = 70
MOST_SUMMED: Final = 8  # links that one transfer may pay together
MOST_MOVES: Final = 20  # per transfer, to links and back
_ENDED: Final = (LinkState.EXPIRED, LinkState.CANCELLED)


class MoveKind(Enum):
    """Where a transfer's money went."""

    MATCHED = "matched"  # to the link that it names, automatically
    SETTLED = "settled"  # to a link, by a person
    TAKEN_BACK = "taken_back"  # from that link, by a person
    GIVEN_BACK = "given_back"  # to the payer, by a person, outside Incasso


@dataclass(frozen=True, slots=True, kw_only=True)
class TransferMove:
    """A movement of a transfer's money, for the audit: who, when, how much. No link: to the payer.

    `plan_id`: the plan that the link pays a part of.
    """

    id: str
    kind: MoveKind
    amount_minor: int
    link_id: str | None
    plan_id: str | None = None
    made_by: str
    note: str | None
    made_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class BankTransfer:
    """Money that arrived. `waits`: its link is being paid in another way, whose outcome decides
    what the transfer is for.

    `booking` is the bank's reference in its normal form. `candidates`: links that the text may
    mean, for a person to choose from.
    """

    id: str
    merchant_id: str
    state: TransferState
    bank_reference: str
    booking: str
    amount: Money
    creditor_reference: str | None
    link_id: str | None = None
    candidates: tuple[str, ...] = ()
    surplus_minor: int = 0
    waits: bool = False
    booked_on: str
    moves: tuple[TransferMove, ...] = ()
    created_at: datetime

    @property
    def open_minor(self) -> int:
        """Neither used by a link nor returned."""
        if self.state in (TransferState.UNMATCHED, TransferState.LATE):
            return self.amount.amount_minor
        return self.surplus_minor


@dataclass(frozen=True, slots=True)
class Allocation:
    """`uses_minor` of the transfer go to the link; `pays`: this pays the link, or one use."""

    transfer: BankTransfer
    uses_minor: int
    pays: bool


def booking(bank_reference: str) -> str:
    """The normal form for comparing bank references: one booking however it is spelled."""
    return "".join(bank_reference.upper().split())


def must_wait(link: Link) -> bool:
    """While a card payment or a plan is in progress, it is not known whether the transfer pays
    twice.
    """
    return link.state is LinkState.PAYING and link.paying_by is not Method.BANK_TRANSFER


def chosen(links: Sequence[Link], amount: Money, reserved: Mapping[str, int]) -> Sequence[Link]:
    """Which of several links named in a text the money is for; none: a person has to decide.

    The only one that asks for this amount, otherwise the only ones that ask for it together.
    `reserved`: payments in progress, by link.
    """
    takers = [
        link
        for link in links
        if link.amount.currency == amount.currency and _takes(link, reserved.get(link.id, 0))
    ]
    exact = [link for link in takers if link.due_minor == amount.amount_minor]
    if exact or len(takers) > MOST_SUMMED:
        return exact if len(exact) == 1 else ()
    sums = [
        several
        for size in range(2, len(takers) + 1)
        for several in combinations(takers, size)
        if sum(link.due_minor for link in several) == amount.amount_minor
    ]
    return sums[0] if len(sums) == 1 else ()


def allocate(link: Link, transfer: BankTransfer, *, reserved: int) -> Allocation:
    """Allocates a transfer to the one link that it names. `reserved`: payments in progress on it.

    Money that arrives after the end waits for a person, unless it is the rest of an earlier part.
    """
    arrived, ended = transfer.open_minor, link.state in _ENDED
    if transfer.amount.currency != link.amount.currency or _used_up(link, reserved):
        return _kept(transfer, TransferEvent.EXCEED, arrived)
    if ended and not _is_the_rest(link, arrived):
        return _kept(transfer, TransferEvent.COME_LATE, 0)
    if link.reusable and arrived < link.due_minor:  # unclear whose part it is
        return _kept(transfer, TransferEvent.EXCEED, arrived)
    return used(link, transfer)


def given(link: Link, transfer: BankTransfer, *, reserved: int) -> Allocation:
    """Allocates a transfer that a person assigns to a link, which is open or has ended unpaid.

    Raises BankTransferSpent, BankTransferDoesNotFit, BankTransferMovedTooOften, PaymentLinkPaid,
    PaymentLinkPaying.
    """
    check_open(transfer)
    if len(transfer.moves) >= MOST_MOVES:
        raise errors.BankTransferMovedTooOften
    if must_wait(link):
        raise errors.PaymentLinkPaying
    if _used_up(link, reserved):
        raise errors.PaymentLinkPaid
    part_of_a_use = link.reusable and transfer.open_minor < link.due_minor
    if transfer.amount.currency != link.amount.currency or part_of_a_use:
        raise errors.BankTransferDoesNotFit
    return used(link, transfer)


def used(link: Link, transfer: BankTransfer) -> Allocation:
    """The link gets as much of it as is due."""
    arrived, due = transfer.open_minor, link.due_minor
    if arrived < due:
        part = replace(_moved(transfer, TransferEvent.PAY_PART), surplus_minor=0)
        return Allocation(part, arrived, pays=False)
    event = TransferEvent.PAY_ALL if arrived == due else TransferEvent.EXCEED
    return Allocation(
        replace(_moved(transfer, event), surplus_minor=arrived - due), uses_minor=due, pays=True
    )


def taken_back(link: Link, transfer: BankTransfer) -> tuple[BankTransfer, int]:
    """Frees a part that was assigned to a link, and returns its amount.

    Raises PaymentLinkPaid, PaymentLinkPaying: a link that is paid, or being paid, counts on the
    part.
    """
    if link.state is LinkState.PAID:
        raise errors.PaymentLinkPaid
    if must_wait(link):
        raise errors.PaymentLinkPaying
    part_minor = transfer.moves[-1].amount_minor if transfer.moves else transfer.amount.amount_minor
    free = replace(_moved(transfer, TransferEvent.TAKE_BACK), surplus_minor=part_minor)
    return free, part_minor


def given_back(transfer: BankTransfer) -> BankTransfer:
    """Raises BankTransferSpent, PaymentLinkPaying."""
    check_open(transfer)
    return replace(_moved(transfer, TransferEvent.GIVE_BACK), surplus_minor=0)


def check_open(transfer: BankTransfer) -> None:
    """Whether any of its money can be assigned."""
    if transfer.waits:
        raise errors.PaymentLinkPaying
    if not transfer.open_minor:
        raise errors.BankTransferSpent


def _is_the_rest(link: Link, arrived_minor: int) -> bool:
    """Whether it completes a part that the link had received before its end."""
    partly_paid = link.state is LinkState.EXPIRED and not link.reusable and link.paid_minor > 0
    return partly_paid and arrived_minor == link.due_minor


def _used_up(link: Link, reserved: int) -> bool:
    if link.reusable and link.max_uses is not None and link.uses + reserved >= link.max_uses:
        return True
    return link.state is LinkState.PAID


def _takes(link: Link, reserved: int) -> bool:
    """Whether it accepts money from any sender."""
    announced = link.state is LinkState.PAYING and link.paying_by is Method.BANK_TRANSFER
    return not _used_up(link, reserved) and (link.open or announced)


def _moved(transfer: BankTransfer, event: TransferEvent) -> BankTransfer:
    return replace(transfer, state=TRANSFER_TRANSITIONS[transfer.state, event], waits=False)


def _kept(transfer: BankTransfer, event: TransferEvent, surplus_minor: int) -> Allocation:
    """None of it goes to the link."""
    kept = replace(_moved(transfer, event), surplus_minor=surplus_minor)
    return Allocation(kept, 0, pays=False)


def epc_payload(account: BankAccount, amount: Money, creditor_reference: str) -> str:
    """Text of the QR code that fills in the transfer in a banking app (EPC069-12, version 002).

    Empty for what the standard does not cover: other currencies, huge amounts.
    """
    if amount.currency != EPC_CURRENCY or not 1 <= amount.amount_minor <= EPC_LARGEST_MINOR:
        return ""
    holder = " ".join(account.holder.split())[:EPC_LONGEST_NAME]
    whole, cents = divmod(amount.amount_minor, 10 ** exponent(EPC_CURRENCY))
    payload = "\n".join(
        (
            "BCD",
            "002",
            "1",  # UTF-8
            "SCT",
            account.bic.replace(" ", ""),
            holder,
            account.iban.replace(" ", ""),
            f"EUR{whole}.{cents:02d}",
            "",  # purpose
            creditor_reference,  # and no text: the standard allows only one of them
        )
    )
    return payload if holder and len(payload.encode()) <= EPC_LARGEST_BYTES else ""
