"""What cash on delivery keeps, and for how long."""

from datetime import timedelta
from typing import Final

from libs.retention import BY_RULE, ERASED, Kept, Rule, Table

AUDIT: Final = "never: it proves who decided"
DISPUTABLE: Final = timedelta(days=396)  # an order, its delivery and what was remitted for it
LOOKED_BACK: Final = timedelta(days=366)  # the settings' `within_days` at most, and a day
_GONE: Final = f"{ERASED}, else {BY_RULE}"
_NOBODY: Final = dict.fromkeys(
    (
        "recipient_name",
        "recipient_email",
        "recipient_phone",
        "address_street",
        "address_town",
        "address_postcode",
    ),
    "NULL",
)
_UNNAMED: Final = dict.fromkeys(("account_holder", "account_iban", "failure"), "NULL")

KEPT: Final = Kept(
    {
        "couriers": Table(
            "couriers who collect cash for a merchant, and their terms: kept",
            plain="merchant_id id state name currency cut modes manifest_amounts zones country"
            " manifest_columns event_columns remittance_columns metadata",
        ),
        "settings": Table(
            "a merchant's settings for cash on delivery",
            plain="merchant_id offered currency fee deposit carts refusals refund_account",
            personal={"fee_acknowledgement": AUDIT},
        ),
        "fee_acknowledgements": Table(
            "who acknowledged the warning about a fee, and which fee it was",
            plain="merchant_id id version fee actor trace_id",
            personal={"acknowledged_by": AUDIT},
        ),
        "orders": Table(
            "orders paid on delivery: amounts, states and references are kept",
            plain="merchant_id id state order_reference currency courier_id mode address_country customer_id"
            " locale lines categories failed_methods trace_id",
            personal={**dict.fromkeys(_NOBODY, _GONE), "metadata": _GONE},
        ),
        "parcels": Table(
            "parcels of orders, and the amount collected for each",
            plain="merchant_id courier_id tracking_number order_id state collected_in",
        ),
        "order_links": Table(
            "payment links for paying orders online: kept",
            plain="merchant_id id order_id purpose state currency order_part payment_link_id payment_id",
            secret={"sealed_url": "when the link has ended; needs the seal key to open"},
        ),
        "online_refunds": Table(
            "refunds of online payments: kept",
            plain="merchant_id id order_id payment_id state currency reference refusal",
        ),
        "order_changes": Table(
            "earlier versions of changed orders",
            plain="merchant_id id order_id courier_id mode lines changed_by",
            personal={"recipient": _GONE, "address": _GONE},
        ),
        "codes": Table(
            "one-time codes of orders",
            plain="merchant_id order_id",
            secret={
                "proof": "when the code is used or tried too often, else with its row; a keyed hash",
                "sealed": "when the code is used or tried too often, else with its row; needs the"
                " seal key to open",
            },
        ),
        "order_addresses": Table(
            "sealed URLs of order pages",
            plain="merchant_id order_id",
            secret={
                "token_hash": f"{ERASED}, else with its row; a hash of random bits",
                "sealed": f"{ERASED}, else with its row; needs the seal key to open",
            },
        ),
        "courier_events": Table(
            "what couriers reported about parcels: kept",
            plain="merchant_id id courier_id event_id tracking_number kind mode cod_order_id outcome"
            " exception resolved_by",
            personal={"resolution": AUDIT},
        ),
        "remittances": Table(
            "couriers' remittance files, by their hash: kept",
            plain="merchant_id id state courier_id name digest currency results",
        ),
        "remittance_lines": Table(
            "remittance lines, by parcel number and order reference: kept as proof of what was remitted",
            plain="merchant_id id remittance_id courier_id tracking_number sender_reference meaning result"
            " cod_order_id parcel suggestions result_before closed_as resolved_by",
            personal={"resolution": AUDIT},
        ),
        "refunds": Table(
            "refunds of cash by bank transfer: amounts and states are kept",
            plain="merchant_id id state cod_order_id order_reference currency account_given_by trace_id"
            " export_id",
            personal={**dict.fromkeys(_UNNAMED, _GONE), "metadata": _GONE},
            secret={"account_sealed": f"{_GONE}; needs the seal key to open"},
        ),
        "refund_exports": Table(
            "files of refunds for the bank: count, total and author, kept",
            plain="merchant_id id currency trace_id created_by",
        ),
        "refund_files": Table(
            "the contents of refund files",
            plain="merchant_id export_id",
            secret={
                "sealed": "with its row: when a customer named in it is erased, else by its rule;"
                " needs the seal key to open"
            },
        ),
        "refund_transfers": Table(
            "which file had which refunds: kept",
            plain="merchant_id refund_id export_id",
        ),
        "refusals": Table(
            "customers who refused deliveries, by keyed hash",
            plain="merchant_id order_id",
            personal={"mark": f"{ERASED}, else with its row"},
        ),
    },
    (
        Rule(
            "orders",
            "created_at",
            DISPUTABLE,
            "as long as its delivery or remittance may be disputed",
            where="recipient_name IS NOT NULL",
            clear={**_NOBODY, "metadata": "'{}'"},
        ),
        Rule(
            "order_changes",
            "changed_at",
            DISPUTABLE,
            "as long as the order may be disputed",
            where="recipient IS NOT NULL",
            clear={"recipient": "NULL", "address": "NULL"},
        ),
        Rule(
            "order_addresses",
            "issued_at",
            DISPUTABLE,
            "as long as the order may be disputed",
        ),
        Rule(
            "refunds",
            "created_at",
            DISPUTABLE,
            "as long as the bank may return it, or the order may be disputed",
            where="account_sealed IS NOT NULL AND state <> 'ready'",
            clear={"account_sealed": "NULL", **_UNNAMED, "metadata": "'{}'"},
        ),
        Rule("refund_files", "created_at", DISPUTABLE, "as long as its refunds may be disputed"),
        Rule(
            "codes",
            "expires_at",
            timedelta(days=30),
            "they count towards the limit of codes per order",
        ),
        Rule(
            "refusals",
            "refused_at",
            LOOKED_BACK,
            "as long as a refusal may bar the customer from cash on delivery",
        ),
    ),
)
