"""What payments keeps: the record of the money stays, even when its customer is erased."""

from datetime import timedelta
from typing import Final

from libs.retention import BY_RULE, ERASED, WITH_ROW, Kept, Rule, Table

AUDIT: Final = "never: it proves who decided"
SPENT: Final = "when the authorisation has an outcome: no attempt needs it any more"

KEPT: Final = Kept(
    {
        "psp_accounts": Table(
            "accounts at PSPs, by the name of their credentials",
            plain="merchant_id id name psp credentials tra_band",
        ),
        "routings": Table("which account is tried first", plain="merchant_id rules"),
        "payment_policies": Table(
            "merchants' policies for payments", plain="merchant_id duplicate_orders"
        ),
        "payments": Table(
            "amounts, states and references are kept",
            plain="merchant_id id state currency capture order_reference method initiator customer_id"
            " instrument_id brand last4 mandate_reference exemption psp_account_id psp_account psp_reference"
            " decline trace_id traceparent actor order_part duplicate_of caller caller_key listed_state",
            personal={
                "description": ERASED,
                "metadata": ERASED,
                "return_url": ERASED,
                "velocity_subjects": "when the attempt ends",
                "next_action_url": "when the challenge ends",
            },
            secret={"candidates": SPENT},
        ),
        "attempts": Table(
            "every call to a PSP, with its outcome",
            plain="merchant_id id payment_id kind state psp_account_id exemption psp_reference"
            " decline charge_reference undoes caller_key",
            personal={"reason": ERASED},  # of a refund, in the merchant's words
            secret={"token": SPENT, "psp_customer": SPENT},
        ),
        "decline_counters": Table(
            "declines per link, session, customer or hashed address",
            plain="merchant_id",
            personal={"subject": BY_RULE},
        ),
        "disputes": Table(
            "disputes",
            plain="merchant_id id payment_id state currency reason psp_account_id psp_reference",
        ),
        "operator_actions": Table(
            "the audit log of what operators settled by hand",
            plain="merchant_id id payment_id attempt_id outcome trace_id",
            personal={"operator": AUDIT, "note": AUDIT},
        ),
        "erasures": Table("customers who are being erased", plain="merchant_id customer_id"),
        "psp_events": Table(
            "events from PSPs, to recognise redeliveries",
            plain="merchant_id psp_account_id psp_event_id",
            personal={"body": WITH_ROW},
        ),
    },
    (
        Rule(
            "decline_counters",
            "window_ends_at",
            timedelta(days=1),
            "the window has ended",
            where="under_way <= 0",
        ),
        Rule(
            "psp_events",
            "received_at",
            timedelta(days=90),
            "PSPs redeliver for a month at most; later duplicates change nothing",
        ),
    ),
)
