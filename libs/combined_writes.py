"""Writes of one transaction that do not read each other's rows, sent as one statement.

A store returns each write as a piece; a flow with several pieces sends them together.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

from libs.db import Conn

_PARAMETER = re.compile(r"\$(\d+)")
_WHEN: Final = "{when}"
_GUARD: Final = "EXISTS (SELECT FROM guard)"


@dataclass(frozen=True, slots=True)
class Write:
    """An INSERT, UPDATE or DELETE with parameters counted from $1.

    `answer`: SQL over the rows that it returns. `{when}` in its WHERE stands for the condition on
    which everything is written.
    """

    sql: str
    args: Sequence[object]
    answer: str = "NULL"


async def execute(conn: Conn, *pieces: Write, guard: Write | None = None) -> Sequence[Any] | None:
    """Returns the answer of each piece. With a `guard`, a SELECT that finds no row, nothing is
    written and None is returned; every piece must then contain `{when}`.
    """
    if guard and any(_WHEN not in piece.sql for piece in pieces):
        raise AssertionError("a piece does not heed the guard")
    sql = _statement(
        tuple((piece.sql, piece.answer, len(piece.args)) for piece in pieces),
        guard=guard.sql if guard else "",
        first=len(guard.args) if guard else 0,
    )
    all_of_them = (guard, *pieces) if guard else pieces
    row = await conn.fetchrow(sql, *(value for piece in all_of_them for value in piece.args))
    assert row is not None  # there is always one
    *answers, written = row.values()
    return answers if written else None


@lru_cache(maxsize=256)
def _statement(pieces: tuple[tuple[str, str, int], ...], *, guard: str, first: int) -> str:
    """Parameters of the pieces count from `first` on, after those of the guard."""
    when = _GUARD if guard else "true"
    named = [f"guard AS ({guard})"] if guard else []
    answers = []
    for number, (sql, answer, count) in enumerate(pieces):
        name = f"piece_{number}"
        named.append(f"{name} AS ({_renumbered(sql.replace(_WHEN, when), first)})")
        reads = "" if answer == "NULL" else f" FROM {name}"
        answers.append(f"(SELECT {answer}{reads}) AS answer_{number}")
        first += count
    return f"WITH {', '.join(named)} SELECT {', '.join(answers)}, {when} AS written"


def _renumbered(sql: str, first: int) -> str:
    return _PARAMETER.sub(lambda found: f"${int(found[1]) + first}", sql)
