"""Each KPI against a case computed by hand."""

import pytest

from incasso.cod.v1 import events_pb2 as cod
from incasso.common.v1.money_pb2 import Money
from incasso.instalments.v1 import events_pb2 as instalments
from incasso.oneclick.v1 import events_pb2 as oneclick
from incasso.paylink.v1 import events_pb2 as paylink
from libs import wire
from services.reporting.rules import kpi_facts
from tests.services.reporting.kpi_events import (
    FIRST_PAID,
    Link,
    cart,
    cash,
    cod_order,
    day,
    erased,
    link,
    plan,
    session,
    sold,
    transferred,
)
from tests.services.reporting.world import rows

pytestmark = pytest.mark.asyncio(loop_scope="session")
NOVEMBER = {"from_day": "2026-11-01", "to_day": "2026-11-30", "currency": "EUR"}
YEAR = {"from_day": "2026-01-01", "to_day": "2026-12-31", "currency": "EUR"}
ABSENT = 0  # protobuf's value of an absent field


async def deliver(world, *messages, on: str = "2026-11-21") -> None:
    await world.book(*(world.event(message, at=day(on)) for message in messages))


async def steps(world, method: str, **asked) -> list[tuple]:
    answer = await world.call("GetKpis", **{**NOVEMBER, **asked})
    (found,) = (each for each in answer.conversion if each.method == method)
    return rows(
        found.steps,
        "step",
        "reached",
        "reached_before",
        "rate_basis_points",
        "total_rate_basis_points",
    )


async def test_a_step_counts_all_that_reached_it_and_its_rate_is_of_the_step_before(world):
    await deliver(
        world,
        *(link(paylink.PaymentLinkCreated, of) for of in ("lnk_1", "lnk_2", "lnk_3", "lnk_4")),
        link(paylink.PaymentLinkSent, "lnk_1"),
        link(paylink.PaymentLinkSeen, "lnk_2"),
        link(paylink.PaymentLinkPaying, "lnk_3"),
        link(paylink.PaymentLinkPaying, "lnk_3"),
        link(paylink.PaymentLinkPaid, "lnk_3"),
    )
    assert await steps(world, "link") == [
        ("created", 4, 4, 10_000, 10_000),
        ("sent", 3, 4, 7_500, 7_500),
        ("seen", 2, 3, 6_667, 5_000),
        ("paying", 1, 2, 5_000, 2_500),
        ("paid", 1, 1, 10_000, 2_500),
    ]


async def test_each_method_has_its_own_steps(world):
    await deliver(
        world,
        *(session(oneclick.OneClickSessionOpened, of) for of in ("ocs_1", "ocs_2", "ocs_3")),
        session(oneclick.OneClickSessionPaid, "ocs_2"),
        *(plan(instalments.PlanCreated, of) for of in ("pln_1", "pln_2")),
        plan(instalments.PlanAccepted, "pln_1"),
        plan(FIRST_PAID, "pln_1", activated_at=wire.timestamp(day("2026-11-21"))),
        cod_order(cod.CodOrderProposed, "cod_1"),
        cod_order(cod.CodOrderConfirmed, "cod_1"),
        cod_order(cod.CodOrderDispatched, "cod_2"),
        cod_order(cod.CodOrderCollected, "cod_3"),
    )
    counted = {
        method: [count for _, count, *_ in await steps(world, method)]
        for method in ("one_click", "instalments", "cod")
    }
    assert counted == {"one_click": [3, 1], "instalments": [2, 1, 1], "cod": [3, 3, 2, 1]}


async def test_conversion_covers_links_created_in_the_period_whenever_they_are_paid(world):
    late = day("2026-10-31")
    await deliver(
        world,
        link(paylink.PaymentLinkCreated, "lnk_1"),
        link(paylink.PaymentLinkPaid, "lnk_2", late),
    )
    await deliver(world, link(paylink.PaymentLinkPaid, "lnk_1"), on="2026-12-04")
    assert [count for _, count, *_ in await steps(world, "link")] == [1] * 5
    october = {"from_day": "2026-10-31", "to_day": "2026-10-31"}
    assert [count for _, count, *_ in await steps(world, "link", **october)] == [1] * 5
    assert await steps(world, "link", currency="CHF") == [
        (step, 0, 0, ABSENT, ABSENT) for step in kpi_facts.STEPS["link"]
    ]


async def test_reusable_links_and_links_of_other_methods_are_not_in_the_conversion(world):
    await deliver(
        world,
        link(paylink.PaymentLinkCreated, "lnk_1", reusable=True),
        link(paylink.PaymentLinkCreated, "lnk_2", origin=Link.ORIGIN_INSTALMENT),
        link(paylink.PaymentLinkCreated, "lnk_3", origin=Link.ORIGIN_COD),
        link(paylink.PaymentLinkCreated, "lnk_4", origin=Link.ORIGIN_BALANCE),
    )
    assert [count for _, count, *_ in await steps(world, "link")] == [0] * 5


async def order_values(world, **asked) -> dict[str, tuple]:
    answer = await world.call("GetKpis", **{**NOVEMBER, **asked})
    found = {"all": (answer.order_value,)}
    found |= {each.method: (each.with_it, each.without_it) for each in answer.order_values}
    return {
        name: tuple((of.revenue_minor, of.orders, of.average_minor) for of in values)
        for name, values in found.items()
    }


async def test_order_values_are_computed_with_and_without_each_method(world):
    """A-1 is paid by one click, A-2 by two link payments, A-3 by a plan, A-4 by link and in cash."""
    await deliver(
        world,
        sold(5000, "A-1"),
        sold(2000, "A-2", method="link", order_part="deposit"),
        sold(5001, "A-2", method="link", order_part="balance"),
        plan(
            FIRST_PAID,
            "pln_1",
            16000,
            order_reference="A-3",
            activated_at=wire.timestamp(day("2026-11-21")),
        ),
        sold(5333, "A-3", method="instalments", order_part="instalment:1"),
        sold(1000, "A-4", method="link", order_part="deposit"),
        cash(3000, "A-4", day("2026-12-02")),
    )
    assert await order_values(world) == {
        "all": ((32001, 4, 8000),),
        "one_click": ((5000, 1, 5000), (27001, 3, 9000)),
        "link": ((11001, 2, 5501), (21000, 2, 10500)),
        "instalments": ((16000, 1, 16000), (16001, 3, 5334)),
        "cod": ((4000, 1, 4000), (28001, 3, 9334)),
    }
    december = {"from_day": "2026-12-01", "to_day": "2026-12-31"}
    assert (await order_values(world, **december))["all"] == ((0, 0, ABSENT),)


async def test_each_use_of_a_reusable_link_or_repeated_reference_is_a_separate_order(
    world,
):
    first = sold(1000, "SUB")
    await deliver(
        world,
        first,
        sold(1000, "SUB", duplicate_of=first.payment.id),
        sold(500, "FAIR", method="link", order_part="use:lpy_1"),
        sold(500, "FAIR", method="link", order_part="use:lpy_2"),
        transferred(500, "FAIR", reusable=True),
    )
    assert (await order_values(world))["all"] == ((3500, 5, 700),)


async def test_only_transfers_that_no_plan_or_card_payment_reports_count_as_link_sales(world):
    paid_by_card = link(paylink.PaymentLinkPaid, "lnk_1", order_reference="A-1")
    await deliver(
        world,
        transferred(7000, "A-2"),
        transferred(5333, "A-3", plan_id="pln_1", origin=Link.ORIGIN_INSTALMENT),
        paid_by_card,
    )
    assert (await order_values(world))["link"] == ((7000, 1, 7000), (0, 0, ABSENT))


async def test_a_plan_financed_by_a_partner_counts_as_sold_when_completed(world):
    at = wire.timestamp(day("2026-11-21"))
    await deliver(
        world, plan(instalments.PlanCompleted, "pln_1", order_reference="A-1", ended_at=at)
    )
    ended = {"activated_at": at, "ended_at": wire.timestamp(day("2026-12-20"))}
    for kind in (instalments.PlanCompleted, FIRST_PAID):
        await deliver(world, plan(kind, "pln_2", order_reference="A-2", **ended), on="2026-12-20")
    assert (await order_values(world))["instalments"] == ((32000, 2, 16000), (0, 0, ABSENT))


async def test_recovered_carts_are_counted_among_those_sent_in_the_period(world):
    await deliver(
        world,
        *(cart(paylink.CartRecoverySent, f"crt_{n}", 1000 * n) for n in (1, 2, 3)),
        cart(paylink.CartRecovered, "crt_4", 9000),
    )
    await deliver(world, cart(paylink.CartRecovered, "crt_2", 2000), on="2026-12-02")
    found = (await world.call("GetKpis", **NOVEMBER)).carts
    assert (found.sent, found.sent_minor) == (3, 6000)
    assert (found.recovered, found.recovered_minor, found.rate_basis_points) == (1, 2000, 3333)
    nothing = (await world.call("GetKpis", **{**NOVEMBER, "currency": "CHF"})).carts
    assert not nothing.HasField("rate_basis_points")


async def values(world, **asked) -> dict[str, tuple]:
    answer = await world.call("GetLifetimeValues", **{**YEAR, **asked})
    return {
        row.segment: (
            row.customers,
            row.orders,
            row.revenue_minor,
            row.average_order_minor,
            row.orders_per_year_hundredths,
            row.value_minor,
        )
        for row in answer.data
    }


async def test_lifetime_value_is_average_order_times_orders_per_year_times_years(world):
    """Anna bought twice, for the first time in 2025, by link; Bruno once, by one click."""
    await deliver(world, sold(2000, "A-0", method="link", customer="cus_anna"), on="2025-12-31")
    await deliver(world, sold(3000, "A-1", customer="cus_anna"), on="2026-02-01")
    await deliver(world, sold(4001, "A-2", customer="cus_anna"), on="2026-11-01")
    await deliver(world, sold(5000, "A-3", customer="cus_bruno"), sold(900, "A-4"))
    assert await values(world) == {
        "all": (2, 3, 12001, 4000, 150, 18002),  # 12001 / 2 × 3 years, half up
        "new": (1, 1, 5000, 5000, 100, 15000),
        "returning": (1, 2, 7001, 3501, 200, 21003),
        "one_click": (1, 1, 5000, 5000, 100, 15000),
        "link": (1, 2, 7001, 3501, 200, 21003),
    }
    spring = {"from_day": "2026-01-01", "to_day": "2026-03-14", "years": 1}  # 73 days: 1/5 year
    assert (await values(world, **spring))["all"] == (1, 1, 3000, 3000, 500, 15000)
    answer = await world.call("GetLifetimeValues", **YEAR)
    assert (answer.years, answer.days, answer.orders_without_customer) == (3, 365, 1)


async def test_retention_counts_returning_customers_and_divides_the_spend_among_them(world):
    for customer, days in {
        "cus_1": ("2026-03-01", "2026-04-01", "2027-12-31"),
        "cus_2": ("2026-12-31", "2027-01-01"),
        "cus_3": ("2026-05-01", "2028-01-01"),
        "cus_4": ("2027-02-01",),
    }.items():
        for on in days:
            await deliver(world, sold(1000, f"{customer} {on}", customer=customer), on=on)
    asked = {"year": 2026, "currency": "EUR"}
    found = await world.call("GetRetention", **asked)
    assert (found.customers, found.returning_customers, found.rate_basis_points) == (3, 2, 6667)
    assert not found.HasField("spend_minor")
    assert not found.HasField("cost_minor")
    for amount in (1, 100_001):
        spent = Money(amount_minor=amount, currency="EUR")
        await world.call("PutRetentionSpend", year=2026, amount=spent)
    found = await world.call("GetRetention", **asked)
    assert (found.spend_minor, found.cost_minor) == (100_001, 50_001)
    nobody = await world.call("GetRetention", year=2028, currency="EUR")
    assert (nobody.customers, nobody.HasField("cost_minor")) == (1, False)
    audited = rows((await world.call("ListAuditRecords")).data, "action", "subject_id")
    assert audited == [("retention_spend.set", "2026 EUR")] * 2


async def test_an_erased_customer_is_in_no_segment_whatever_the_order_of_events(world):
    for number, messages in enumerate(
        (
            (
                sold(1000, "A-1", customer="cus_1"),
                erased("cus_1"),
                sold(1000, "A-2", customer="cus_1"),
            ),
            (erased("cus_1"), sold(1000, "A-3", customer="cus_1")),
        ),
        1,
    ):
        await deliver(world, *messages)
        answer = await world.call("GetLifetimeValues", **YEAR)
        assert (len(answer.data), answer.orders_without_customer) == (0, number + 1)
    assert (await order_values(world))["all"] == ((3000, 3, 1000),)
    async with world.deps.db.connection() as conn:
        for table in ("paid_orders", "paying_customers"):
            left = (
                f"SELECT count(*) FROM {table} WHERE merchant_id = $1 AND customer_id IS NOT NULL"
            )
            assert await conn.fetchval(left, world.merchant_id) == 0
