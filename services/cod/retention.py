"""What cash on delivery keeps."""

from typing import Final

from libs.retention import Kept, Table

AUDIT: Final = "stays: it proves who decided"

KEPT: Final = Kept(
    {
        "couriers": Table(
            "by which couriers a merchant lets money be taken at the door, and on which terms: they stay",
            plain="merchant_id id state name currency cut modes manifest_amounts zones country"
            " remittance_columns metadata",
        ),
        "settings": Table(
            "what holds for all cash on delivery of a merchant",
            plain="merchant_id offered currency fee deposit carts",
            personal={"fee_acknowledgement": AUDIT},
        ),
        "fee_acknowledgements": Table(
            "who has read the warning about a fee, before which fee",
            plain="merchant_id id version fee actor trace_id",
            personal={"acknowledged_by": AUDIT},
        ),
    },
)
