"""What instalments keeps."""

from typing import Final

from libs.retention import Kept, Table

KEPT: Final = Kept(
    {
        "settings": Table(
            "what holds for all instalments of a merchant",
            plain="merchant_id jurisdiction seller_size lender_registration"
            " exposure_limit_currency time_zone",
        ),
    },
)
