"""Reconciliation: matches open items by the rules in order, and lists the rest as exceptions.

A run is one transaction: a killed run changes nothing, and the next one does all its work.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from libs import context
from libs.db import Conn
from libs.errors import ServiceUnavailable
from libs.logs import log
from services.reporting.deps import Deps
from services.reporting.flows import clearing
from services.reporting.rules import exceptions as exception_rules
from services.reporting.rules import matching as rules
from services.reporting.rules.exceptions import About, ExceptionType
from services.reporting.rules.items import Side, Stage
from services.reporting.rules.matches import Pair
from services.reporting.rules.matching import Rule, Sum
from services.reporting.store import exceptions as exceptions_store
from services.reporting.store import matching as store

AGAIN: Final = timedelta(days=1)  # until the next run, which finds items that are late by then
TRIES: Final = 3


@dataclass(frozen=True, slots=True)
class Reconciled:
    """Number of matches, also by rule, and of open exceptions, also by type."""

    matched: int
    resolved: int
    open_exceptions: int
    by_rule: tuple["RuleCount", ...]
    by_type: tuple["TypeCount", ...]


@dataclass(frozen=True, slots=True)
class RuleCount:
    stage: Stage
    rule: Rule
    matched: int


@dataclass(frozen=True, slots=True)
class TypeCount:
    type: ExceptionType
    open: int


async def reconcile(deps: Deps) -> Reconciled:
    """Idempotent, except for new items. Raises ServiceUnavailable if imports keep changing items
    while they are matched.
    """
    for _ in range(TRIES):
        try:
            return await _run(deps)
        except store.Overtaken:
            log.info("a run of reconciliation was overtaken by an import")
    raise ServiceUnavailable


async def _run(deps: Deps) -> Reconciled:
    merchant_id, now = context.merchant_id(), deps.clock.now()
    async with deps.db.transaction() as tx:
        was_due_at = await store.begin(tx, merchant_id)
        counts: Counter[tuple[Stage, Rule]] = Counter()
        for stage, steps in rules.STEPS.items():
            for step in steps:
                async for pairs, odd in store.match(tx, merchant_id, stage, step, now):
                    await _follow(tx, merchant_id, stage, odd, now)
                    counts[stage, step.rule] += pairs
            counts[stage, Rule.SUM] = await _match_sums(tx, merchant_id, stage, now)
        resolved = await _judge(tx, merchant_id, now)
        await store.next_due(tx, merchant_id, now + AGAIN, was=was_due_at)
        open_counts = await exceptions_store.counts(tx, merchant_id)
    return Reconciled(
        matched=sum(counts.values()),
        resolved=resolved,
        open_exceptions=sum(open_counts.values()),
        by_rule=tuple(
            RuleCount(stage, rule, count) for (stage, rule), count in counts.items() if count
        ),
        by_type=tuple(TypeCount(ExceptionType(kind), n) for kind, n in open_counts.items()),
    )


async def _follow(
    tx: Conn, merchant_id: str, stage: Stage, pairs: Sequence[Pair], now: datetime
) -> None:
    """Books movements between accounts; adds exceptions for matches that deviate from the agreed
    terms.
    """
    cleared = [made for pair in pairs if (made := clearing.of_pair(merchant_id, stage, pair, now))]
    await clearing.book(tx, cleared)
    found = [
        exception_rules.raised(judged, pair.theirs_id, _about(merchant_id, stage, pair), now)
        for pair in pairs
        for judged in exception_rules.not_as_agreed(pair)
    ]
    await exceptions_store.raise_all(tx, found)


def _about(merchant_id: str, stage: Stage, pair: Pair) -> About:
    return About(
        merchant_id,
        stage,
        pair.party,
        pair.currency,
        pair.payment_id,
        pair.order_reference,
        pair.trace_id,
        pair.happened_on,
    )


async def _match_sums(tx: Conn, merchant_id: str, stage: Stage, now: datetime) -> int:
    """Matches one of their items with several of ours that add up to it, and vice versa."""
    ours = await store.open_of(tx, merchant_id, stage, Side.OURS)
    theirs = await store.open_of(tx, merchant_id, stage, Side.THEIRS)
    found = [*rules.sums(theirs, ours), *rules.sums(ours, theirs)]
    if stage is Stage.BANK and found:
        found = await _of_known_payers(tx, merchant_id, found)
    apart = rules.apart(found)
    for one_sum in apart:
        await clearing.match(tx, one_sum, (), rule=Rule.SUM, matched_by="reporting", now=now)
    return len(apart)


async def _of_known_payers(tx: Conn, merchant_id: str, found: Sequence[Sum]) -> list[Sum]:
    """Keeps sums from known payers: without a reference, an equal amount alone proves nothing."""
    theirs = [
        each.id for one in found for each in (one.one, *one.parts) if each.side is Side.THEIRS
    ]
    known = await store.known_payers(tx, merchant_id, theirs)

    def is_known(one_sum: Sum) -> bool:
        members = (one_sum.one, *one_sum.parts)
        parties = {each.party for each in members if each.side is Side.OURS}
        return all(
            parties <= known.get(each.id, set()) for each in members if each.side is Side.THEIRS
        )

    return [each for each in found if is_known(each)]


async def _judge(tx: Conn, merchant_id: str, now: datetime) -> int:
    """Adds exceptions for items still open. Returns the number resolved automatically."""
    found = await exceptions_store.unmatched(tx, merchant_id)
    judged = [(each, exception_rules.judge(each)) for each in found]
    await exceptions_store.raise_all(tx, [exception_rules.of_item(*each, now) for each in judged])
    missing = [
        (each, exception_rules.judge(each))
        for each in await exceptions_store.missing(tx, merchant_id, now.date())
    ]
    await exceptions_store.raise_all(tx, [exception_rules.of_item(*each, now) for each in missing])
    await exceptions_store.refresh(tx, merchant_id)
    kinds = [(each.item.id, verdict.type) for each, verdict in (*judged, *missing)]
    return await exceptions_store.supersede(tx, merchant_id, kinds, now)
