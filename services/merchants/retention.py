"""What merchants keeps. Deleting a merchant and its staff at the end of the contract is up to the
operator.
"""

from datetime import timedelta
from typing import Final

from libs.retention import BY_RULE, Kept, Rule, Table

WITH_MERCHANT: Final = "with the merchant"

KEPT: Final = Kept(
    {
        "plans": Table("plans and their quotas", plain="name quotas"),
        "merchants": Table(
            "who may call, with branding and bank account",
            plain="id name country default_currency locale plan time_zone logo_url primary_colour website_url"
            " logo_id bank_bic",
            personal={
                "reply_to": WITH_MERCHANT,
                "contact_email": WITH_MERCHANT,
                "bank_holder": WITH_MERCHANT,
                "bank_iban": WITH_MERCHANT,
                "seller_legal_name": WITH_MERCHANT,  # a sole trader is a person
                "seller_vat_number": WITH_MERCHANT,
                "seller_address": WITH_MERCHANT,
            },
        ),
        "api_keys": Table(
            "API keys, by their hash",
            plain="id merchant_id kind state name scopes last4",
            secret={"secret_hash": "never: a hash of random bits"},
        ),
        "logos": Table("logos", plain="merchant_id id media_type picture"),
        "persons": Table(
            "people who use the console, for any merchant",
            plain="id locale",
            personal={"email": BY_RULE, "name": BY_RULE},
            secret={"password_hash": BY_RULE},
        ),
        "person_identities": Table(
            "people's accounts at OpenID providers",
            plain="issuer person_id",
            personal={"subject": "with the person"},
        ),
        "members": Table(
            "current and former members of merchants in the console",
            plain="merchant_id id person_id state role locale invited_by",
        ),
        "invitation_links": Table(
            "links of invitations",
            plain="merchant_id member_id",
            secret={"token_hash": f"{BY_RULE}; a hash of random bits"},
        ),
        "sessions": Table(
            "current and recent sessions",
            plain="person_id id merchant_id device",
            personal={"address": BY_RULE},
        ),
        "session_tokens": Table(
            "the tokens of sessions",
            plain="person_id session_id",
            secret={"token_hash": f"{BY_RULE}; a hash of random bits"},
        ),
        "sign_in_attempts": Table(
            "failed sign-ins, by the hash of an e-mail or network address",
            plain="",
            personal={"subject_hash": BY_RULE},
        ),
        "audit_records": Table(
            "who changed what in the console: removing a record would break the hash chain",
            plain="merchant_id id kind intent_id action subject_id actor session_id before after"
            " outcome reason trace_id previous_hash hash",
            personal={"address": "never: it helps to tell whether it was the member"},
        ),
        "saved_views": Table(
            "list filters that members have saved",
            plain="merchant_id id member_id path name",
            personal={"query": "when the view is deleted: it may contain an order reference"},
        ),
        "bank_account_changes": Table(
            "requested changes of bank account, and by whom",
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
        Rule(
            "invitation_links",
            "created_at",
            timedelta(days=30),
            "an invitation is valid for 7 days",
        ),
        Rule("session_tokens", "valid_until", timedelta(days=1), "no longer valid"),
        Rule(
            "sessions",
            "created_at",
            timedelta(days=90),
            "people can review where they signed in; no session lasts longer than a day",
        ),
        Rule(
            "sign_in_attempts", "counted_from", timedelta(days=1), "attempts count for 15 minutes"
        ),
        Rule(
            "members",
            "ended_at",
            timedelta(days=3653),
            "as long as the books, whose audit log names members (art. 2220 c.c.)",
        ),
        Rule(
            "persons",
            "created_at",
            timedelta(days=30),
            "neither a member nor a former member of any merchant",
            where="NOT EXISTS (SELECT FROM members WHERE person_id = persons.id)",
        ),
    ),
)
