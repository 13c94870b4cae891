"""What is true of every table of reporting."""

import asyncpg

_TABLES = """
SELECT pg_class.relname AS name, (
    SELECT attname FROM pg_index JOIN pg_attribute
        ON pg_attribute.attrelid = pg_index.indrelid AND pg_attribute.attnum = pg_index.indkey[0]
    WHERE pg_index.indrelid = pg_class.oid AND pg_index.indisprimary
) AS first
FROM pg_class
WHERE relkind IN ('r', 'p') AND relnamespace = 'public'::regnamespace
    AND NOT relname = ANY ($1::text[])"""
CHASSIS = ["outbox", "inbox", "schema_migrations"]  # the same in every database


async def test_the_primary_key_of_every_table_begins_with_the_merchant(new_database):
    """So that they can be spread over machines by merchant."""
    conn = await asyncpg.connect(new_database("reporting"))
    found = {row["name"]: row["first"] for row in await conn.fetch(_TABLES, CHASSIS)}
    await conn.close()
    assert "entries" in found
    assert set(found.values()) == {"merchant_id"}, found
