"""Routing in the console: ordered rules, changed only if they are still as shown; a second payment of an order."""

import re

import pytest

from incasso.payments.v1 import payments_pb2
from libs.roles import Role
from tests.services.console.conftest import Console
from tests.services.console.settings_samples import routing

PAGE = "/settings/routing"
VERSION = re.compile(r'name="version" value="([^"]+)"')


async def version_of(console: Console) -> str:
    found = VERSION.search(await console.page(PAGE))
    assert found is not None
    return found[1]


def saved(console: Console) -> payments_pb2.Routing:
    found: payments_pb2.Routing = console.services.last("UpdateRouting").request.routing
    return found


async def test_a_rule_is_added_at_the_end_as_typed(console: Console):
    fields = {
        "version": await version_of(console),
        "currencies": "eur",
        "amount_from": "10",
        "amount_to": "1.250,50",
        "method:one_click": "yes",
        "brands": "Visa, mastercard",
        "countries": "it de",
        "rank:sandbox-a": "2",
        "rank:sandbox-b": "1",
        "weight:sandbox-b": "3",
    }
    _, place, _ = await console.post(f"{PAGE}/rules/new", fields)
    assert place == f"{PAGE}?notice=saved"
    assert list(saved(console).rules[:2]) == list(routing().rules)
    rule = saved(console).rules[2]
    assert (list(rule.currencies), list(rule.methods)) == (["EUR"], ["one_click"])
    assert (rule.amount_from_minor, rule.amount_to_minor) == (1000, 125_050)
    assert (list(rule.brands), list(rule.countries)) == (["visa", "mastercard"], ["IT", "DE"])
    targets = {one.psp_account: (one.rank, one.weight) for one in rule.targets}
    assert targets == {"sandbox-a": (1, 1), "sandbox-b": (0, 3)}
    assert '"sandbox-a"' in console.services.last("RecordIntent").request.before


async def test_a_rule_is_edited_in_its_place(console: Console):
    page = await console.page(f"{PAGE}/rules/1")
    assert 'value="500.00"' in page
    fields = {"version": await version_of(console), "rank:sandbox-b": "1"}
    await console.post(f"{PAGE}/rules/1", fields)
    first, second = saved(console).rules
    assert [one.psp_account for one in first.targets] == ["sandbox-b"]
    assert second == routing().rules[1]


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"currencies": "EUR", "amount_from": "ten", "rank:sandbox-a": "1"}, "Not an amount"),
        ({"amount_from": "10", "rank:sandbox-a": "1"}, "name the currency"),
        ({"currencies": "EUR"}, "Give at least one account a place"),
    ],
)
async def test_an_invalid_rule_is_refused_with_the_reason(
    console: Console, fields: dict[str, str], expected: str
):
    version = await version_of(console)
    status, _, page = await console.post(f"{PAGE}/rules/new", {"version": version, **fields})
    assert status == 400
    assert expected in page
    assert console.services.calls("UpdateRouting") == 0


@pytest.mark.parametrize(("place", "way", "places"), [("2", "up", (1, 0)), ("1", "down", (1, 0))])
async def test_rules_can_be_moved_up_and_down(
    console: Console, place: str, way: str, places: tuple[int, ...]
):
    fields = {"version": await version_of(console), "way": way}
    await console.post(f"{PAGE}/rules/{place}/move", fields)
    assert list(saved(console).rules) == [routing().rules[at] for at in places]


async def test_a_rule_is_deleted(console: Console):
    fields = {"version": await version_of(console)}
    await console.post(f"{PAGE}/rules/1/delete", fields)
    assert list(saved(console).rules) == [routing().rules[1]]


@pytest.mark.parametrize("what", ["rules/1", "rules/1/move", "rules/1/delete", "rules/7/delete"])
async def test_a_change_to_an_outdated_version_of_the_rules_is_refused(console: Console, what: str):
    """Otherwise a rule's position could be another rule's by now."""
    version = await version_of(console) if "7" in what else "another"
    status, _, page = await console.post(f"{PAGE}/{what}", {"version": version})
    assert status == 409
    assert "Look at it again" in page
    assert console.services.calls("UpdateRouting") == 0


async def test_the_policy_for_duplicate_orders_is_saved(console: Console):
    status, _, _ = await console.post(PAGE, {"duplicate_orders": "perhaps"})
    assert status == 400
    _, place, _ = await console.post(PAGE, {"duplicate_orders": "flag"})
    assert place == f"{PAGE}?notice=policy_saved"
    policy = console.services.last("UpdatePaymentPolicy").request.payment_policy
    assert policy.duplicate_orders == policy.DUPLICATE_ORDERS_FLAG


async def test_an_operator_sees_the_rules_but_no_links_to_change_them(console: Console):
    console.act_as(Role.OPERATOR)
    page = await console.page(PAGE)
    assert "sandbox-a" in page
    assert "/settings/routing/rules" not in page


async def test_without_accounts_the_page_says_who_adds_them(console: Console):
    console.services.answers["ListPspAccounts"] = payments_pb2.ListPspAccountsResponse()
    assert "added by the operator of the installation" in await console.page(PAGE)
