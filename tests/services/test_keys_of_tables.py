"""Tables can be sharded by merchant: unique keys are unique within a merchant."""

import pytest

from libs import services
from tests.kit.connections import connected

# Keys that are unique across all merchants, and why. A sharded set-up keeps their tables on one machine, or on each.
REASONS = {
    "are the log of one service, in the order in which it was written": {"outbox_pkey"},
    "are the same for all merchants": {"plans_pkey", "schema_migrations_pkey"},
    "are found before the merchant is known": {
        "api_keys_pkey",
        "api_keys_secret_hash_key",
        "inbox_pkey",
        "invitation_links_pkey",
        "link_tokens_pkey",
        "merchants_pkey",
        "order_addresses_token",
        "plan_addresses_token",
        "provider_notices_pkey",
        "session_tokens_pkey",
        "shops_slug",
    },
    "are people, and what they prove it with: one may be a member of several merchants": {
        "person_identities_person",
        "person_identities_pkey",
        "persons_email",
        "persons_pkey",
        "sessions_pkey",
        "sign_in_attempts_pkey",
    },
}
OVER_ALL = {name for names in REASONS.values() for name in names}
_UNIQUE = """
SELECT named.relname AS name, attname AS first FROM pg_index
JOIN pg_class AS named ON named.oid = indexrelid
JOIN pg_attribute ON attrelid = indrelid AND attnum = indkey[0]
WHERE indisunique AND relnamespace = 'public'::regnamespace"""
_WITHOUT_KEY = """
SELECT relname FROM pg_class
WHERE relkind IN ('r', 'p') AND relnamespace = 'public'::regnamespace
    AND NOT EXISTS (SELECT FROM pg_index WHERE indrelid = pg_class.oid AND indisprimary)"""
_BY_MONTH = """
SELECT relname AS name, attname AS by FROM pg_partitioned_table
JOIN pg_class ON pg_class.oid = partrelid
JOIN pg_attribute ON attrelid = partrelid AND attnum = partattrs[0]
WHERE partstrat = 'r'"""


@pytest.mark.parametrize("service", services.NAMES)
async def test_every_unique_key_begins_with_the_merchant_or_is_excused(new_database, service):
    async with connected(new_database(service)) as conn:
        found = {row["name"]: row["first"] for row in await conn.fetch(_UNIQUE)}
        without = [row["relname"] for row in await conn.fetch(_WITHOUT_KEY)]
    assert "outbox_pkey" in found
    others = {name for name, first in found.items() if first != "merchant_id"}
    assert others <= OVER_ALL, "begin it with merchant_id, or say in REASONS why it cannot"
    assert not without


async def test_every_excused_key_exists(new_database):
    found = set()
    for service in services.NAMES:
        async with connected(new_database(service)) as conn:
            found |= {
                row["name"] for row in await conn.fetch(_UNIQUE) if row["first"] != "merchant_id"
            }
    assert found >= OVER_ALL


async def test_the_journal_and_lines_are_partitioned_by_month(new_database):
    async with connected(new_database("reporting")) as conn:
        found = {row["name"]: row["by"] for row in await conn.fetch(_BY_MONTH)}
        assert found == {
            "entries": "happened_on",
            "postings": "booked_on",
            "bank_lines": "booked_on",
            "settlement_lines": "happened_on",
        }
        await conn.execute("SELECT make_partitions(ARRAY['2026-10-01', '2026-11-01']::date[])")
        parts = await conn.fetch(
            "SELECT relname FROM pg_class WHERE relispartition AND relkind = 'r'"
        )
    names = {row["relname"] for row in parts}
    months = ("202610", "202611", "rest")
    assert {f"{parent}_{month}" for parent in found for month in months} <= names
