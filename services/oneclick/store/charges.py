"""SQL of one-click charges. This is the benchmarked path: few statements, each with its reason."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from libs import idempotency, rows
from libs.db import Conn
from libs.errors import StoredRefusal
from libs.idempotency import Key
from libs.money import Money
from libs.payments.answer import Answer, Outcome, ScaHistory
from libs.payments.due import CHECK_AFTER
from libs.payments.events import PaymentEvent
from services.oneclick.rules.domain import Charge, GivenConsent, charge_sources, charge_target
from services.oneclick.rules.items import Lowering
from services.oneclick.rules.sessions import AFTER_CHARGE
from services.oneclick.rules.spending import DAY, HOUR, Spending
from services.oneclick.store.history import SCA_WINDOW, since_challenge_sql

_CHARGES: Final = rows.Table("charges", Charge, spread={"sca": "sca_"})

get: Final = _CHARGES.get
lock: Final = _CHARGES.lock

# The charge's own columns: its history is counted by the statement that writes it.
_GIVEN: Final = tuple(column for column in _CHARGES.columns if not column.startswith("sca_"))
_MARKS: Final = {column: f"${number}" for number, column in enumerate(_GIVEN, 1)}
_MERCHANT, _CUSTOMER = _MARKS["merchant_id"], _MARKS["customer_id"]
_HOUR, _DAY, _CHALLENGED, _WINDOW, _CHECK = (f"${len(_GIVEN) + n}" for n in range(1, 6))
# A separate statement after the lock, so that it sees what others charged before they released it.
_HISTORY: Final = since_challenge_sql(
    merchant=_MERCHANT,
    instrument=_MARKS["instrument_id"],
    currency=_MARKS["currency"],
    challenge=f"{_CHALLENGED}::timestamptz",
    window=_WINDOW,
)
_INSERT: Final = f"""
WITH spent_in AS (
    SELECT currency, sum(amount_minor)::bigint AS amount_minor,
        count(*) FILTER (WHERE created_at > {_HOUR}) AS hourly_charges
    FROM charges WHERE merchant_id = {_MERCHANT} AND customer_id = {_CUSTOMER}
        AND created_at > {_DAY} AND state IN ('started', 'under_way', 'succeeded')
    GROUP BY currency
), spent AS (
    SELECT coalesce(jsonb_object_agg(currency, spent_in.amount_minor), '{{}}') AS daily,
        coalesce(sum(hourly_charges), 0)::bigint AS hourly_charges
    FROM spent_in
), unchallenged AS (
    {_HISTORY}
), inserted AS (
    INSERT INTO charges ({", ".join(_GIVEN)}, due_at, sca_payments, sca_amount_minor)
    SELECT {", ".join(_MARKS.values())}, now() + {_CHECK}, payments, unchallenged.amount_minor
    FROM unchallenged
)
SELECT daily, hourly_charges, payments, amount_minor, EXISTS (
    SELECT FROM instruments
    WHERE merchant_id = {_MERCHANT} AND id = {_MARKS["instrument_id"]} AND state = 'active'
) AS usable FROM spent, unchallenged"""  # noqa: S608 - made of constants


@dataclass(frozen=True, slots=True)
class Inserted:
    """The state before the charge. `usable`: the instrument was not detached while we waited."""

    spending: Spending
    sca: ScaHistory
    usable: bool


async def insert(conn: Conn, charge: Charge, last_challenge_at: datetime | None) -> Inserted:
    """Writes the intent and returns the previous spending; the caller checks it, or rolls back."""
    since = (charge.created_at - HOUR, charge.created_at - DAY)
    more = (*since, last_challenge_at, SCA_WINDOW, CHECK_AFTER)
    row = await conn.fetchrow(_INSERT, *_CHARGES.values(charge, *_GIVEN), *more)
    assert row is not None  # aggregates give a row
    return Inserted(
        Spending(
            tuple(Money(minor, currency) for currency, minor in row["daily"].items()),
            row["hourly_charges"],
        ),
        ScaHistory(row["payments"], row["amount_minor"]),
        row["usable"],
    )


async def of_payment(conn: Conn, merchant_id: str, payment_id: str, key: str = "") -> Charge | None:
    """The charge of a payment, or the one with this key and no payment id yet."""
    where = "WHERE merchant_id = $1 AND (payment_id = $2 OR id = $3 AND payment_id IS NULL)"
    return await _CHARGES.one(conn, where, merchant_id, payment_id, key)


_CONSENT: Final = """
SELECT text_version, accepted_at, consents.created_at, sca_reference,
    charges.created_at AS charged_at, session_id IS NOT NULL AS in_session
FROM charges JOIN consents
    ON (consents.merchant_id, consents.id) = (charges.merchant_id, charges.consent_id)
WHERE charges.merchant_id = $1 AND charges.payment_id = $2"""


async def consent_of(conn: Conn, merchant_id: str, payment_id: str) -> GivenConsent | None:
    row = await conn.fetchrow(_CONSENT, merchant_id, payment_id)
    return None if row is None else GivenConsent(**dict(row))


# One statement, so one round trip and one transaction: the charge, the key's answer, the session of
# the click, and the instrument's last challenge. A charge is only ever lowered, so answers and
# events may arrive in any order.
_RECORD = f"""
WITH recorded AS (
    UPDATE charges SET state = $4, payment_id = $5, capture_at = $6,
        amount_minor = least(amount_minor, nullif($7::bigint, 0)), challenged = challenged OR $8,
        request = NULL, due_at = CASE WHEN $4 = 'under_way' OR lowering IS NOT NULL
            THEN coalesce(due_at, now() + $9) END
    WHERE merchant_id = $1 AND id = $2 AND state = ANY($3::text[])
    RETURNING session_id, instrument_id, challenged, created_at
), answered AS (
    {idempotency.finish_sql(11)}
), session AS (
    UPDATE sessions SET state = $10, payment_id = $5
    WHERE merchant_id = $1 AND id = (SELECT session_id FROM recorded)
        AND charge_id = $2 AND state = 'paying'
), challenge AS (
    UPDATE instruments SET last_challenge_at = greatest(last_challenge_at, recorded.created_at)
    FROM recorded WHERE instruments.merchant_id = $1 AND instruments.id = recorded.instrument_id
        AND recorded.challenged AND $4 = 'succeeded'
)
SELECT count(*) FROM recorded"""  # noqa: S608 - made of constants


async def record(conn: Conn, charge: Charge, payment: Answer, *, key: Key | None = None) -> bool:
    """Records the outcome of a charge; False if its state no longer allows it.

    `key` is the caller's: answered if payments' answer is final for this call, otherwise unlocked.
    """
    state = charge_target(payment.outcome)
    count = await conn.fetchval(
        _RECORD,
        charge.merchant_id,
        charge.id,
        [source.value for source in charge_sources(payment.outcome)],
        state.value,
        payment.id,
        payment.capture_at,
        payment.capturable_minor,
        payment.challenged,
        CHECK_AFTER,
        AFTER_CHARGE[state].value,
        *idempotency.finish_values(key, payment.body if payment.settled else None),
    )
    return bool(count)


_KNOWN = """
SELECT event.event_id
FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::timestamptz[], $6::bigint[],
    $7::boolean[]) AS event (event_id, merchant_id, payment_id, state, capture_at,
    capturable_minor, challenged)
JOIN charges USING (merchant_id, payment_id)
WHERE charges.state = event.state AND charges.capture_at IS NOT DISTINCT FROM event.capture_at
    AND (event.capturable_minor = 0 OR charges.amount_minor <= event.capturable_minor)
    AND (charges.challenged OR NOT event.challenged) AND lowering IS NULL"""


async def known(conn: Conn, events: Sequence[PaymentEvent]) -> Collection[str]:
    """Ids of events for which `record` would change nothing, because the call's answer came
    first.
    """
    answers = [event.answer for event in events]
    rows = await conn.fetch(
        _KNOWN,
        [event.event_id for event in events],
        [event.merchant_id for event in events],
        [answer.id for answer in answers],
        [charge_target(answer.outcome).value for answer in answers],
        [answer.capture_at for answer in answers],
        [answer.capturable_minor for answer in answers],
        [answer.challenged for answer in answers],
    )
    return {row["event_id"] for row in rows}


async def refuse(conn: Conn, charge: Charge, refusal: StoredRefusal) -> None:
    """Records that payments created no payment; releases the limits and the session."""
    state = charge_target(Outcome.REFUSE)
    await conn.execute(
        "WITH refused AS ("
        "  UPDATE charges SET state = $3, refusal = $4, request = NULL, due_at = NULL"
        "  WHERE merchant_id = $1 AND id = $2 AND state = ANY($5::text[]) RETURNING session_id"
        ")"
        " UPDATE sessions SET state = $6 WHERE merchant_id = $1"
        " AND id = (SELECT session_id FROM refused) AND charge_id = $2 AND state = 'paying'",
        charge.merchant_id,
        charge.id,
        state.value,
        rows.to_json(refusal),
        [source.value for source in charge_sources(Outcome.REFUSE)],
        AFTER_CHARGE[state].value,
    )


async def take_up(conn: Conn, merchant_id: str, charge_id: str) -> None:
    """Restarts the time of a started charge that is requested again."""
    begun, started = "begun_at = now(), due_at = now() + $3::interval", "state = 'started'"
    await _CHARGES.change_at(conn, merchant_id, charge_id, begun, CHECK_AFTER, only=started)


async def is_being_asked(conn: Conn, charge: Charge) -> bool:
    """Whether the call that started the charge may still be waiting for payments."""
    asked = """SELECT due_at > now() AND checks = 0 FROM charges
        WHERE merchant_id = $1 AND id = $2 AND state = 'started'"""
    return bool(await conn.fetchval(asked, charge.merchant_id, charge.id))


async def start_lowering(conn: Conn, charge: Charge, lowering: Lowering) -> None:
    """Writes the intent, on a charge locked in this transaction."""
    begun = "lowering = $3, checks = 0, due_at = now() + $4::interval"
    values = (rows.to_json(lowering), CHECK_AFTER)
    await _CHARGES.change(conn, charge, begun, *values, only="lowering IS NULL")


async def end_lowering(conn: Conn, charge: Charge, lowering: Lowering, *, done: bool) -> bool:
    """Records payments' answer: the order has fewer items, or is unchanged. False if it was already
    known.
    """
    ended = """lowering = NULL, due_at = NULL,
        items = CASE WHEN $3 THEN lowering -> 'items' ELSE items END"""
    this = "lowering ->> 'key' = $4"
    return await _CHARGES.change(conn, charge, ended, done, lowering.key, only=this)
