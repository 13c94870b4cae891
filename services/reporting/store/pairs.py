"""SQL of the rules for pairs: one statement turns all items whose columns match into matches.

Rows are identified by their place in the table (`ctid`). A row that an import changes meanwhile is
not deleted: the caller sees it by comparing the counts.
"""

from typing import Final

from services.reporting.rules.items import Side, Stage
from services.reporting.rules.matching import EARLY_DAYS, WINDOW_DAYS, Fit, Rule, Step

_MOST_ALIKE: Final = 20  # items of one amount that are compared by day
_SAME_SOURCE: Final = ("party", "kind")  # columns that PSPs report and banks do not
_NEAR_DAYS: Final = f"theirs.happened_on BETWEEN ours.happened_on - {EARLY_DAYS} AND ours.happened_on + {WINDOW_DAYS}"
# Two different payment references never match, even if the amounts are equal.
_NO_OTHER_PAYMENT: Final = "(ours.payment_reference IS NULL OR theirs.payment_reference IS NULL)"
# A payer who has paid a party's payouts before identifies the party.
_KNOWN_PAYER: Final = """(
    SELECT true FROM bank_lines AS line JOIN bank_lines AS before
        ON before.merchant_id = $1 AND before.counterparty_account = line.counterparty_account
        OR before.merchant_id = $1 AND line.counterparty_account IS NULL
            AND before.counterparty_name = line.counterparty_name
    JOIN matches ON matches.merchant_id = $1 AND matches.theirs_id = before.id
        AND matches.party = pair.party
    WHERE line.merchant_id = $1 AND line.id = pair.theirs_id LIMIT 1)"""
_TEXT_NAMES: Final = """EXISTS (
    SELECT FROM bank_lines AS line WHERE line.merchant_id = $1 AND line.id = theirs.id
        AND position(lower(ours.operation_reference) IN lower(line.text)) > 0)"""
_PAIR: Final = """ours_at, theirs_at, ours_id, theirs_id, kind, party, currency, ours_minor, amount_minor,
    payment_id, order_reference, trace_id, happened_on, is_late, fee_minor, fee_expected_minor, tolerance_minor"""


def sql_of(stage: Stage, step: Step) -> str:
    """The statement returns the number of pairs and of deleted items, with the pairs to process
    further: all those at banks, and at PSPs those that deviate.
    """
    return f"""
WITH {_pairs(stage, step)}, gone_ours AS (
    DELETE FROM open_items USING pairs
    WHERE open_items.merchant_id = $1 AND open_items.ctid = ours_at
        AND open_items.id = ours_id AND open_items.amount_minor = ours_minor RETURNING 1
), gone_theirs AS (
    DELETE FROM open_items USING pairs
    WHERE open_items.merchant_id = $1 AND open_items.ctid = theirs_at
        AND open_items.id = theirs_id AND open_items.amount_minor = pairs.amount_minor RETURNING 1
), made AS (
    INSERT INTO matches (merchant_id, id, stage, rule, ours_id, theirs_id, kind, party, currency,
        amount_minor, difference_minor, payment_id, order_reference, trace_id, happened_on, matched_by, created_at)
    SELECT $1, 'mat' || substr(theirs_id, 4), $2, '{step.rule.value}', ours_id, theirs_id, kind,
        party, currency, amount_minor, amount_minor - ours_minor, payment_id, order_reference,
        trace_id, happened_on, 'reporting', $5 FROM pairs
), compared AS (
    SELECT *, fee_expected_minor IS NOT NULL
        AND abs(fee_minor - fee_expected_minor) > tolerance_minor AS fee_differs FROM pairs
)
SELECT (SELECT count(*) FROM pairs) AS pairs, (SELECT count(*) FROM gone_ours) AS ours_gone,
    (SELECT count(*) FROM gone_theirs) AS theirs_gone, compared.* FROM (VALUES (1)) AS one (one)
LEFT JOIN compared ON $2 = 'bank' OR is_late OR fee_differs OR amount_minor <> ours_minor"""  # noqa: S608 - made of constants


def _pairs(stage: Stage, step: Step) -> str:
    equal = ["currency", "reference", *(_SAME_SOURCE if stage is Stage.PSP else ())]
    if step.fit is not Fit.NEAR:
        equal.append("amount_minor")
    match step.fit:
        case Fit.NUMBERED:
            return _numbered(step, equal)
        case Fit.NEAR:
            only = "ours.alikes = 1 AND theirs.alikes = 1 AND abs(theirs.amount_minor - ours.amount_minor)"
            only += " <= coalesce(source.tolerance_minor, $3)"
            return f"pairs AS MATERIALIZED ({_joined(step, equal, only, counted=True)})"
        case Fit.UNIQUE:
            return f"pairs AS MATERIALIZED ({_only_one(stage, step, equal)})"


def _numbered(step: Step, equal: list[str]) -> str:
    """Sorts only items that fit several: nearly all fit exactly one."""
    keys = ", ".join(equal)
    return f"""hits AS MATERIALIZED ({_joined(step, equal, "true", counted=False)}), several AS MATERIALIZED (
    SELECT ours_at AS at FROM hits GROUP BY ours_at HAVING count(*) > 1
    UNION ALL SELECT theirs_at FROM hits GROUP BY theirs_at HAVING count(*) > 1
), numbered AS (
    SELECT *, dense_rank() OVER (PARTITION BY {keys} ORDER BY ours_on, ours_id) AS of_ours,
        dense_rank() OVER (PARTITION BY {keys} ORDER BY happened_on, theirs_id) AS of_theirs FROM hits
    WHERE ours_at IN (SELECT at FROM several) OR theirs_at IN (SELECT at FROM several)
), pairs AS MATERIALIZED (
    SELECT {_PAIR} FROM hits
    WHERE ours_at NOT IN (SELECT at FROM several) AND theirs_at NOT IN (SELECT at FROM several)
    UNION ALL SELECT {_PAIR} FROM numbered WHERE of_ours = of_theirs
)"""  # noqa: S608 - made of constants


def _only_one(stage: Stage, step: Step, equal: list[str]) -> str:
    only = [f"ours.alikes <= {_MOST_ALIKE} AND theirs.alikes <= {_MOST_ALIKE}"]
    if step.rule is Rule.TEXT:
        only += [_NEAR_DAYS, _TEXT_NAMES]
    if step.rule is Rule.AMOUNT:
        only += [_NEAR_DAYS, *([_NO_OTHER_PAYMENT] if stage is Stage.PSP else ())]
    found = _joined(step, equal, " AND ".join(only), counted=True)
    known = f" AND {_KNOWN_PAYER}" if step.needs_payer else ""
    return f"""
    SELECT pair.* FROM (SELECT pair.*, count(*) OVER (PARTITION BY ours_id) AS of_ours,
        count(*) OVER (PARTITION BY theirs_id) AS of_theirs FROM ({found}) AS pair) AS pair
    WHERE of_ours = 1 AND of_theirs = 1{known}"""  # noqa: S608 - made of constants


def _joined(step: Step, equal: list[str], only: str, *, counted: bool) -> str:
    keys = equal if counted else []
    ours, theirs = (_side(side, step, keys) for side in (Side.OURS, Side.THEIRS))
    on = " AND ".join(f"ours.{column} = theirs.{column}" for column in equal)
    return f"""
    SELECT ours.at AS ours_at, theirs.at AS theirs_at, ours.id AS ours_id, theirs.id AS theirs_id,
        ours.reference, ours.happened_on AS ours_on, ours.kind, ours.party, theirs.currency,
        ours.amount_minor AS ours_minor, theirs.amount_minor, ours.payment_id,
        coalesce(ours.order_reference, theirs.order_reference) AS order_reference, ours.trace_id,
        theirs.happened_on, theirs.happened_on - ours.happened_on
            > coalesce(source.late_after_days, $4) AS is_late,
        -theirs.fee_minor AS fee_minor, CASE WHEN ours.kind = 'charge' THEN
            round(theirs.amount_minor * source.fee_basis_points / 10000.0)::bigint
            + source.fee_fixed_minor END AS fee_expected_minor,
        coalesce(source.tolerance_minor, $3) AS tolerance_minor
    FROM ({ours}) AS ours JOIN ({theirs}) AS theirs ON {on}
    LEFT JOIN sources AS source ON source.merchant_id = $1 AND source.party = ours.party
    WHERE {only}"""  # noqa: S608 - made of constants


def _side(side: Side, step: Step, counted: list[str]) -> str:
    """The items of one side. With `counted` columns, adds the number of items equal in them."""
    column = step.ours if side is Side.OURS else step.theirs
    items = f"""SELECT ctid AS at, *, {column or "''"} AS reference FROM open_items
        WHERE merchant_id = $1 AND stage = $2 AND side = '{side.value}'"""  # noqa: S608 - made of constants
    items += f" AND {column} IS NOT NULL" if column else ""
    if not counted:
        return items
    keys = ", ".join(counted)
    return f"SELECT *, count(*) OVER (PARTITION BY {keys}) AS alikes FROM ({items}) AS item"  # noqa: S608 - made of constants
