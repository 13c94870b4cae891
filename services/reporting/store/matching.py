"""SQL of the rules for pairs: items whose columns match become matches, all in one statement."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from libs.db import Conn
from libs.due import CLOCK_OFFSET, fair_sql
from libs.rows import Table
from services.reporting.rules.items import OpenItem, Side, Stage
from services.reporting.rules.matches import Match, Pair
from services.reporting.rules.matching import (
    DEFAULT_LATE_AFTER_DAYS,
    DEFAULT_TOLERANCE_MINOR,
    EARLY_DAYS,
    MOST_SUMMED,
    WINDOW_DAYS,
    Fit,
    Rule,
    Step,
)
from services.reporting.store.items import OPEN_ITEMS, SECONDS

MATCHES: Final = Table("matches", Match)
_PAIRS: Final = Table("pairs", Pair)
_LOCK: Final = 0x1E4C0C  # any constant: one run of a merchant at a time
_MOST_ALIKE: Final = 20  # items of one amount compared by day
_SAME_SOURCE: Final = "party, kind, "  # banks do not report these
_NEAR_DAYS: Final = f"theirs.happened_on BETWEEN ours.happened_on - {EARLY_DAYS} AND ours.happened_on + {WINDOW_DAYS}"
# A payer who has paid a party's payouts before identifies the party.
# A line that names another payment is not this one's, whatever its amount.
_NO_OTHER_PAYMENT: Final = "(ours.payment_reference IS NULL OR theirs.payment_reference IS NULL)"
_KNOWN_PAYER: Final = """EXISTS (
    SELECT FROM bank_lines AS line JOIN bank_lines AS before
        ON before.merchant_id = $1 AND before.counterparty_account = line.counterparty_account
        OR before.merchant_id = $1 AND line.counterparty_account IS NULL
            AND before.counterparty_name = line.counterparty_name
    JOIN matches ON matches.merchant_id = $1 AND matches.theirs_id = before.id
        AND matches.party = ours.party
    WHERE line.merchant_id = $1 AND line.id = theirs.id)"""
_TEXT_NAMES: Final = """EXISTS (
    SELECT FROM bank_lines AS line WHERE line.merchant_id = $1 AND line.id = theirs.id
        AND position(lower(ours.operation_reference) IN lower(line.text)) > 0)"""


def _side(side: Side, step: Step, equal: str) -> str:
    """Numbered and counted among equal ones."""
    column = step.ours if side is Side.OURS else step.theirs
    named = f"{column} AS reference" if column else "'' AS reference"
    only = f" AND {column} IS NOT NULL" if column else ""
    return f"""
    SELECT *, row_number() OVER (alike ORDER BY happened_on, id) AS n, count(*) OVER alike AS alikes
    FROM (SELECT *, {named} FROM open_items
        WHERE merchant_id = $1 AND stage = $2 AND side = '{side.value}'{only}) AS item
    WINDOW alike AS (PARTITION BY {equal})"""  # noqa: S608 - made of constants


def _pairs(stage: Stage, step: Step) -> str:
    same = _SAME_SOURCE if stage is Stage.PSP else ""
    equal = f"{same}currency, reference"
    if step.fit is not Fit.NEAR:
        equal += ", amount_minor"
    where = ["true"]
    join = equal
    match step.fit:
        case Fit.NUMBERED:
            join += ", n"
        case Fit.NEAR:
            where.append("ours.alikes = 1 AND theirs.alikes = 1")
            where.append(
                "abs(theirs.amount_minor - ours.amount_minor) <= coalesce(source.tolerance_minor, $3)"
            )
        case Fit.UNIQUE:
            where.append(f"ours.alikes <= {_MOST_ALIKE} AND theirs.alikes <= {_MOST_ALIKE}")
    match step.rule:
        case Rule.TEXT:
            where += [_NEAR_DAYS, _TEXT_NAMES]
        case Rule.AMOUNT:
            where.append(_NEAR_DAYS)
            if stage is Stage.PSP:
                where.append(_NO_OTHER_PAYMENT)
    on = " AND ".join(f"ours.{column} = theirs.{column}" for column in join.split(", "))
    found = f"""
    SELECT ours.id AS ours_id, theirs.id AS theirs_id, ours.kind, ours.party, theirs.currency,
        ours.amount_minor AS ours_minor, theirs.amount_minor, ours.payment_id,
        coalesce(ours.order_reference, theirs.order_reference) AS order_reference, ours.trace_id,
        theirs.happened_on, theirs.happened_on - ours.happened_on
            > coalesce(source.late_after_days, $4) AS is_late,
        -theirs.fee_minor AS fee_minor, CASE WHEN ours.kind = 'charge' THEN
            round(theirs.amount_minor * source.fee_basis_points / 10000.0)::bigint
            + source.fee_fixed_minor END AS fee_expected_minor,
        coalesce(source.tolerance_minor, $3) AS tolerance_minor
    FROM ({_side(Side.OURS, step, equal)}) AS ours JOIN ({_side(Side.THEIRS, step, equal)}) AS theirs ON {on}
    LEFT JOIN sources AS source ON source.merchant_id = $1 AND source.party = ours.party
    WHERE {" AND ".join(where)}"""  # noqa: S608 - made of constants
    if step.fit is not Fit.UNIQUE:
        return found
    known = f" AND {_KNOWN_PAYER.replace('ours.', 'pair.').replace('theirs.id', 'pair.theirs_id')}"
    return f"""
    SELECT pair.* FROM (SELECT pair.*, count(*) OVER (PARTITION BY ours_id) AS of_ours,
        count(*) OVER (PARTITION BY theirs_id) AS of_theirs FROM ({found}) AS pair) AS pair
    WHERE of_ours = 1 AND of_theirs = 1{known if step.needs_payer else ""}"""  # noqa: S608 - made of constants


def _sql(stage: Stage, step: Step) -> str:
    """Returns the number of pairs, with those at banks and those that deviate."""
    return f"""
WITH pairs AS MATERIALIZED ({_pairs(stage, step)}), gone_ours AS (
    DELETE FROM open_items USING pairs WHERE open_items.merchant_id = $1 AND open_items.stage = $2
        AND side = 'ours' AND id = ours_id
), gone_theirs AS (
    DELETE FROM open_items USING pairs WHERE open_items.merchant_id = $1 AND open_items.stage = $2
        AND side = 'theirs' AND id = theirs_id
), made AS (
    INSERT INTO matches (merchant_id, id, stage, rule, ours_id, theirs_id, kind, party, currency,
        amount_minor, difference_minor, payment_id, order_reference, trace_id, happened_on, matched_by, created_at)
    SELECT $1, 'mat' || substr(theirs_id, 4), $2, '{step.rule.value}', ours_id, theirs_id, kind,
        party, currency, amount_minor, amount_minor - ours_minor, payment_id, order_reference,
        trace_id, happened_on, 'reporting', $5 FROM pairs
), told AS (
    SELECT *, fee_expected_minor IS NOT NULL
        AND abs(fee_minor - fee_expected_minor) > tolerance_minor AS fee_differs FROM pairs
)
SELECT (SELECT count(*) FROM pairs) AS pairs, told.* FROM (VALUES (1)) AS one (one)
LEFT JOIN told ON $2 = 'bank' OR is_late OR fee_differs OR amount_minor <> ours_minor"""  # noqa: S608 - made of constants


# Due by their merchant's clock. After a crash, one is due again a few minutes later.
CLAIM: Final = f"""
WITH due AS ({fair_sql("reconciliations", columns="merchant_id", by_test_clock=True)}), held AS (
    UPDATE reconciliations SET due_at = now() + interval '5 minutes' FROM due
    WHERE reconciliations.merchant_id = due.merchant_id RETURNING reconciliations.merchant_id
)
SELECT merchant_id, merchant_id AS id, {CLOCK_OFFSET}
FROM held LEFT JOIN test_clocks USING (merchant_id)"""  # noqa: S608 - made of constants


async def next_due(conn: Conn, merchant_id: str, at: datetime) -> None:
    """For merchants that have any."""
    sql = "UPDATE reconciliations SET due_at = $2 WHERE merchant_id = $1"
    await conn.execute(sql, merchant_id, at)


async def own(conn: Conn, merchant_id: str) -> None:
    """Prevents other matching for the merchant until the end of the transaction."""
    await conn.execute("SELECT pg_advisory_xact_lock($1, hashtext($2))", _LOCK, merchant_id)


async def match(
    conn: Conn, merchant_id: str, stage: Stage, step: Step, now: datetime
) -> tuple[int, Sequence[Pair]]:
    """Number of pairs, and those that need further processing."""
    rows = await conn.raw.fetch(
        _sql(stage, step),
        merchant_id,
        stage.value,
        DEFAULT_TOLERANCE_MINOR,
        DEFAULT_LATE_AFTER_DAYS,
        now,
        timeout=SECONDS,
    )
    return rows[0]["pairs"], [_PAIRS.read(row) for row in rows if row["ours_id"] is not None]


async def open_of(conn: Conn, merchant_id: str, stage: Stage, side: Side) -> list[OpenItem]:
    """Oldest first, as many as are searched for sums."""
    where = (
        "WHERE merchant_id = $1 AND stage = $2 AND side = $3 ORDER BY happened_on, id"
        f" LIMIT {MOST_SUMMED}"
    )
    return await OPEN_ITEMS.all(conn, where, merchant_id, stage.value, side.value)


async def known_payers(
    conn: Conn, merchant_id: str, theirs_ids: Sequence[str]
) -> dict[str, set[str]]:
    """The parties for which each line's payer has paid before."""
    rows = await conn.fetch(
        "SELECT line.id, matches.party FROM bank_lines AS line JOIN bank_lines AS before"
        " ON before.merchant_id = $1 AND (before.counterparty_account = line.counterparty_account"
        "  OR line.counterparty_account IS NULL AND before.counterparty_name = line.counterparty_name)"
        " JOIN matches ON matches.merchant_id = $1 AND matches.theirs_id = before.id"
        " WHERE line.merchant_id = $1 AND line.id = ANY ($2) GROUP BY line.id, matches.party",
        merchant_id,
        list(theirs_ids),
    )
    found: dict[str, set[str]] = {}
    for row in rows:
        found.setdefault(row["id"], set()).add(row["party"])
    return found


async def add(conn: Conn, matches: Sequence[Match]) -> None:
    if matches:
        columns = ", ".join(_KINDS)
        marks = ", ".join(f"${n}::{kind}[]" for n, kind in enumerate(_KINDS.values(), 1))
        await conn.execute(
            f"INSERT INTO matches ({columns}) SELECT * FROM unnest({marks})",  # noqa: S608 - made of constants
            *MATCHES.arrays(matches, *_KINDS),
        )


_KINDS: Final = {
    "merchant_id": "text",
    "id": "text",
    "stage": "text",
    "rule": "text",
    "ours_id": "text",
    "theirs_id": "text",
    "kind": "text",
    "party": "text",
    "currency": "text",
    "amount_minor": "bigint",
    "difference_minor": "bigint",
    "payment_id": "text",
    "order_reference": "text",
    "trace_id": "text",
    "happened_on": "date",
    "matched_by": "text",
    "created_at": "timestamptz",
}
