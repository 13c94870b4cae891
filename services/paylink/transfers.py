"""What a bank transfer means for the link that it names. Pure."""

from dataclasses import dataclass, replace
from typing import Final

from libs.money import Money, exponent
from services.paylink.domain import BankAccount, BankTransfer, Link, Method
from services.paylink.states import TRANSFER_TRANSITIONS, LinkState, TransferEvent

EPC_CURRENCY: Final = "EUR"
EPC_LARGEST_MINOR: Final = 99_999_999_999
EPC_LARGEST_BYTES: Final = 331
EPC_LONGEST_NAME: Final = 70


@dataclass(frozen=True, slots=True)
class Allocation:
    """`uses_minor` of the transfer go to the link; `pays`: the link, or one use, is paid by it."""

    transfer: BankTransfer
    uses_minor: int
    pays: bool


def must_wait(link: Link) -> bool:
    """While a card payment is under way nobody knows whether the transfer is one too many."""
    return link.state is LinkState.PAYING and link.paying_by is Method.CARD


def allocate(link: Link, transfer: BankTransfer, *, reserved: int) -> Allocation:
    """`reserved`: payments under way on a reusable link."""
    arrived = transfer.amount
    if arrived.currency != link.amount.currency or not _takes(link, reserved):
        return _surplus(transfer, arrived.amount_minor)
    due = link.due_minor
    if arrived.amount_minor < due:
        if link.reusable:  # nobody knows whose part it is
            return _surplus(transfer, arrived.amount_minor)
        return Allocation(
            _moved(transfer, TransferEvent.PAY_PART), arrived.amount_minor, pays=False
        )
    if arrived.amount_minor == due:
        return Allocation(_moved(transfer, TransferEvent.PAY_ALL), due, pays=True)
    return replace(_surplus(transfer, arrived.amount_minor - due), uses_minor=due, pays=True)


def _takes(link: Link, reserved: int) -> bool:
    if link.reusable and link.max_uses is not None and link.uses + reserved >= link.max_uses:
        return False
    return link.open or (link.state is LinkState.PAYING and link.paying_by is Method.BANK_TRANSFER)


def _moved(transfer: BankTransfer, event: TransferEvent) -> BankTransfer:
    return replace(transfer, state=TRANSFER_TRANSITIONS[transfer.state, event], waits=False)


def _surplus(transfer: BankTransfer, surplus_minor: int) -> Allocation:
    exceeding = replace(_moved(transfer, TransferEvent.EXCEED), surplus_minor=surplus_minor)
    return Allocation(exceeding, 0, pays=False)


def epc_payload(account: BankAccount, amount: Money, creditor_reference: str) -> str:
    """Text of the QR code by which a banking app fills in the transfer (EPC069-12, version 002).

    Empty for what the standard does not carry: other currencies, huge amounts.
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
            creditor_reference,  # and no text: one excludes the other
        )
    )
    return payload if holder and len(payload.encode()) <= EPC_LARGEST_BYTES else ""
