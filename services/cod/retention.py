"""What cash on delivery keeps, and for how long."""

from datetime import timedelta
from typing import Final

from libs.retention import BY_RULE, ERASED, Kept, Rule, Table

AUDIT: Final = "stays: it proves who decided"
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
            "by which couriers a merchant lets money be taken at the door, and on which terms: they stay",
            plain="merchant_id id state name currency cut modes manifest_amounts zones country"
            " manifest_columns event_columns remittance_columns metadata",
        ),
        "settings": Table(
            "what holds for all cash on delivery of a merchant",
            plain="merchant_id offered currency fee deposit carts refusals refund_account",
            personal={"fee_acknowledgement": AUDIT},
        ),
        "fee_acknowledgements": Table(
            "who has read the warning about a fee, before which fee",
            plain="merchant_id id version fee actor trace_id",
            personal={"acknowledged_by": AUDIT},
        ),
        "orders": Table(
            "orders that are paid at the door: amounts, states and references stay",
            plain="merchant_id id state order_reference currency courier_id mode address_country customer_id"
            " locale lines categories failed_methods trace_id",
            personal={**dict.fromkeys(_NOBODY, _GONE), "metadata": _GONE},
        ),
        "parcels": Table(
            "their parcels, and what was collected for each",
            plain="merchant_id courier_id tracking_number order_id state collected_in",
        ),
        "order_links": Table(
            "payment links by which orders were to be paid online: they stay",
            plain="merchant_id id order_id purpose state currency order_part payment_link_id payment_id",
            secret={"sealed_url": "when the link has ended: opens with the seal's key only"},
        ),
        "online_refunds": Table(
            "what was given back of what was paid online: it stays",
            plain="merchant_id id order_id payment_id state currency reference refusal",
        ),
        "order_changes": Table(
            "how orders were before they were changed",
            plain="merchant_id id order_id courier_id mode lines changed_by",
            personal={"recipient": _GONE, "address": _GONE},
        ),
        "codes": Table(
            "one-time codes of orders",
            plain="merchant_id order_id",
            secret={
                "proof": "when it was used or tried too often, else with its row: a keyed hash",
                "sealed": "when it was used or tried too often, else with its row: opens with the"
                " seal's key only",
            },
        ),
        "order_addresses": Table(
            "addresses of orders' pages, sealed",
            plain="merchant_id order_id",
            secret={
                "token_hash": f"{ERASED}, else with its row: a hash of random bits",
                "sealed": f"{ERASED}, else with its row: opens with the seal's key only",
            },
        ),
        "courier_events": Table(
            "what couriers reported about parcels: it stays",
            plain="merchant_id id courier_id event_id tracking_number kind mode cod_order_id outcome"
            " exception resolved_by",
            personal={"resolution": AUDIT},
        ),
        "remittances": Table(
            "couriers' remittance files, by a hash of each: they stay",
            plain="merchant_id id state courier_id name digest currency results",
        ),
        "remittance_lines": Table(
            "their lines, by numbers of parcels and references of orders: they prove what was passed on and stay",
            plain="merchant_id id remittance_id courier_id tracking_number sender_reference meaning result"
            " cod_order_id parcel suggestions result_before closed_as resolved_by",
            personal={"resolution": AUDIT},
        ),
        "refunds": Table(
            "refunds of cash by bank transfer: amounts and states stay",
            plain="merchant_id id state cod_order_id order_reference currency account_given_by trace_id"
            " export_id",
            personal={**dict.fromkeys(_UNNAMED, _GONE), "metadata": _GONE},
            secret={"account_sealed": f"{_GONE}: opens with the seal's key only"},
        ),
        "refund_exports": Table(
            "files by which the bank was asked for refunds: how many, how much and by whom; they stay",
            plain="merchant_id id currency trace_id created_by",
        ),
        "refund_files": Table(
            "the files themselves",
            plain="merchant_id export_id",
            secret={
                "sealed": "with its row: when a customer whom it names is erased, else by its rule;"
                " opens with the seal's key only"
            },
        ),
        "refund_transfers": Table(
            "which refunds were ever in which file: they stay",
            plain="merchant_id refund_id export_id",
        ),
        "refusals": Table(
            "who has not taken orders, by keyed hashes",
            plain="merchant_id order_id",
            personal={"mark": f"{ERASED}, else with its row"},
        ),
    },
    (
        Rule(
            "orders",
            "created_at",
            DISPUTABLE,
            "as long as its delivery, and what was remitted for it, may be disputed",
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
            "as long as the bank may send it back, or its order may be disputed",
            where="account_sealed IS NOT NULL AND state <> 'ready'",
            clear={"account_sealed": "NULL", **_UNNAMED, "metadata": "'{}'"},
        ),
        Rule("refund_files", "created_at", DISPUTABLE, "as long as what it paid may be disputed"),
        Rule("codes", "expires_at", timedelta(days=30), "so that few are sent for one order"),
        Rule(
            "refusals",
            "refused_at",
            LOOKED_BACK,
            "as long as whoever has refused may not be offered another order",
        ),
    ),
)
