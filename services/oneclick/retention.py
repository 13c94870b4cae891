"""What oneclick keeps. A shopper is erased on request; until then the profile is the product."""

from datetime import timedelta
from typing import Final

from libs.retention import BY_RULE, ERASED, Kept, Rule, Table

DETACHED: Final = "when the instrument is removed"

KEPT: Final = Kept(
    {
        "customers": Table(
            "shoppers",
            plain="merchant_id id state default_instrument_id default_address_id",
            personal=dict.fromkeys(("email", "name", "phone", "locale", "metadata"), ERASED),
        ),
        "addresses": Table(
            "delivery addresses",
            plain="merchant_id id customer_id",
            personal=dict.fromkeys(
                ("name", "line1", "line2", "city", "postcode", "region", "country"), ERASED
            ),
        ),
        "consents": Table(
            "permissions of shoppers: version and time are kept as proof",
            plain="merchant_id id customer_id text_version sca_reference",
            personal={"ip": ERASED},
        ),
        "instruments": Table(
            "saved cards: brand and last four digits are kept, since payments show them",
            plain="merchant_id id customer_id state brand last4 country fingerprint consent_id"
            " merged_into refusal psp_account",
            personal={"next_action_url": "when its setup ends"},
            secret={"tokens": DETACHED, "setup_request": "when its setup ends"},
        ),
        "token_removals": Table(
            "tokens that PSPs must forget",
            plain="merchant_id id psp_account",
            secret={"token": "when the PSP has forgotten it"},
        ),
        "charges": Table(
            "one-click charges: amounts, states and references are kept",
            plain="merchant_id id customer_id instrument_id address_id consent_id session_id state"
            " currency capture order_reference payment_id refusal items lowering",
            secret={"request": "when payments has answered"},
        ),
        "sessions": Table(
            "what a browser may pay",
            plain="merchant_id id customer_id state currency capture order_reference charge_id"
            " payment_id items",
            personal={"metadata": BY_RULE, "return_url": BY_RULE},
            secret={"secret_hash": BY_RULE},
        ),
        "policies": Table(
            "merchants' limits", plain="merchant_id max_charge_currency max_daily_currency"
        ),
        "payments_elsewhere": Table(
            "payments with saved cards made elsewhere, for limits",
            plain="merchant_id payment_id instrument_id currency",
        ),
    },
    (
        Rule(
            "sessions",
            "expires_at",
            timedelta(days=30),
            "a session lasts minutes; its charge is kept",
        ),
    ),
)
