"""SQL of surveys: settings, addresses, answers."""

import hmac
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Final

from libs import tokens
from libs.db import Conn
from libs.rows import Table
from services.reporting.rules.surveys import (
    MOST_ADDRESSES,
    Question,
    Survey,
    SurveyAnswer,
    SurveyOption,
    SurveySettings,
)

SURVEYS: Final = Table("surveys", Survey)
_SETTINGS: Final = Table("survey_settings", SurveySettings)
_ADD: Final = f"{SURVEYS.insert()} ON CONFLICT DO NOTHING"


async def settings(conn: Conn, merchant_id: str) -> SurveySettings:
    found = await _SETTINGS.one(conn, "WHERE merchant_id = $1", merchant_id)
    return found or SurveySettings()


async def put_settings(conn: Conn, merchant_id: str, made: SurveySettings) -> None:
    await conn.execute(
        "INSERT INTO survey_settings (merchant_id, enabled, updated_at) VALUES ($1, $2, $3)"
        " ON CONFLICT (merchant_id) DO UPDATE"
        " SET enabled = EXCLUDED.enabled, updated_at = EXCLUDED.updated_at",
        merchant_id,
        made.enabled,
        made.updated_at,
    )


async def add(conn: Conn, survey: Survey) -> None:
    """Adds the survey unless it exists."""
    await conn.execute(_ADD, *SURVEYS.values(survey))


async def issue(conn: Conn, survey: Survey, now: datetime) -> str:
    """Returns the token of a new address; the survey's oldest addresses stop working."""
    token = tokens.new()
    await conn.execute(
        "WITH dropped AS (DELETE FROM survey_addresses WHERE (merchant_id, survey_id) = ($1, $2)"
        " AND token_hash IN (SELECT token_hash FROM survey_addresses WHERE merchant_id = $1"
        " AND survey_id = $2 ORDER BY issued_at DESC OFFSET $5))"
        " INSERT INTO survey_addresses (merchant_id, survey_id, token_hash, issued_at)"
        " VALUES ($1, $2, $3, $4)",
        survey.merchant_id,
        survey.id,
        tokens.hash_of(token),
        now,
        MOST_ADDRESSES - 1,
    )
    return token


_FIND: Final = """
SELECT surveys.*, token_hash, coalesce(extract(epoch FROM clock_offset), 0)::bigint AS ahead
FROM survey_addresses JOIN surveys
    ON (surveys.merchant_id, surveys.id) = (survey_addresses.merchant_id, survey_id)
LEFT JOIN test_clocks ON test_clocks.merchant_id = surveys.merchant_id
WHERE token_hash = $1"""


async def find(conn: Conn, token: str) -> tuple[Survey, int] | None:
    """The survey, and the offset of its merchant's clock in seconds. None for an unknown token, in
    the same time.
    """
    token_hash = tokens.hash_of(token)
    row = await conn.fetchrow(_FIND, token_hash)
    stored = bytes(32) if row is None else bytes(row["token_hash"])
    if not hmac.compare_digest(stored, token_hash) or row is None:
        return None
    return SURVEYS.read(row), row["ahead"]


_ANSWER: Final = """
INSERT INTO survey_answers AS known
    (merchant_id, paid_id, question, answer, answered_at, answered_on)
SELECT DISTINCT ON (merchant_id, paid_id, question) *
FROM unnest($1::text[], $2::text[], $3::text[], $4::smallint[], $5::timestamptz[], $6::date[])
    AS given (merchant_id, paid_id, question, answer, answered_at, answered_on)
ORDER BY merchant_id, paid_id, question, answered_at DESC, answer
ON CONFLICT (merchant_id, paid_id, question) DO UPDATE SET answer = EXCLUDED.answer,
    answered_at = EXCLUDED.answered_at, answered_on = EXCLUDED.answered_on
WHERE (EXCLUDED.answered_at, -EXCLUDED.answer) > (known.answered_at, -known.answer)"""


async def answer(conn: Conn, answers: Sequence[SurveyAnswer], days: Sequence[date]) -> None:
    """The latest answer to each question counts, in any order of arrival. `days`: each answer's day."""
    await conn.execute(
        _ANSWER,
        [one.merchant_id for one in answers],
        [one.paid_id for one in answers],
        [one.question.value for one in answers],
        [one.answer for one in answers],
        [one.answered_at for one in answers],
        list(days),
    )


async def answers_of(conn: Conn, merchant_id: str, paid_id: str) -> Mapping[Question, int]:
    rows = await conn.fetch(
        "SELECT question, answer FROM survey_answers WHERE merchant_id = $1 AND paid_id = $2",
        merchant_id,
        paid_id,
    )
    return {Question(row["question"]): row["answer"] for row in rows}


async def counted(
    conn: Conn, merchant_id: str, from_day: date, to_day: date
) -> Sequence[tuple[Question, SurveyOption]]:
    rows = await conn.fetch(
        "SELECT question, answer, count(*) AS count FROM survey_answers"
        " WHERE merchant_id = $1 AND answered_on BETWEEN $2 AND $3 GROUP BY question, answer",
        merchant_id,
        from_day,
        to_day,
    )
    return [(Question(row["question"]), SurveyOption(row["answer"], row["count"])) for row in rows]
