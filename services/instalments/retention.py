"""What instalments keeps."""

from datetime import timedelta
from typing import Final

from libs.retention import Kept, Rule, Table

KEPT: Final = Kept(
    {
        "settings": Table(
            "what holds for all instalments of a merchant",
            plain="merchant_id jurisdiction seller_size lender_registration"
            " exposure_limit_currency time_zone",
        ),
        "terms": Table(
            "on which terms a merchant lets shoppers pay in instalments: they stay",
            plain="merchant_id id state name currency every_unit fees_borne_by categories"
            " excluded_categories segments remainder dunning financed_by partner metadata",
        ),
        "quotes": Table(
            "what terms come to for an order",
            plain="merchant_id id terms_id order_reference currency locale offer",
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
