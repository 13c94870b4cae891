"""What paylink keeps: links and their money stay, their recipients do not."""

from dataclasses import replace
from datetime import timedelta
from typing import Final

from libs.retention import BY_RULE, ERASED, Kept, Rule, Table

# A card payment can be disputed for 13 months at most.
DISPUTABLE: Final = timedelta(days=396)
_NOBODY: Final = {
    "recipient_name": "NULL",
    "recipient_email": "NULL",
    "recipient_phone": "NULL",
}
_SOMEBODY: Final = (
    "(recipient_name IS NOT NULL OR recipient_email IS NOT NULL OR recipient_phone IS NOT NULL)"
)
_RECIPIENT: Final = dict.fromkeys(_NOBODY, f"{ERASED}, else {BY_RULE}")


def _disputed(table: str, where: str, **clear: str) -> Rule:
    why = "as long as the payment may be disputed"
    return Rule(table, "created_at", DISPUTABLE, why, where=where, clear=clear)


KEPT: Final = Kept(
    {
        "links": Table(
            "amounts, states, references and items are kept",
            plain="merchant_id id state currency description order_reference channels locale line_items"
            " quote methods reminder_days creditor_reference customer_id payment_id paying_by origin"
            " balance_of cart_id plan_id warning representative_example cod_order_id order_part success_url trace_id",
            personal={
                **_RECIPIENT,
                "acceptance": f"IP address and browser {ERASED}, else {BY_RULE}; version and time are kept",
                "metadata": ERASED,
            },
        ),
        "link_tokens": Table(
            "sealed URLs of links",
            plain="merchant_id link_id",
            secret={
                "token_hash": "never: a hash of random bits",
                "sealed": "never: needs the seal key to open, and the link expires",
            },
        ),
        "link_payments": Table(
            "attempts to pay: amounts, states and references are kept",
            plain="merchant_id id link_id state method currency payment_id plan_id payment_state"
            " next_action_type instrument_id brand last4 bank_transfer_id customer_id partner decline refusal",
            personal={
                "payer_name": f"when the payer is stored as a customer, else {ERASED}",
                "payer_email": f"{ERASED}, else {BY_RULE}",
                "next_action_url": "when the challenge ends",
            },
            secret={"request": "when payments or instalments has answered"},
        ),
        "bank_transfers": Table(
            "incoming bank transfers",
            plain="merchant_id id state bank_reference currency link_id booked_on booking candidates",
            personal={"creditor_reference": f"{ERASED}, else {BY_RULE}"},  # any text of the payer
        ),
        "bank_transfer_moves": Table(
            "where transfers were moved, and by whom",
            plain="merchant_id id transfer_id kind link_id made_by",
            personal={"note": f"{ERASED}, else {BY_RULE}"},
        ),
        "link_quotas": Table("links per month", plain="merchant_id"),
        "carts": Table(
            "abandoned carts: their items are kept",
            plain="merchant_id id state reference line_items currency locale payment_link_id",
            personal={**_RECIPIENT, "metadata": ERASED},
        ),
        "shops": Table("one-page shops", plain="merchant_id slug state title description"),
        "products": Table(
            "what shops sell",
            plain="merchant_id id state name description currency metadata picture_id",
        ),
        "product_pictures": Table(
            "pictures of products", plain="merchant_id product_id id media_type picture"
        ),
    },
    (
        _disputed(
            "links",
            f"state IN ('paid', 'expired', 'cancelled') AND {_SOMEBODY}",
            **_NOBODY,
            channels="'{}'",
            acceptance="""acceptance || '{"ip": null, "user_agent": null}'""",
            version="version + 1",
        ),
        _disputed(
            "link_payments", "payer_email IS NOT NULL AND state <> 'processing'", payer_email="NULL"
        ),
        _disputed(
            "bank_transfers",
            "creditor_reference IS NOT NULL AND state NOT IN ('unmatched', 'late')",
            creditor_reference="NULL",
        ),
        replace(_disputed("bank_transfer_moves", "note IS NOT NULL", note="NULL"), at="made_at"),
        replace(
            _disputed("carts", f"due_at IS NULL AND {_SOMEBODY}", **_NOBODY),
            why="as long as a link may be sent for it",
        ),
    ),
)
