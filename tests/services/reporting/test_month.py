"""A shop's month matches without exceptions, and planted mistakes are found by type; `make bench-month` has 100,000 payments."""

from collections import Counter

from bench import month, month_planted
from bench.month import Books

PAYMENTS = 1_500


async def test_a_clean_month_has_no_exceptions_and_exactly_the_planted_mistakes_are_found(
    world,
):
    books = Books(world.deps, world.merchant_id, lambda _: None)
    found = await month.proven(books, PAYMENTS)
    clean, mistaken = found["clean"], found["mistaken"]
    assert (clean["exceptions"], clean["open_items"]) == ([], 0)
    assert clean["matched"] > PAYMENTS
    assert clean["ledger_is_what_happened"]
    assert (mistaken["not_found"], mistaken["false"]) == ([], [])
    kinds = Counter(each.split()[0] for each in mistaken["found"])
    assert kinds.keys() == {plant.__name__ for plant in month_planted.PLANTS}
    assert mistaken["suggestions_of_twins"] == [2, 2]
