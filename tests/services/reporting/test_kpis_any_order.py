"""Facts for KPIs depend only on the set of events: not on their order, repeats or batches; so they can
be recounted.
"""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from incasso.cod.v1 import events_pb2 as cod
from incasso.instalments.v1 import events_pb2 as instalments
from incasso.merchants.v1 import events_pb2 as merchants
from incasso.merchants.v1 import merchants_pb2
from incasso.oneclick.v1 import events_pb2 as oneclick
from incasso.paylink.v1 import events_pb2 as paylink
from libs import db, ids, wire
from libs.db import Database
from services.reporting import rebuild_worker
from tests.services.reporting.kpi_events import (
    FIRST_PAID,
    cart,
    cash,
    cod_order,
    day,
    erased,
    link,
    plan,
    refused,
    session,
    sold,
    transferred,
)
from tests.services.reporting.ledger_events import BEGUN, event_of, log, of
from tests.services.reporting.test_any_order import batches, book

pytestmark = pytest.mark.asyncio(loop_scope="session")
PAID = {"activated_at": wire.timestamp(BEGUN), "order_reference": "A-1", "customer_id": "cus_1"}
LINK = link(paylink.PaymentLinkCreated, "lnk_1", BEGUN).payment_link
LINK_STEPS = (
    paylink.PaymentLinkCreated,
    paylink.PaymentLinkSent,
    paylink.PaymentLinkSeen,
    paylink.PaymentLinkPaying,
    paylink.PaymentLinkPaid,
)
MESSAGES = [
    *(sold(amount, order, customer="cus_1") for amount, order in ((1000, "A-1"), (50, "A-2"))),
    sold(700, "A-1", method="link", customer="cus_2"),
    sold(700, "A-3", method="link", customer="cus_2"),
    transferred(300, "A-2"),
    *(refused(order) for order in ("A-1", "A-4", "A-4")),
    cash(900, "A-3", day("2026-09-01"), "cus_1"),
    plan(FIRST_PAID, "pln_1", **PAID),
    plan(instalments.PlanCompleted, "pln_1", **PAID, ended_at=wire.timestamp(day("2026-12-01"))),
    plan(instalments.PlanCreated, "pln_1"),
    plan(instalments.PlanAccepted, "pln_1"),
    *(kind(payment_link=LINK) for kind in LINK_STEPS),
    session(oneclick.OneClickSessionOpened, "ocs_1"),
    session(oneclick.OneClickSessionPaid, "ocs_1"),
    cod_order(cod.CodOrderProposed, "cod_1"),
    cod_order(cod.CodOrderCollected, "cod_1"),
    cart(paylink.CartRecoverySent, "crt_1", 1000),
    cart(paylink.CartRecovered, "crt_1", 1000),
    erased("cus_2"),
]
EVENTS = [event_of(message, BEGUN) for message in MESSAGES]
TABLES = {
    "order_payments": "order_key, id",
    "paid_orders": "order_key, currency",
    "declined_orders": "order_key, currency",
    "paying_customers": "customer_id",
    "erased_customers": "customer_id",
    "funnels": "method, id",
    "funnel_days": "currency, method, started_on, step",
    "recovery_carts": "id",
}


async def dump(db: Database, merchant_id: str) -> str:
    """All facts of a merchant, except a funnel's previous step, which depends on the order."""
    lines = []
    async with db.connection() as conn:
        for table, key in TABLES.items():
            rows = await conn.fetch(
                f"SELECT (to_jsonb(of_it) - 'merchant_id' - 'previous_step')::text FROM {table} AS of_it"
                f" WHERE merchant_id = $1 ORDER BY {key}",
                merchant_id,
            )
            lines += [f"{table} {row[0]}" for row in rows]
    return "\n".join(lines)


@settings(max_examples=30)
@given(
    st.lists(st.sampled_from(EVENTS), min_size=1, max_size=20, unique_by=id),
    st.data(),
    st.lists(st.integers(1, 8), min_size=1, max_size=4),
)
async def test_any_order_and_repeats_in_batches_of_any_size_are_the_same_facts(
    database, told, data, sizes
):
    first, second = ids.new("mer"), ids.new("mer")
    await book(database, of(first, told))
    repeated = data.draw(st.permutations(told + data.draw(st.lists(st.sampled_from(told)))))
    for batch in batches(of(second, repeated), sizes):
        await book(database, batch)
    assert await dump(database, first) == await dump(database, second)
    assert await dump(database, first)


async def recounted(capsys, *arguments: str) -> int:
    assert await rebuild_worker.recount(arguments) == 0
    lines = capsys.readouterr().out.splitlines()
    found: int = json.loads(lines[-1])["result"]["events"]
    return found


async def test_facts_are_recounted_from_the_event_logs_without_counting_twice(
    new_database, monkeypatch, capsys
):
    own, logs = new_database("reporting"), new_database("libs")
    services = dict.fromkeys(subject.split(".")[1] for subject in rebuild_worker.COUNTED)
    for name in services:
        monkeypatch.setenv(f"INCASSO_{name.upper()}_DATABASE_URL", logs)
    monkeypatch.setenv("INCASSO_DATABASE_URL", own)
    merchant_id = ids.new("mer")
    merchant = merchants_pb2.Merchant(id=merchant_id, time_zone="Europe/Rome")
    made = event_of(merchants.MerchantCreated(merchant=merchant), BEGUN)
    events = of(merchant_id, [made, *EVENTS])
    log_db = await db.connect(logs, pool_size=1, service="reporting")
    found = await db.connect(own, pool_size=2, service="reporting")
    async with log_db.transaction() as tx:
        await log(tx, events)
    await book(found, events[1:6], "Europe/Rome")
    assert await recounted(capsys) == len(events)
    counted = await dump(found, merchant_id)
    assert counted.count("\n") > 12
    assert await recounted(capsys) == len(events)
    assert await dump(found, merchant_id) == counted
    async with found.connection() as conn:
        await conn.execute("UPDATE paid_orders SET revenue_minor = revenue_minor + 1")
    assert await recounted(capsys, "--anew") == len(events)
    assert await dump(found, merchant_id) == counted
    await found.close()
    await log_db.close()
