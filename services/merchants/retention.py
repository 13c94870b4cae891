"""What merchants keeps. Merchants and their staff end with the contract: that is up to the
operator.
"""

from datetime import timedelta
from typing import Final

from libs.retention import BY_RULE, Kept, Rule, Table

WITH_MERCHANT: Final = "with the merchant"

KEPT: Final = Kept(
    {
        "plans": Table("what plans allow", plain="name quotas"),
        "merchants": Table(
            "who may call, and how they want to appear",
            plain="id name country default_currency locale plan time_zone logo_url primary_colour website_url"
            " logo_id bank_bic",
            personal={
                "reply_to": WITH_MERCHANT,
                "contact_email": WITH_MERCHANT,
                "bank_holder": WITH_MERCHANT,
                "bank_iban": WITH_MERCHANT,
            },
        ),
        "api_keys": Table(
            "keys, by their hash",
            plain="id merchant_id kind state name scopes last4",
            secret={"secret_hash": "stays: the hash of random bits opens nothing"},
        ),
        "logos": Table("pictures", plain="merchant_id id media_type picture"),
        "bank_account_changes": Table(
            "other bank accounts that were asked for, and by whom",
            plain="id merchant_id state bic requested_by ended_by",
            personal={"holder": BY_RULE, "iban": BY_RULE},
        ),
    },
    (
        Rule(
            "bank_account_changes",
            "ended_at",
            timedelta(days=396),
            "as long as a payment to the account may be disputed",
        ),
    ),
)
