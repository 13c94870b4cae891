import pytest

from tests.kit.grouped_cases import grouped

NUMBERS = [(1, "a"), (2, "b"), (3, "b"), (4, "b")]


@grouped("number, kind", NUMBERS, by=lambda _, kind: kind, ids=lambda number, _: f"no. {number}")
def is_odd(number, kind, seen):
    seen.append(number)
    assert number % 2 == 1


@grouped("number", [3, 4], by=lambda _: "all")
async def is_odd_too(number):
    assert number % 2 == 1


def groups_of(test):
    """The cases of each test, by the test's name."""
    (mark,) = test.pytestmark
    return dict(zip(mark.kwargs["ids"], mark.args[1], strict=True))


def test_all_cases_run_and_every_failure_is_reported():
    seen = []
    with pytest.raises(ExceptionGroup, match="2 of 3 cases failed") as caught:
        is_odd(cases=groups_of(is_odd)["b"], seen=seen)
    assert seen == [2, 3, 4]
    notes = [error.__notes__ for error in caught.value.exceptions]
    assert notes == [["in the case of no. 2"], ["in the case of no. 4"]]


def test_passing_cases_raise_nothing():
    is_odd(cases=groups_of(is_odd)["a"], seen=[])


async def test_failures_of_async_cases_are_reported():
    with pytest.raises(ExceptionGroup, match="1 of 2 cases failed"):
        await is_odd_too(cases=groups_of(is_odd_too)["all"])
