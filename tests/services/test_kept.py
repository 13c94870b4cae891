"""Compares what each service declares that it keeps with the database that its migrations create."""

import importlib

import pytest

from libs import descriptors, retention, services
from libs.retention import BY_RULE, Kept
from services.paylink import erased_events as paylink_events
from services.payments import events as payments_events
from tests.kit.connections import connected

WITH_CONTENT = ("text", "jsonb", "json", "bytea", "character varying", "ARRAY", "inet")


def kept(service: str) -> Kept:
    own = importlib.import_module(f"services.{service}.retention").KEPT
    return retention.together(service, own)


def stated(service: str) -> set[str]:
    return {
        f"{name}.{column}"
        for name, table in kept(service).tables.items()
        for column in [*table.plain.split(), *table.personal, *table.secret]
    }


@pytest.mark.parametrize("service", services.NAMES)
async def test_every_column_is_declared_as_plain_personal_or_secret(service, new_database):
    async with connected(new_database(service)) as conn:
        rows = await conn.fetch(
            "SELECT table_name || '.' || column_name AS name FROM information_schema.columns"
            " JOIN information_schema.tables USING (table_schema, table_name)"  # views store nothing
            " WHERE table_type = 'BASE TABLE' AND table_schema = 'public' AND data_type = ANY ($1)",
            list(WITH_CONTENT),
        )
    found = {row["name"] for row in rows}
    assert (found - stated(service), stated(service) - found) == (set(), set())


@pytest.mark.parametrize("service", services.NAMES)
async def test_every_retention_rule_is_valid_sql_that_can_use_an_index(service, new_database):
    async with connected(new_database(service)) as conn:
        await conn.execute("SET enable_seqscan = off")
        for rule in kept(service).rules:
            sql = retention.sql_of(rule).replace("$2", "10").replace("$3", "'evt_0'")
            plan = await conn.fetch("EXPLAIN " + sql.replace("$1", "'1 day'"))
            text = "\n".join(row[0] for row in plan)
            assert f"Seq Scan on {rule.table}" not in text, text


@pytest.mark.parametrize("service", services.NAMES)
def test_every_column_deleted_by_a_rule_has_one(service):
    for name, table in kept(service).tables.items():
        rules = [rule for rule in kept(service).rules if rule.table == name]
        for column, fate in {**table.personal, **table.secret}.items():
            if BY_RULE in fate:
                assert any(not rule.clear or column in rule.clear for rule in rules), column


@pytest.mark.parametrize("service", services.NAMES)
def test_every_retention_rule_names_a_declared_table_and_a_reason(service):
    for rule in kept(service).rules:
        assert rule.table in kept(service).tables
        assert rule.why


@pytest.mark.parametrize("erased", [payments_events, paylink_events])
def test_every_erased_field_of_an_event_exists_in_the_contracts(erased):
    for message, fields in erased.PERSONAL.items():
        assert set(fields) <= set(descriptors.message(message).fields_by_name), message


_PARTITIONED = "SELECT relname FROM pg_class WHERE relkind = 'p'"


@pytest.mark.parametrize("service", services.NAMES)
async def test_a_rule_of_a_partitioned_table_does_not_identify_rows_by_ctid(service, new_database):
    """A row's ctid is its place within its partition: other partitions have a row at the same place."""
    async with connected(new_database(service)) as conn:
        partitioned = {row["relname"] for row in await conn.fetch(_PARTITIONED)}
    for rule in kept(service).rules:
        assert rule.key != "ctid" or rule.table not in partitioned
