"""Rows of a table that are due, and how any number of replicas claim them, from each merchant in turn.

A merchant with ten thousand due rows does not delay another merchant's single row: rows are picked
from each merchant in turn, and some slots are reserved for others (`Room`).
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, Protocol

from libs.clock import SQL_JOIN, SQL_NOW

CONSIDERED: Final = 5_000  # due rows considered from either end, among which merchants take turns
# Time until a row that was worked on `checks` times is due again, in SQL.
BACKOFF: Final = "least(interval '15 seconds' * 2 ^ least(checks, 8), interval '1 hour')"
REPLICAS: Final = 4  # that can claim at the same moment and still find rows of their own


HOLD: Final = "interval '30 seconds'"  # longer than a flow takes
# For a claim that joins the clock of each row's merchant.
CLOCK_OFFSET: Final = (
    "coalesce(extract(epoch FROM clock_offset), 0)::bigint AS clock_offset_seconds"
)


class Due(Protocol):
    """A due row, with its merchant."""

    @property
    def merchant_id(self) -> str: ...


@dataclass(frozen=True, slots=True)
class Room:
    """What a worker can take: rows in total, per merchant, and rows in progress by merchant."""

    rows: int
    share: int
    taken: Mapping[str, int] = field(default_factory=dict)

    @property
    def values(self) -> tuple[object, ...]:
        """The first three parameters of a claim."""
        return self.rows, self.share, dict(self.taken)

    def filled_by(self, found: Sequence[Due]) -> bool:
        """Whether more may be due than a claim returned: it used up all slots, or all those
        of one merchant.
        """
        of_each = Counter(self.taken) + Counter(row.merchant_id for row in found)
        return len(found) >= self.rows or max(of_each.values(), default=0) >= self.share

    def times(self, batch: int) -> "Room":
        """For rows that stand for several others, which share one slot."""
        taken = {merchant_id: count * batch for merchant_id, count in self.taken.items()}
        return Room(self.rows * batch, self.share * batch, taken)


@dataclass(frozen=True, slots=True)
class Claim:
    """A statement that claims due rows; $1 to $3 are Room's. `any_due`: an SQL condition that costs
    next to nothing while no row is due; None: the claim itself has to be run.
    """

    sql: str
    any_due: str | None = None


@dataclass(frozen=True, slots=True)
class Queue:
    """Rows of `table` that are due at `at`, of those for which `where` is true.

    `by_test_clock` adds rows that are due only by their merchant's clock, which is joined as `clock`.
    """

    table: str
    at: str = "due_at"
    where: str = "true"
    columns: str = "merchant_id, id"
    now: str = "now()"
    by_test_clock: bool = False
    lock: str = "FOR UPDATE"

    def claim(self, rest: str) -> Claim:
        """`rest` changes the rows of `due`, a table expression with `columns`."""
        # On its own, the condition would have no values for the claim's parameters.
        asked = None if "$" in self.where + self.now else self._any_due
        return Claim(f"WITH due AS ({self.fair_sql}) {rest}", asked)

    @property
    def fair_sql(self) -> str:
        """Due rows, locked, each merchant's oldest first.

        Considers the oldest and the newest due rows, so that another merchant's row is seen on time
        behind a flood of any size.
        """
        table, at, where = self.table, self.at, self.where
        taken = "coalesce(($3::jsonb ->> merchant_id)::int, 0)"
        looked_at = [  # S608: made of constants
            f"(SELECT {table}.ctid AS row, merchant_id, {at} AS due FROM {table}"  # noqa: S608 - made of constants
            f" WHERE {at} <= {self.now} AND {where} AND {taken} < $2"
            f" ORDER BY {at} {end} LIMIT {CONSIDERED})"
            for end in ("ASC", "DESC")
        ]
        join, now = "", self.now
        if self.by_test_clock:
            looked_at.append(
                f"(SELECT {table}.ctid, merchant_id, {at} - clock_offset FROM {self._ahead}"  # noqa: S608 - made of constants
                f" AND {taken} < $2 ORDER BY {at} LIMIT {CONSIDERED})"
            )
            join, now = SQL_JOIN, SQL_NOW
        return f"""
    SELECT * FROM (
        SELECT locked.*, row_number() OVER (PARTITION BY merchant_id ORDER BY place) + {taken} AS nth
        FROM (
            SELECT {self.columns}, place FROM {table} JOIN (
                SELECT row AS ctid, due,
                    row_number() OVER (PARTITION BY merchant_id ORDER BY due) + {taken} AS place
                FROM ({" UNION ".join(looked_at)}) AS looked_at
                ORDER BY place, due LIMIT $1 * {REPLICAS}
            ) AS turns ON turns.ctid = {table}.ctid {join}
            WHERE {at} <= {now} AND {where}
            ORDER BY place, turns.due LIMIT $1 {self.lock} OF {table} SKIP LOCKED
        ) AS locked
    ) AS numbered WHERE nth <= $2"""  # noqa: S608 - made of constants

    @property
    def _any_due(self) -> str:
        due = f"SELECT FROM {self.table} WHERE {self.at} <= {self.now} AND {self.where}"
        if not self.by_test_clock:
            return f"EXISTS ({due})"
        return f"EXISTS ({due}) OR EXISTS (SELECT FROM {self._ahead})"

    @property
    def _ahead(self) -> str:
        """Rows that are due by their merchant's clock only. The clock furthest ahead bounds the index scan."""
        return (  # S608: made of constants
            f"test_clocks JOIN {self.table} USING (merchant_id)"  # noqa: S608 - made of constants
            f" WHERE {self.at} > now() AND {self.at} <= now() + clock_offset AND {self.where}"
            f" AND {self.at} <= now() + (SELECT max(clock_offset) FROM test_clocks)"
        )


def held(table: str, *, at: str = "due_at", where: str = "true") -> Claim:
    """Claims rows by their merchant's clock, and holds each by its `held_until` for half a minute."""
    queue = Queue(
        table,
        at=at,
        where=f"{where} AND held_until <= now()",
        by_test_clock=True,
        lock="FOR NO KEY UPDATE",
    )
    return queue.claim(f""", held AS (
    UPDATE {table} SET held_until = now() + {HOLD} FROM due
    WHERE ({table}.merchant_id, {table}.id) = (due.merchant_id, due.id)
    RETURNING {table}.merchant_id, {table}.id
)
SELECT merchant_id, id, {CLOCK_OFFSET} FROM held LEFT JOIN test_clocks USING (merchant_id)""")  # noqa: S608 - made of constants
