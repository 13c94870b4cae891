"""Statements that several callers need at the same moment are combined into one."""

import asyncio

import pytest

from libs.batching import ENOUGH, StatementBatcher
from libs.errors import ServiceUnavailable
from tests.waiting import HANGING_SECONDS


class Dividing:
    """A function of a store; `asked` has the arguments of each statement."""

    def __init__(self):
        self.asked = []

    async def __call__(self, conn, numbers):
        self.asked.append(list(numbers))
        rows = await conn.fetch("SELECT 10 / n AS tenth FROM unnest($1::integer[]) AS n", numbers)
        return [row["tenth"] for row in rows]


async def test_concurrent_calls_share_a_statement_and_get_their_own_answers(database):
    batcher, work = StatementBatcher(database), Dividing()
    answers = await asyncio.gather(*(batcher.statement(work, n) for n in (1, 2, 5)))
    assert answers == [10, 5, 2]
    assert work.asked == [[1, 2, 5]]


async def test_calls_may_join_a_batch_while_it_lingers(database):
    batcher, work = StatementBatcher(database, linger_seconds=HANGING_SECONDS), Dividing()
    early = asyncio.create_task(batcher.statement(work, 1))
    await asyncio.sleep(0)  # it has entered the queue
    later = [asyncio.create_task(batcher.statement(work, 2)) for _ in range(ENOUGH - 1)]
    assert await asyncio.gather(early, *later) == [10, *[5] * (ENOUGH - 1)]
    assert work.asked == [[1, *[2] * (ENOUGH - 1)]]


async def test_calls_made_while_a_batch_runs_form_the_next_one(database):
    batcher, first = StatementBatcher(database), asyncio.Event()
    begun, asked = asyncio.Event(), []

    async def slow(conn, numbers):
        asked.append(list(numbers))
        begun.set()
        await first.wait()
        return numbers

    early = asyncio.create_task(batcher.transaction(slow, 1))
    await begun.wait()
    later = [asyncio.create_task(batcher.transaction(slow, n)) for n in (2, 3)]
    await asyncio.sleep(0)  # they are in the queue
    first.set()
    assert await asyncio.gather(early, *later) == [1, 2, 3]
    assert asked == [[1], [2, 3]]


async def test_a_call_that_the_database_rejects_fails_alone(database):
    batcher, work = StatementBatcher(database), Dividing()
    answers = await asyncio.gather(
        *(batcher.statement(work, n) for n in (1, 0, 5)), return_exceptions=True
    )
    assert answers[0] == 10
    assert type(answers[1]).__name__ == "DivisionByZeroError"
    assert answers[2] == 2
    assert work.asked == [[1, 0, 5], [1], [0], [5]]


async def test_an_unavailable_database_fails_all_calls_without_a_retry(database):
    batcher, asked = StatementBatcher(database), []

    async def away(conn, numbers):
        asked.append(list(numbers))
        raise ServiceUnavailable

    answers = await asyncio.gather(
        *(batcher.statement(away, n) for n in (1, 2)), return_exceptions=True
    )
    assert [type(error) for error in answers] == [ServiceUnavailable] * 2
    assert asked == [[1, 2]]


async def test_a_cancelled_call_does_not_cancel_the_others(database):
    batcher, work = StatementBatcher(database), Dividing()
    leaving, staying = (asyncio.create_task(batcher.statement(work, n)) for n in (1, 2))
    await asyncio.sleep(0)
    leaving.cancel()
    with pytest.raises(asyncio.CancelledError):
        await leaving
    assert await staying == 5
