"""Bank files for cash refunds: their contents and results. Pure.

transfer_files.py writes them.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Final

from libs import working_days
from libs.errors import invalid
from libs.money import Money
from services.cod.rules import sepa, texts
from services.cod.rules.orders import Address, Order
from services.cod.rules.refund_accounts import RefundAccount
from services.cod.rules.refunds import Refund, RefundState
from services.cod.rules.settings import DebtorAccount
from services.cod.rules.transfer_files import Party, PostalAddress, Transfer

MOST: Final = 500  # refunds per file
LATEST: Final = timedelta(days=90)


@dataclass(frozen=True, slots=True, kw_only=True)
class RefundExport:
    """`refunds`: their number, `amount`: their total, `states`: number by current state, without
    those in a later file.
    """

    merchant_id: str
    id: str
    refunds: int
    amount: Money
    execution_on: date
    trace_id: str
    created_by: str
    created_at: datetime
    states: Mapping[str, int] = field(default_factory=dict)


def execution_day(asked: date | None, today: date) -> date:
    """The requested day, or the next banking day. Raises InvalidArgument."""
    if asked is None:
        return working_days.working_day(today, "IT")
    if not today <= asked <= today + LATEST:
        raise invalid("execution_on", f"must be within {LATEST.days} days from {today}")
    return asked


def sum_of(taken: Sequence[Refund]) -> Money:
    return Money(sum(refund.amount.amount_minor for refund in taken), sepa.CURRENCY)


def message_id(export_id: str) -> str:
    return _compact(export_id)


def debtor(account: DebtorAccount) -> Party:
    return Party(account.holder, account.iban, account.address, account.bic)


def transfer(refund: Refund, order: Order, account: RefundAccount) -> Transfer:
    """The transfer for a refund; the address is its order's, as far as it is known."""
    reference = _compact(refund.id)
    return Transfer(
        reference=reference,
        instruction=f"{reference}-{refund.exports}",
        to=Party(account.holder, account.iban, _address(order.address)),
        amount_minor=refund.amount.amount_minor,
        purpose=texts.refund_purpose(refund.order_reference, order.locale),
    )


def _address(known: Address) -> PostalAddress | None:
    if known.town is None:  # deleted
        return None
    return PostalAddress(known.town, known.country, street=known.street, postcode=known.postcode)


def exported(known: Mapping[str, Refund], export_id: str) -> Sequence[Refund]:
    """Refunds of a file without a result from the bank."""
    return [
        refund
        for refund in known.values()
        if refund.state is RefundState.EXPORTED and refund.export_id == export_id
    ]


def _compact(identifier: str) -> str:
    """Without characters that SEPA does not have; at most 35."""
    return identifier.replace("_", "")
