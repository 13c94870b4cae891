"""What instalments keeps, and for how long."""

from datetime import timedelta
from typing import Final

from libs.retention import ERASED, Kept, Rule, Table

AUDIT: Final = "never: it proves who decided"

KEPT: Final = Kept(
    {
        "settings": Table(
            "a merchant's settings for instalments",
            plain="merchant_id jurisdiction seller_size lender_registration"
            " exposure_limit_currency time_zone creditor_address creditor_email creditor_phone"
            " supervisor redress",
        ),
        "terms": Table(
            "a merchant's terms for instalments: kept",
            plain="merchant_id id state name currency every_unit fees_borne_by categories"
            " excluded_categories segments remainder dunning financed_by partner metadata",
        ),
        "quotes": Table(
            "terms priced for an order",
            plain="merchant_id id terms_id order_reference currency locale priced offer",
        ),
        "plans": Table(
            "what a customer agreed to pay, and the proof",
            plain="merchant_id id state quote_id customer_id order_reference currency locale terms"
            " priced offer items time_zone instrument_id trace_id",
            personal={
                "return_url": ERASED,
                "metadata": ERASED,
                "acceptance": ERASED,
                "review": ERASED,
                "withdrawal": ERASED,
            },
        ),
        "instalments": Table(
            "the parts of plans", plain="merchant_id plan_id state payment_id advice"
        ),
        "collections": Table(
            "payments requested for parts",
            plain="merchant_id id plan_id state currency instrument_id payment_id covers decline refusal",
            personal={"next_action_url": "when its payment ends"},
            secret={"request": "when payments has answered"},
        ),
        "plan_refunds": Table(
            "refunds of the price of plans",
            plain="merchant_id id plan_id currency items actor trace_id",
            personal={"reason": ERASED},
        ),
        "repayments": Table(
            "refunds of the payments of plans",
            plain="merchant_id id plan_id refund_id payment_id state currency shares reference refusal",
        ),
        "plan_reminders": Table(
            "reminders due to customers of plans", plain="merchant_id id plan_id kind"
        ),
        "part_links": Table(
            "payment links requested for missed parts",
            plain="merchant_id id plan_id state currency description payment_link_id",
        ),
        "disputes": Table(
            "disputes of the payments of plans",
            plain="merchant_id id plan_id payment_id state currency reason shares",
        ),
        "reviews": Table(
            "the audit log of decisions on reviewed plans",
            plain="merchant_id id plan_id before after actor trace_id",
            personal={"reason": AUDIT, "decided_by": AUDIT},
        ),
        "plan_addresses": Table(
            "sealed URLs of plan pages",
            plain="merchant_id plan_id",
            secret={
                "token_hash": "never: a hash of random bits",
                "sealed": "never: needs the seal key to open",
            },
        ),
        "documents": Table(
            "given to the customer before acceptance and on withdrawal",
            plain="merchant_id plan_id kind sha256",
            personal={"content": ERASED},
        ),
    },
    (
        Rule(
            "quotes",
            "expires_at",
            timedelta(days=30),
            "a plan keeps its own copy",
        ),
    ),
)
