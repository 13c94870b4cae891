"""What instalments keeps, and for how long."""

from datetime import timedelta
from typing import Final

from libs.retention import ERASED, Kept, Rule, Table

AUDIT: Final = "stays: it proves who decided"

KEPT: Final = Kept(
    {
        "settings": Table(
            "what holds for all instalments of a merchant",
            plain="merchant_id jurisdiction seller_size lender_registration"
            " exposure_limit_currency time_zone creditor_address creditor_email creditor_phone"
            " supervisor redress",
        ),
        "terms": Table(
            "on which terms a merchant lets shoppers pay in instalments: they stay",
            plain="merchant_id id state name currency every_unit fees_borne_by categories"
            " excluded_categories segments remainder dunning financed_by partner metadata",
        ),
        "quotes": Table(
            "what terms come to for an order",
            plain="merchant_id id terms_id order_reference currency locale priced offer",
        ),
        "plans": Table(
            "what a customer agreed to pay, and the proof of it",
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
            "payments that were asked for parts",
            plain="merchant_id id plan_id state currency instrument_id payment_id covers decline refusal",
            personal={"next_action_url": "when its payment ends"},
            secret={"request": "when payments has answered"},
        ),
        "plan_refunds": Table(
            "what was refunded of the price of a plan",
            plain="merchant_id id plan_id currency items actor trace_id",
            personal={"reason": ERASED},
        ),
        "repayments": Table(
            "refunds of the payments of plans",
            plain="merchant_id id plan_id refund_id payment_id state currency shares reference refusal",
        ),
        "plan_reminders": Table(
            "what customers of plans are to be reminded of", plain="merchant_id id plan_id kind"
        ),
        "part_links": Table(
            "payment links that were asked for missed parts",
            plain="merchant_id id plan_id state currency description payment_link_id",
        ),
        "disputes": Table(
            "disputes of the payments of plans",
            plain="merchant_id id plan_id payment_id state currency reason shares",
        ),
        "reviews": Table(
            "who decided what of a plan that was looked at, as an auditor reads it",
            plain="merchant_id id plan_id before after actor trace_id",
            personal={"reason": AUDIT, "decided_by": AUDIT},
        ),
        "plan_addresses": Table(
            "addresses of plans' pages, sealed",
            plain="merchant_id plan_id",
            secret={
                "token_hash": "stays: a hash of random bits",
                "sealed": "stays: opens with the seal's key only",
            },
        ),
        "documents": Table(
            "what was handed over of a plan: before it was accepted, and on withdrawal",
            plain="merchant_id plan_id kind sha256",
            personal={"content": ERASED},
        ),
    },
    (
        Rule(
            "quotes",
            "expires_at",
            timedelta(days=30),
            "what a plan was made of is kept by the plan",
        ),
    ),
)
