"""What merchants keeps. Deleting a merchant and its staff at the end of the contract is up to the
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
                "seller_legal_name": WITH_MERCHANT,  # a sole trader is a person
                "seller_vat_number": WITH_MERCHANT,
                "seller_address": WITH_MERCHANT,
            },
        ),
        "api_keys": Table(
            "keys, by their hash",
            plain="id merchant_id kind state name scopes last4",
            secret={"secret_hash": "stays: the hash of random bits opens nothing"},
        ),
        "logos": Table("pictures", plain="merchant_id id media_type picture"),
        "persons": Table(
            "people who use the console, for any merchant",
            plain="id locale",
            personal={"email": BY_RULE, "name": BY_RULE},
            secret={"password_hash": BY_RULE},
        ),
        "person_identities": Table(
            "who they are at an OpenID provider",
            plain="issuer person_id",
            personal={"subject": "with the person"},
        ),
        "members": Table(
            "who may use the console for a merchant, and who might before",
            plain="merchant_id id person_id state role locale invited_by",
        ),
        "invitation_links": Table(
            "links of invitations",
            plain="merchant_id member_id",
            secret={"token_hash": f"{BY_RULE}: the hash of random bits opens nothing"},
        ),
        "sessions": Table(
            "who is signed in, and was lately",
            plain="person_id id merchant_id device",
            personal={"address": BY_RULE},
        ),
        "session_tokens": Table(
            "what browsers prove a session with",
            plain="person_id session_id",
            secret={"token_hash": f"{BY_RULE}: the hash of random bits opens nothing"},
        ),
        "sign_in_attempts": Table(
            "failed sign-ins, by the hash of an e-mail or network address",
            plain="",
            personal={"subject_hash": BY_RULE},
        ),
        "audit_records": Table(
            "who changed what through the console: a record that was removed breaks the chain",
            plain="merchant_id id kind intent_id action subject_id actor session_id before after"
            " outcome reason trace_id previous_hash hash",
            personal={"address": "stays: it tells whether it was the member"},
        ),
        "saved_views": Table(
            "filters of lists that members keep under a name",
            plain="merchant_id id member_id path name",
            personal={"query": "until it is deleted: it may have the reference of an order"},
        ),
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
        Rule("invitation_links", "created_at", timedelta(days=30), "an invitation is open for 7"),
        Rule("session_tokens", "valid_until", timedelta(days=1), "replaced by another"),
        Rule(
            "sessions",
            "created_at",
            timedelta(days=90),
            "a person can look up from where they signed in; none is open for longer than a day",
        ),
        Rule("sign_in_attempts", "counted_from", timedelta(days=1), "counted for 15 minutes"),
        Rule(
            "members",
            "ended_at",
            timedelta(days=3653),
            "as long as the books, whose audit log names them (art. 2220 c.c.)",
        ),
        Rule(
            "persons",
            "created_at",
            timedelta(days=30),
            "nobody's member, and not a former one",
            where="NOT EXISTS (SELECT FROM members WHERE person_id = persons.id)",
        ),
    ),
)
