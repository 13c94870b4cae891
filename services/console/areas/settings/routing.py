"""PSP accounts, and the rules that choose among them: in order, the first that matches decides."""

import hashlib
from collections.abc import Sequence
from typing import Final

from incasso.payments.v1 import payments_pb2
from libs.errors import invalid
from libs.money import Money
from services.console.errors import ChangedMeanwhile
from services.console.listing import enum_value
from services.console.page import Html, Page, See, get, post
from services.console.rules.amounts import amount_of, typed
from services.console.rules.lists import moved, words_of
from services.console.visit import Visit

AREA: Final = "settings_routing"
METHODS: Final = ("one_click", "link", "instalments")
DUPLICATES: Final = ("refuse", "flag", "allow")
PLACES: Final = 5  # accounts that a rule tries in turn, in the form
NEW: Final = "new"
RULE = payments_pb2.RoutingRule
POLICY = payments_pb2.PaymentPolicy


async def shown(visit: Visit) -> Html:
    routing = await _routing(visit)
    policy = (await visit.ask(payments_pb2.GetPaymentPolicyRequest())).payment_policy
    return Html(
        "routing.html",
        {
            "accounts": await _accounts(visit),
            "rules": routing.rules,
            "version": _version(routing),
            "policy": policy,
            "duplicates": DUPLICATES,
            "manages": visit.who.holds("routing:write"),
        },
    )


async def rule_form(visit: Visit) -> Html:
    """The form of one rule, by its position, or of a new one."""
    routing = await _routing(visit)
    place = _place(visit, routing)
    rule = RULE() if place is None else routing.rules[place]
    return Html(
        "routing_rule.html",
        {
            "rule": rule,
            "place": visit.part("place"),
            "version": visit.typed("version", _version(routing)),
            "accounts": [account.name for account in await _accounts(visit)],
            "targets": {target.psp_account: target for target in rule.targets},
            "methods": METHODS,
            "ranks": _ranks(visit),
            "amounts": _amounts(rule),
        },
    )


async def save_rule(visit: Visit) -> See:
    before = await _current(visit)
    place, rules = _place(visit, before), list(before.rules)
    rule = await _rule(visit)
    if place is None:
        rules.append(rule)
    else:
        rules[place] = rule
    return await _replace(visit, before, rules, "saved")


async def move_rule(visit: Visit) -> See:
    before = await _current(visit)
    place = _known(visit, before)
    by = -1 if visit.typed("way") == "up" else 1
    return await _replace(visit, before, moved(before.rules, place, by), "moved")


async def delete_rule(visit: Visit) -> See:
    before = await _current(visit)
    place = _known(visit, before)
    rules = [rule for at, rule in enumerate(before.rules) if at != place]
    return await _replace(visit, before, rules, "deleted")


async def save_policy(visit: Visit) -> See:
    before = (await visit.ask(payments_pb2.GetPaymentPolicyRequest())).payment_policy
    chosen = enum_value(POLICY.DuplicateOrders, visit.typed("duplicate_orders"))
    if chosen is None:
        raise invalid("duplicate_orders", visit.word("duplicates_missing"))
    policy = POLICY(duplicate_orders=chosen)
    request = payments_pb2.UpdatePaymentPolicyRequest(payment_policy=policy)
    await visit.change(request, before=before)
    return See("/settings/routing", notice="policy_saved")


async def _replace(
    visit: Visit,
    before: payments_pb2.Routing,
    rules: Sequence[payments_pb2.RoutingRule],
    notice: str,
) -> See:
    request = payments_pb2.UpdateRoutingRequest(routing=payments_pb2.Routing(rules=rules))
    await visit.change(request, before=before)
    return See("/settings/routing", notice=notice)


async def _rule(visit: Visit) -> payments_pb2.RoutingRule:
    """The rule as typed. Accounts are tried in the order of their fields."""
    currencies = words_of(visit.typed("currencies").upper())
    rule = RULE(
        currencies=currencies,
        methods=[name for name in METHODS if visit.typed(f"method:{name}") == "yes"],
        brands=words_of(visit.typed("brands").lower()),
        countries=words_of(visit.typed("countries").upper()),
        amount_from_minor=_minor(visit, "amount_from", currencies),
        amount_to_minor=_minor(visit, "amount_to", currencies),
    )
    for account in [one.name for one in await _accounts(visit)]:
        rank = visit.number(f"rank:{account}")
        if rank:
            weight = visit.number(f"weight:{account}") or 1
            rule.targets.add(psp_account=account, rank=rank - 1, weight=weight)
    if not rule.targets:
        raise invalid("targets", visit.word("targets_missing"))
    return rule


def _minor(visit: Visit, field: str, currencies: Sequence[str]) -> int | None:
    text = visit.typed(field)
    if not text:
        return None
    amount = amount_of(text, currencies[0]) if currencies else None
    if amount is None:
        raise invalid(field, visit.word("amount_unreadable"))
    return amount.amount_minor


def _ranks(visit: Visit) -> list[tuple[str, str]]:
    """The choices for an account; 0 means that it is not used."""
    places = [(str(rank), f"{visit.word('place')} {rank}") for rank in range(1, PLACES + 1)]
    return [("0", visit.word("not_used")), *places]


def _amounts(rule: payments_pb2.RoutingRule) -> dict[str, str]:
    """The amounts as typed in their fields."""
    low = rule.amount_from_minor if rule.HasField("amount_from_minor") else None
    high = rule.amount_to_minor if rule.HasField("amount_to_minor") else None
    return {
        name: typed(Money(minor, rule.currencies[0])) if minor is not None else ""
        for name, minor in (("from", low), ("to", high))
    }


def _place(visit: Visit, routing: payments_pb2.Routing) -> int | None:
    """The rule's position, from 0; None for a new rule."""
    return None if visit.part("place") == NEW else _known(visit, routing)


def _known(visit: Visit, routing: payments_pb2.Routing) -> int:
    text = visit.part("place")
    place = int(text) - 1 if text.isascii() and text.isdigit() and len(text) <= 3 else -1  # noqa: PLR2004 - 100 rules at most
    if not 0 <= place < len(routing.rules):
        raise ChangedMeanwhile
    return place


async def _current(visit: Visit) -> payments_pb2.Routing:
    """The rules as they were shown. Raises ChangedMeanwhile: a place may now be another rule's."""
    routing = await _routing(visit)
    if visit.typed("version") != _version(routing):
        raise ChangedMeanwhile
    return routing


def _version(routing: payments_pb2.Routing) -> str:
    return hashlib.sha256(routing.SerializeToString(deterministic=True)).hexdigest()[:16]


async def _routing(visit: Visit) -> payments_pb2.Routing:
    found: payments_pb2.Routing = (await visit.ask(payments_pb2.GetRoutingRequest())).routing
    return found


async def _accounts(visit: Visit) -> Sequence[payments_pb2.PspAccount]:
    found: Sequence[payments_pb2.PspAccount] = (
        await visit.ask(payments_pb2.ListPspAccountsRequest())
    ).data
    return found


READS: Final = ("payments.GetRouting", "payments.ListPspAccounts", "payments.GetPaymentPolicy")
RULES: Final = (*READS, "payments.UpdateRouting")
ONE: Final = "/settings/routing/rules/{place}"
PAGES: Final[tuple[Page, ...]] = (
    get("/settings/routing", shown, AREA, *READS),
    post(
        "/settings/routing",
        save_policy,
        AREA,
        *READS,
        "payments.UpdatePaymentPolicy",
        again=shown,
    ),
    get(ONE, rule_form, AREA, *RULES),
    post(ONE, save_rule, AREA, *RULES, again=rule_form),
    post(f"{ONE}/move", move_rule, AREA, *RULES, again=shown),
    post(f"{ONE}/delete", delete_rule, AREA, *RULES, again=shown),
)
