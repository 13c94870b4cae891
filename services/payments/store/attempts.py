"""SQL of attempts: one PSP call each, and which of them recovery must ask about."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from libs import rows
from libs.db import Conn
from libs.queues import CLOCK_OFFSET, Queue
from services.payments.rules.domain import Attempt, Payment
from services.payments.rules.states import AttemptKind
from services.payments.store.accounts import PspAccount

ATTEMPTS: Final = rows.Table(
    "attempts",
    Attempt,
    sql={
        "recovery_tries": "recovery_tries",
        "watched": "next_recovery_at IS NOT NULL",
        "unresolved": "unresolved_since IS NOT NULL",
    },
)
_INSERT: Final = ATTEMPTS.insert(next_recovery_at="now() + {}::interval")


async def insert(conn: Conn, attempt: Attempt, *, ask_in: timedelta | None) -> None:
    """Inserts the intent of a PSP call, or an operation made by somebody else. `ask_in`: when
    recovery looks at it.
    """
    await conn.execute(_INSERT, *ATTEMPTS.values(attempt), ask_in)


get: Final = ATTEMPTS.get


async def open_of(
    conn: Conn, merchant_id: str, payment_id: str, kind: AttemptKind
) -> Attempt | None:
    """The payment's newest attempt of a kind that was not declined."""
    where = (
        "WHERE merchant_id = $1 AND payment_id = $2 AND kind = $3"
        " AND state <> 'declined' ORDER BY id DESC LIMIT 1"
    )
    return await ATTEMPTS.one(conn, where, merchant_id, payment_id, kind.value)


# By our key, or by the PSP's reference. Declined ones come last: they may only have the reference
# of their charge, which another operation has too.
_NAMED: Final = f"""
SELECT {ATTEMPTS.selected} FROM (
    SELECT * FROM attempts
    WHERE merchant_id = $1 AND psp_account_id = $2 AND kind = $3 AND id = $4
    UNION ALL
    SELECT * FROM attempts
    WHERE merchant_id = $1 AND psp_account_id = $2 AND kind = $3
        AND psp_reference = $5 AND psp_reference <> '') AS named
ORDER BY state = 'declined', id = $4 DESC, id DESC LIMIT 1"""  # noqa: S608 - made of constants


async def named(
    conn: Conn, account: PspAccount, kind: AttemptKind, *, key: str, psp_reference: str
) -> Attempt | None:
    """The operation that a PSP account reports. `psp_reference`: the operation's own."""
    at = (account.merchant_id, account.id)
    row = await conn.fetchrow(_NAMED, *at, kind.value, key, psp_reference)
    return ATTEMPTS.read(row) if row else None


# An attempt that is already watched keeps its intervals.
_RECHECK: Final = """
UPDATE attempts SET next_recovery_at = now(), recovery_tries = 0
WHERE merchant_id = $1 AND payment_id = $2 AND kind = 'authorise'
    AND (id = $3 OR psp_reference = $4 AND psp_reference <> '')
    AND state IN ('approved', 'declined') AND next_recovery_at IS NULL"""


async def recheck(conn: Conn, payment: Payment, attempt: Attempt) -> None:
    """Lets recovery ask about the charge of `attempt`, although it has an outcome."""
    await conn.execute(
        _RECHECK,
        payment.merchant_id,
        payment.id,
        attempt.undoes or attempt.id,
        payment.charge_of(attempt),
    )


async def rest(conn: Conn, attempt: Attempt) -> None:
    """Stops asking about it."""
    await ATTEMPTS.change(conn, attempt, "next_recovery_at = NULL, unresolved_since = NULL")


async def name(conn: Conn, charge: Attempt, psp_reference: str) -> None:
    """Sets the PSP's reference of a charge that was given up before it was known."""
    unknown = "psp_reference = ''"
    await ATTEMPTS.change(conn, charge, "psp_reference = $3", psp_reference, only=unknown)


async def operations_of(conn: Conn, merchant_id: str, payment_id: str) -> Sequence[Attempt]:
    """The payment's captures, cancellations and refunds, including those made by others."""
    where = "WHERE merchant_id = $1 AND payment_id = $2 AND kind <> 'authorise' ORDER BY id"
    return await ATTEMPTS.all(conn, where, merchant_id, payment_id)


@dataclass(frozen=True, slots=True)
class DueAttempt:
    """An attempt to ask the PSP about. `age` since its start, in real time."""

    attempt: Attempt
    age: timedelta
    clock_offset_seconds: int

    @property
    def merchant_id(self) -> str:
        return self.attempt.merchant_id


CLAIM_RECOVERY: Final = Queue("attempts", at="next_recovery_at").claim(f"""
UPDATE attempts SET next_recovery_at = now() + $4, recovery_tries = recovery_tries + 1
FROM due LEFT JOIN test_clocks AS clock ON clock.merchant_id = due.merchant_id
WHERE attempts.merchant_id = due.merchant_id AND attempts.id = due.id
RETURNING attempts.*, {ATTEMPTS.only_read}, now() - started_at AS age,
    {CLOCK_OFFSET}""")  # noqa: S608 - made of constants


def due_attempt(**row: Any) -> DueAttempt:
    """For a row of CLAIM_RECOVERY: it is claimed again after $4 if this process dies."""
    return DueAttempt(ATTEMPTS.read(row), row["age"], row["clock_offset_seconds"])


async def postpone(conn: Conn, attempt: Attempt, *, ask_in: timedelta, unresolved: bool) -> None:
    """Asks again later. `unresolved`: a person has to look, too."""
    later = """next_recovery_at = now() + $3,
        unresolved_since = coalesce(unresolved_since, CASE WHEN $4 THEN now() END)"""
    watched = "next_recovery_at IS NOT NULL"
    await ATTEMPTS.change(conn, attempt, later, ask_in, unresolved, only=watched)


@dataclass(frozen=True, slots=True)
class Unresolved:
    """An attempt that a person has to look at."""

    id: str
    payment_id: str
    merchant_id: str
    kind: AttemptKind
    psp_account: str
    amount_minor: int
    created_at: datetime
    recovery_tries: int


_UNRESOLVED: Final = rows.Table(
    "attempts",
    Unresolved,
    sql={
        "psp_account": "coalesce((SELECT name FROM psp_accounts"
        " WHERE (psp_accounts.merchant_id, psp_accounts.id)"
        " = (attempts.merchant_id, attempts.psp_account_id)), '')"
    },
)


async def unresolved(conn: Conn, merchant_id: str, limit: int) -> Sequence[Unresolved]:
    """Oldest first; `merchant_id` "" for all merchants."""
    where = (
        "WHERE unresolved_since IS NOT NULL AND ($1 = '' OR merchant_id = $1)"
        " ORDER BY unresolved_since LIMIT $2"
    )
    return await _UNRESOLVED.all(conn, where, merchant_id, limit)


async def doubts(conn: Conn) -> tuple[timedelta, int]:
    """Age of the oldest attempt without an outcome, and how many wait for a person."""
    row = await conn.fetchrow(
        "SELECT coalesce(now() - min(started_at) FILTER (WHERE state IN ('started', 'unknown')),"
        " interval '0') AS age, count(unresolved_since) AS unresolved"
        " FROM attempts WHERE next_recovery_at IS NOT NULL"
    )
    assert row is not None  # an aggregate always answers
    return row["age"], row["unresolved"]
