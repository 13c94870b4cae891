"""A statement's name in traces: after the table that it changes or, if none, reads first."""

import pytest

from libs.db import name_of


@pytest.mark.parametrize(
    ("sql", "name"),
    [
        ("SELECT * FROM payments WHERE id = $1 FOR UPDATE OF payments", "SELECT payments"),
        ("SELECT * FROM customers AS c FOR NO KEY UPDATE OF c", "SELECT customers"),
        ("WITH due AS (SELECT 1 FROM links) UPDATE links SET due_at = now()", "UPDATE links"),
        ("INSERT INTO keys (id) VALUES ($1) ON CONFLICT DO UPDATE SET id = $1", "INSERT keys"),
        ("DELETE FROM outbox WHERE id = ANY($1)", "DELETE outbox"),
        ("COMMIT", "COMMIT"),
    ],
)
def test_a_statement_is_named_after_the_table_it_changes_or_reads(sql: str, name: str):
    assert name_of(sql) == name
