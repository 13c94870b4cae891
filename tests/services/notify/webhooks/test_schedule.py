from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.notify.webhooks.rules.schedule import (
    DELAYS,
    LONGEST_RETRY_AFTER,
    TRIES,
    next_delay,
    retry_after_of,
)

NOW = datetime(2026, 11, 22, 10, tzinfo=UTC)


def test_the_schedule_is_that_of_standard_webhooks():
    assert [delay.total_seconds() for delay in DELAYS] == [
        *(0, 5, 300, 1800, 7200, 18000, 36000, 50400, 72000, 86400)
    ]


@given(tries=st.integers(1, TRIES - 1), spread=st.floats(-1, 1))
def test_jitter_stays_within_a_tenth(tries: int, spread: float):
    delay = next_delay(tries, spread=spread)
    assert delay is not None
    assert 0.9 * DELAYS[tries] <= delay <= 1.1 * DELAYS[tries]


def test_retry_after_adds_no_attempt_after_the_last():
    assert next_delay(TRIES, spread=0, retry_after=timedelta(hours=1)) is None


@pytest.mark.parametrize(
    ("asked", "given_delay"),
    [
        (timedelta(seconds=1), timedelta(seconds=5)),
        (timedelta(hours=2), timedelta(hours=2)),
        (timedelta(days=30), LONGEST_RETRY_AFTER),
    ],
)
def test_retry_after_counts_when_longer_and_up_to_a_day(asked, given_delay):
    assert next_delay(1, spread=0, retry_after=asked) == given_delay


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("120", timedelta(minutes=2)),
        (" 0 ", timedelta(0)),
        ("9" * 40, LONGEST_RETRY_AFTER),
        ("Sun, 22 Nov 2026 10:05:00 GMT", timedelta(minutes=5)),
        ("Sun, 22 Nov 2026 09:00:00 GMT", timedelta(0)),
        ("", None),
        ("-5", None),
        ("soon", None),
        ("²", None),
        ("Sun, 22 Nov 2026 10:05:00 +" + "9" * 40, None),
        ("Sun, " + "9" * 40 + " Nov 2026 10:05:00 GMT", None),
    ],
)
def test_retry_after_is_seconds_or_a_date(text: str, expected: timedelta | None):
    assert retry_after_of(text, now=NOW) == expected


@given(st.text(max_size=60))
def test_no_retry_after_breaks_a_try(text: str):
    found = retry_after_of(text, now=NOW)
    assert found is None or found >= timedelta(0)
