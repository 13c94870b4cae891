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
_STATEMENT: Final = f"{BY_RULE}, counted from its import"
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
_OF_THE_REST: Final = "as that of months with a partition"
_STAGED: Final = dict.fromkeys(_OF_A_PAYER, "when the file is loaded")

KEPT: Final = Kept(
    {
        "entries": Table("journal entries: the books stay", plain=_ENTRY),
        "entries_rest": Table("those of months without a partition", plain=_ENTRY),
        "postings": Table("what entries move: the books stay", plain=_POSTING),
        "postings_rest": Table("those of months without a partition", plain=_POSTING),
        "balances": Table(
            "what was booked on an account on a day", plain="merchant_id account currency party"
        ),
        "merchant_zones": Table("in which zone merchants' days are", plain="merchant_id time_zone"),
        "periods": Table("closed months, and who closed them", plain="merchant_id closed_by"),
        "late_entries": Table(
            "where entries of closed months are booked", plain="merchant_id entry_id"
        ),
        "imports": Table(
            "files of banks and PSPs that were imported or refused",
            plain="merchant_id id state source psp_account format version name content_hash totals"
            " refused_reason created_by trace_id",
        ),
        "imports_under_way": Table(
            "how far imports are, until they end", plain="merchant_id content_hash"
        ),
        "statements": Table(
            "statements of bank accounts",
            plain="merchant_id id account currency reference number import_id",
        ),
        "bank_lines": Table("what was booked on bank accounts", _BANK_LINE, _OF_A_PAYER),
        "bank_lines_rest": Table(
            "those of months without a partition",
            _BANK_LINE,
            dict.fromkeys(_OF_A_PAYER, _OF_THE_REST),
        ),
        "settlement_lines": Table(
            "what PSPs and couriers settled", _SETTLEMENT_LINE, _OF_A_SHOPPER
        ),
        "settlement_lines_rest": Table(
            "those of months without a partition",
            _SETTLEMENT_LINE,
            dict.fromkeys(_OF_A_SHOPPER, _OF_THE_REST),
        ),
        "staged_bank_lines": Table("lines of a file while it is loaded", _BANK_LINE, _STAGED),
        "staged_settlement_lines": Table(
            "lines of a file while it is loaded",
            _SETTLEMENT_LINE,
            dict.fromkeys(_OF_A_SHOPPER, "when the file is loaded"),
        ),
        "link_transfers": Table(
            "credits that paylink is told of, and what it made of them",
            plain="merchant_id id state bank_reference currency bank_transfer_id outcome payment_link_id",
            personal={"text": "when paylink has answered"},
        ),
        "open_items": Table(
            "what has to be matched",
            plain="merchant_id stage side id kind party currency operation_reference payment_reference"
            " order_reference payment_id trace_id",
        ),
        "payouts": Table(
            "what each payout was expected to bring",
            plain="merchant_id id party payout_reference currency",
        ),
        "matches": Table(
            "what was matched",
            plain="merchant_id id stage rule ours_id theirs_id kind party currency payment_id order_reference"
            " trace_id matched_by",
        ),
        "clearings": Table(
            "what reconciliation moves between accounts: the books stay",
            plain="merchant_id id kind currency moves payment_id order_reference trace_id",
        ),
        "exceptions": Table(
            "what does not match, and what was made of it: finance writes no names of shoppers",
            plain="merchant_id id type state stage item_id ours_id theirs_id party currency suggestions"
            " payment_id order_reference trace_id owner resolved_as resolution resolved_by",
        ),
        "sources": Table(
            "terms of PSP accounts and couriers", plain="merchant_id party acquirer tax_code"
        ),
        "audit_records": Table(
            "who changed what in the reconciliation: a record that was removed breaks the chain",
            plain="merchant_id id action subject_id actor before after trace_id previous_hash hash",
        ),
        "report_runs": Table(
            "files of reports that were requested, and their progress",
            plain="merchant_id id state report format currency failed_reason schedule_id created_by trace_id",
        ),
        "report_pieces": Table(
            "the files, which name orders and no shoppers", plain="merchant_id run_id data"
        ),
        "report_schedules": Table(
            "which reports are made regularly, and who gets them",
            plain="merchant_id id state report format currency every created_by",
            personal={
                "emails": "stay as long as the schedule: addresses of the merchant's own people"
            },
        ),
        "order_payments": Table(
            "what payments brought, for KPIs", plain="merchant_id order_key id method currency"
        ),
        "paid_orders": Table(
            "orders and what was paid for them, for KPIs",
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
            "whose orders name no customer any more", plain="merchant_id customer_id"
        ),
        "funnels": Table(
            "how far sessions, links, plans and orders got", plain="merchant_id method id currency"
        ),
        "funnel_days": Table("how many of a day got how far", plain="merchant_id currency method"),
        "recovery_carts": Table("carts for which a link was sent", plain="merchant_id id currency"),
        "retention_spends": Table(
            "what merchants spent to keep customers", plain="merchant_id currency"
        ),
        "feeds": Table(
            "up to where PSPs' lists of settlements were pulled",
            plain="merchant_id id party cursor",
        ),
        "survey_settings": Table("whether shoppers are asked after paying", plain="merchant_id"),
        "surveys": Table("for what a survey was offered", plain="merchant_id id locale"),
        "survey_addresses": Table(
            "addresses of surveys' pages",
            plain="merchant_id survey_id",
            secret={"token_hash": f"{WITH_ROW}: a hash of random bits"},
        ),
        "survey_answers": Table(
            "answers to surveys, of payments and not of people",
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
                "nobody can ask for the money back any more; the books need amounts and references",
                where=f"({' OR '.join(f'{column} IS NOT NULL' for column in columns)})",
                clear=dict.fromkeys(columns, "NULL"),
                key=f"merchant_id, id, {day}",
            )
            for table, columns, day in (
                ("bank_lines", _OF_A_PAYER, "booked_on"),
                ("settlement_lines", _OF_A_SHOPPER, "happened_on"),
            )
        ),
        Rule("surveys", "expires_at", timedelta(days=1), "it cannot be answered any more"),
        Rule(
            "report_runs",
            "created_at",
            FILES_KEPT,
            "a report can be made again",
            where="state = 'done'",
            clear={"state": "'expired'"},
        ),
        Rule("report_pieces", "created_at", FILES_KEPT, "a report can be made again"),
    ),
)
