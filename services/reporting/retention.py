"""What reporting keeps: the books, for as long as there are any. They name no person."""

from typing import Final

from libs.retention import Kept, Table

_ENTRY: Final = "merchant_id id kind currency resource_id payment_id order_reference trace_id"
_POSTING: Final = (
    "merchant_id entry_id debit_account debit_party credit_account credit_party currency"
)
KEPT: Final = Kept(
    {
        "entries": Table("journal entries: the books stay", plain=_ENTRY),
        "entries_rest": Table("those of months without a partition", plain=_ENTRY),
        "postings": Table("what entries move: the books stay", plain=_POSTING),
        "postings_rest": Table("those of months without a partition", plain=_POSTING),
        "balances": Table(
            "what was booked on an account on a day", plain="merchant_id account currency party"
        ),
        "periods": Table("closed months, and who closed them", plain="merchant_id closed_by"),
        "late_entries": Table(
            "where entries of closed months are booked", plain="merchant_id entry_id"
        ),
    }
)
