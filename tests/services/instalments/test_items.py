"""Refunds by line: a returned item is worth what it cost, and no item is returned twice."""

import pytest

from libs.errors import InvalidArgument, RemoteRefusal
from services.instalments.rules import items
from services.instalments.rules.items import Line, Returned
from tests.services.instalments.test_plans import refusal
from tests.services.instalments.test_refunding import amounts

ORDER = [Line("Lamp", 3, 50_00), Line("Bulb", 10, 15_00), Line("Voucher", 1, -20_00)]


@pytest.mark.parametrize(
    ("returned", "amount"),
    [
        ([Returned(0, 1)], 50_00),
        ([Returned(0, 3), Returned(1, 2)], 180_00),
        ([Returned(0, 3), Returned(1, 10), Returned(2, 1)], 280_00),
    ],
)
def test_returned_items_are_worth_their_unit_price(returned: list[Returned], amount: int):
    assert items.amount_of(ORDER, returned, left_minor=280_00) == amount


@pytest.mark.parametrize(
    ("returned", "field"),
    [
        ([], "items"),
        ([Returned(0, 0)], "items.0.quantity"),
        ([Returned(0, -1)], "items.0.quantity"),
        ([Returned(0, 4)], "items.0.quantity"),
        ([Returned(1, 1), Returned(0, 3)], "items.1.quantity"),  # one was returned before
        ([Returned(2, 1)], "items"),  # has a negative price
        ([Returned(3, 1)], "items.0.line"),
        ([Returned(-1, 1)], "items.0.line"),
        ([Returned(1, 1), Returned(1, 1)], "items.1.line"),
    ],
)
def test_invalid_returned_lines_are_refused_by_field(returned: list[Returned], field: str):
    one_back = items.without(ORDER, [Returned(0, 1)])
    with pytest.raises(InvalidArgument) as no:
        items.amount_of(one_back, returned, left_minor=230_00)
    assert no.value.violations[0].field == field


def test_a_fully_returned_line_is_not_returned_again():
    lamps_back = items.without(ORDER, [Returned(0, 3)])
    with pytest.raises(InvalidArgument, match="invalid") as no:
        items.amount_of(lamps_back, [Returned(0, 1)], left_minor=130_00)
    assert "come back" in no.value.violations[0].description


def test_a_return_worth_more_than_the_remaining_price_is_refused():
    with pytest.raises(InvalidArgument) as no:
        items.amount_of(ORDER, [Returned(0, 1)], left_minor=49_99)
    assert "4999" in no.value.violations[0].description


LINES = [
    {"name": "Lamp", "quantity": 3, "unit_amount_minor": 50_00},
    {"name": "Shipping", "quantity": 1, "unit_amount_minor": 10_00},
]


async def with_lines(world):
    """A plan of 160.00 whose first part is paid."""
    await world.creditor()
    plan = await world.plan(items=LINES)
    return await world.sign(plan.id, await world.documents(plan.id))


async def back(world, plan_id: str, *returned: tuple[int, int], key: str = "r", **more):
    lines = [{"line": line, "quantity": quantity} for line, quantity in returned]
    fields = {"plan_id": plan_id, "items": lines, **more}
    return (await world.call("RefundInstalmentPlan", key=key, **fields)).plan


@pytest.mark.asyncio(loop_scope="session")
async def test_items_are_returned_in_steps_up_to_the_ordered_quantity(world):
    plan = await with_lines(world)
    assert [item.name for item in plan.items] == ["Lamp", "Shipping"]
    after = await back(world, plan.id, (0, 1))
    assert (after.price_refunded_minor, sum(amounts(after))) == (50_00, 110_00)
    with pytest.raises(RemoteRefusal) as no:
        await back(world, plan.id, (0, 3), key="three")
    assert [each.field for each in no.value.violations] == ["items.0.quantity"]
    gone = await back(world, plan.id, (0, 2), (1, 1), key="rest")
    assert (gone.price_refunded_minor, gone.refunded_minor) == (160_00, 53_33)
    listed = (await world.call("ListInstalmentRefunds", plan_id=plan.id)).data
    assert [[each.quantity for each in refund.items] for refund in listed] == [[2, 1], [1]]


@pytest.mark.asyncio(loop_scope="session")
@pytest.mark.parametrize(
    ("returned", "more", "field"),
    [
        ([(0, 0)], {}, "items.0.quantity"),
        ([(0, 4)], {}, "items.0.quantity"),
        ([(2, 1)], {}, "items.0.line"),
        ([(0, 1)], {"amount": {"amount_minor": 50_00, "currency": "EUR"}}, "amount"),
        ([], {}, "amount"),
    ],
)
async def test_an_invalid_refund_by_line_is_refused_by_field_and_changes_nothing(
    world, returned, more, field
):
    plan = await with_lines(world)
    with pytest.raises(RemoteRefusal) as no:
        await back(world, plan.id, *returned, **more)
    assert [each.field for each in no.value.violations] == [field]
    assert await world.get(plan.id) == plan


@pytest.mark.asyncio(loop_scope="session")
async def test_a_plan_whose_items_do_not_sum_to_the_price_is_refused(world):
    with pytest.raises(RemoteRefusal) as no:
        await world.plan(items=[{**LINES[0], "quantity": 2}])
    assert [each.field for each in no.value.violations] == ["items"]


@pytest.mark.asyncio(loop_scope="session")
async def test_a_plan_without_items_has_no_lines_to_refund(world):
    plan = await world.active(160_00)
    assert await refusal(back(world, plan.id, (0, 1))) == "invalid_argument"
