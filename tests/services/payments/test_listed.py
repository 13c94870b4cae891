"""Payments by their state: lists find them, and a charge writes none of their indexes twice."""

import pytest

from libs.pages import Page
from services.payments.rules.states import AttemptKind, State
from services.payments.store import payments
from services.payments.store.payments import Filter
from tests.kit.indexes import changed, indexed
from tests.services.payments.conftest import MERCHANT, World
from tests.services.payments.psp_double import Fault


async def listed(world: World) -> set[State]:
    """The states in which a list finds the only payment."""
    async with world.db.connection() as conn:
        pages = [
            await payments.list_page(conn, MERCHANT, Filter(state=state), Page(9, "pay_~"))
            for state in State
        ]
    return {payment.state for page in pages for payment in page.rows}


async def processing(world: World) -> None:
    world.a.plan(AttemptKind.AUTHORISE, Fault.LOST_ANSWER)
    assert (await world.create()).state is State.PROCESSING


async def test_the_outcome_of_a_charge_changes_no_indexed_column(world: World):
    await processing(world)
    [before] = await world.rows("SELECT * FROM payments")
    await world.recover()
    [after] = await world.rows("SELECT * FROM payments")
    assert after["state"] == "captured"
    async with world.db.connection() as conn:
        in_indexes = set(await indexed(conn, "payments"))
    assert {"order_reference", "listed_state", "guards_order"} <= in_indexes
    assert set(changed(before, after)) & in_indexes == set()


async def test_a_payment_is_listed_as_processing_until_its_outcome_is_known(world: World):
    await processing(world)
    assert await listed(world) == {State.PROCESSING}
    await world.recover()
    assert await listed(world) == {State.CAPTURED}


@pytest.mark.parametrize("state", [state for state in State if state is not State.PROCESSING])
async def test_a_payment_is_listed_under_each_state_it_reaches(world: World, state: State):
    await world.create()
    for each in (state, State.CAPTURED, state):
        await world.rows("UPDATE payments SET state = $1", each.value)
        assert await listed(world) == {each}
    await world.rows(
        "INSERT INTO payments SELECT (payments).* FROM (SELECT jsonb_populate_record(payments,"
        ' \'{"id": "pay_2", "guards_order": false, "caller_key": "",'
        ' "listed_state": null}\') AS payments FROM payments) AS copy'
    )
    assert await world.rows(
        "SELECT FROM payments WHERE id = 'pay_2' AND listed_state IS NOT DISTINCT FROM"
        " nullif(state, 'captured')"
    )


@pytest.mark.parametrize(
    ("asked", "index"),
    [
        ("state = 'declined' AND listed_state = 'declined'", "payments_listed"),
        ("last4 <> '' AND last4 = '4242'", "payments_last4"),
        ("amount_minor = 1250 AND currency = 'EUR'", "payments_amount"),
    ],
)
async def test_a_filtered_list_reads_its_index_without_sorting(
    world: World, asked: str, index: str
):
    await world.create()
    async with world.db.connection() as conn:
        await conn.execute("SET enable_seqscan = off")
        await conn.execute("SET enable_bitmapscan = off")
        plan = await conn.fetch(
            f"EXPLAIN SELECT FROM payments WHERE merchant_id = 'mer_1' AND {asked}"
            " AND id < 'pay_~' ORDER BY id DESC LIMIT 20"
        )
        await conn.execute("RESET enable_seqscan")
        await conn.execute("RESET enable_bitmapscan")
    text = "\n".join(row[0] for row in plan)
    assert index in text
    assert "Sort" not in text
