"""What reporting keeps: the books permanently, with the bank and PSP lines that they are based on."""

from datetime import timedelta
from typing import Final

from libs.retention import BY_RULE, ERASED, WITH_ROW, Kept, Rule, Table
from services.reporting.rules.report_runs import KEPT as FILES_KEPT

_ENTRY: Final = (
    "merchant_id id kind currency resource_id payment_id order_reference trace_id method dues"
)
_POSTING: Final = (
    "merchant_id entry_id debit_account debit_party credit_account credit_party currency"
)
# An account statement supports the books: both are kept equally long (ten years, art. 2220 of the
# Italian Codice civile), and are dropped with their month's partition.
# Payers' names and texts are useful until the money can no longer be claimed back (13 months, for
# direct debits and cards) and the year after has been closed; the amounts stay.
_PERSONAL: Final = timedelta(days=760)
_STATEMENT: Final = f"{BY_RULE}, counted from the import"
_BANK_LINE: Final = (
    "merchant_id id account currency part entry_id kind end_to_end_reference creditor_reference bank_reference"
    " batch_reference mandate_reference transaction_reference return_reason statement_id import_id"
)
_OF_A_PAYER: Final = dict.fromkeys(
    ("counterparty_name", "counterparty_account", "text"), _STATEMENT
)
_SETTLEMENT_LINE: Final = (
    "merchant_id id source party kind provider_kind provider_reference payment_reference operation_reference"
    " order_reference custom_reference currency payout_reference invoice_reference import_id event_id"
)
_OF_A_SHOPPER: Final = dict.fromkeys(("counterparty_name", "text"), _STATEMENT)
_OF_THE_REST: Final = "as in months with a partition"
_STAGED: Final = dict.fromkeys(_OF_A_PAYER, "when the file is loaded")

KEPT: Final = Kept(
    {
        "entries": Table("journal entries: the books are kept", plain=_ENTRY),
        "entries_rest": Table("the same, for months without a partition", plain=_ENTRY),
        "postings": Table("postings of entries: the books are kept", plain=_POSTING),
        "postings_rest": Table("the same, for months without a partition", plain=_POSTING),
        "balances": Table(
            "amounts booked per account and day", plain="merchant_id account currency party"
        ),
        "merchant_zones": Table("merchants' time zones", plain="merchant_id time_zone"),
        "periods": Table("closed months, and who closed them", plain="merchant_id closed_by"),
        "late_entries": Table(
            "entries of closed months, and when they are booked instead",
            plain="merchant_id entry_id",
        ),
        "imports": Table(
            "imported or refused files of banks and PSPs",
            plain="merchant_id id state source psp_account format version name content_hash totals"
            " refused_reason created_by trace_id",
        ),
        "imports_under_way": Table("progress of running imports", plain="merchant_id content_hash"),
        "statements": Table(
            "statements of bank accounts",
            plain="merchant_id id account currency reference number import_id",
        ),
        "bank_lines": Table("lines of bank statements", _BANK_LINE, _OF_A_PAYER),
        "bank_lines_rest": Table(
            "the same, for months without a partition",
            _BANK_LINE,
            dict.fromkeys(_OF_A_PAYER, _OF_THE_REST),
        ),
        "settlement_lines": Table(
            "lines of settlements by PSPs and couriers", _SETTLEMENT_LINE, _OF_A_SHOPPER
        ),
        "settlement_lines_rest": Table(
            "the same, for months without a partition",
            _SETTLEMENT_LINE,
            dict.fromkeys(_OF_A_SHOPPER, _OF_THE_REST),
        ),
        "staged_bank_lines": Table("lines of a file while it is loading", _BANK_LINE, _STAGED),
        "staged_settlement_lines": Table(
            "lines of a file while it is loading",
            _SETTLEMENT_LINE,
            dict.fromkeys(_OF_A_SHOPPER, "when the file is loaded"),
        ),
        "link_transfers": Table(
            "credits passed to paylink, and its answers",
            plain="merchant_id id state bank_reference currency bank_transfer_id outcome payment_link_id",
            personal={"text": "when paylink has answered"},
        ),
        "open_items": Table(
            "items to be matched",
            plain="merchant_id stage side id kind party currency operation_reference payment_reference"
            " order_reference payment_id trace_id",
        ),
        "payouts": Table(
            "the expected amount of each payout",
            plain="merchant_id id party payout_reference currency",
        ),
        "matches": Table(
            "matched items",
            plain="merchant_id id stage rule ours_id theirs_id kind party currency payment_id order_reference"
            " trace_id matched_by",
        ),
        "clearings": Table(
            "postings by reconciliation: the books are kept",
            plain="merchant_id id kind currency moves payment_id order_reference trace_id",
        ),
        "exceptions": Table(
            "mismatches and how they were resolved: finance enters no names of shoppers",
            plain="merchant_id id type state stage item_id ours_id theirs_id party currency suggestions"
            " payment_id order_reference trace_id owner resolved_as resolution resolved_by",
        ),
        "sources": Table(
            "terms of PSP accounts and couriers", plain="merchant_id party acquirer tax_code"
        ),
        "audit_records": Table(
            "who changed what in reconciliation: removing a record would break the hash chain",
            plain="merchant_id id action subject_id actor before after trace_id previous_hash hash",
        ),
        "report_runs": Table(
            "requested reports and their progress",
            plain="merchant_id id state report format currency failed_reason schedule_id created_by trace_id",
        ),
        "report_pieces": Table(
            "report files, which name orders but no shoppers", plain="merchant_id run_id data"
        ),
        "report_schedules": Table(
            "scheduled reports and their recipients",
            plain="merchant_id id state report format currency every created_by",
            personal={"emails": "with the schedule: addresses of the merchant's own staff"},
        ),
        "order_payments": Table(
            "amounts of payments, for KPIs", plain="merchant_id order_key id method currency"
        ),
        "paid_orders": Table(
            "orders and the amounts paid, for KPIs",
            plain="merchant_id order_key currency methods",
            personal={"customer_id": ERASED},
        ),
        "declined_orders": Table(
            "orders whose one-click payment was declined, for KPIs",
            plain="merchant_id order_key currency",
        ),
        "paying_customers": Table(
            "when and how customers first paid, for KPIs",
            plain="merchant_id first_method",
            personal={"customer_id": ERASED},
        ),
        "erased_customers": Table(
            "customers removed from their orders", plain="merchant_id customer_id"
        ),
        "funnels": Table(
            "how far sessions, links, plans and orders got", plain="merchant_id method id currency"
        ),
        "funnel_days": Table(
            "daily counts of how far they got", plain="merchant_id currency method"
        ),
        "recovery_carts": Table("carts for which a link was sent", plain="merchant_id id currency"),
        "retention_spends": Table(
            "merchants' spending on customer retention", plain="merchant_id currency"
        ),
        "feeds": Table(
            "cursors of the settlement feeds pulled from PSPs",
            plain="merchant_id id party cursor",
        ),
        "survey_settings": Table("whether shoppers are asked after paying", plain="merchant_id"),
        "surveys": Table("surveys offered after paying", plain="merchant_id id locale"),
        "survey_addresses": Table(
            "URLs of survey pages",
            plain="merchant_id survey_id",
            secret={"token_hash": f"{WITH_ROW}; a hash of random bits"},
        ),
        "survey_answers": Table(
            "survey answers, linked to payments and not to people",
            plain="merchant_id paid_id question",
        ),
        "reconciliations": Table("when each merchant is reconciled next", plain="merchant_id"),
    },
    (
        *(
            Rule(
                table,
                "created_at",
                _PERSONAL,
                "the money can no longer be claimed back; the books need only amounts and references",
                where=f"({' OR '.join(f'{column} IS NOT NULL' for column in columns)})",
                clear=dict.fromkeys(columns, "NULL"),
                key=f"merchant_id, id, {day}",
            )
            for table, columns, day in (
                ("bank_lines", _OF_A_PAYER, "booked_on"),
                ("settlement_lines", _OF_A_SHOPPER, "happened_on"),
            )
        ),
        Rule("surveys", "expires_at", timedelta(days=1), "it can no longer be answered"),
        Rule(
            "report_runs",
            "created_at",
            FILES_KEPT,
            "the report can be generated again",
            where="state = 'done'",
            clear={"state": "'expired'"},
        ),
        Rule("report_pieces", "created_at", FILES_KEPT, "the report can be generated again"),
    ),
)
