"""The next dunning steps for a missed part of a plan, by the plan's terms. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta


@dataclass(frozen=True, slots=True)
class Next:
    """Days still to come; None if there is no such step left."""

    reminder_on: date | None
    default_on: date | None


def steps(due_on: date, today: date, *, remind_after: Sequence[int], default_after: int) -> Next:
    """`remind_after` and `default_after`: days after the due date."""
    reminders = (due_on + timedelta(days=days) for days in remind_after)
    default_on = due_on + timedelta(days=default_after) if default_after else None
    return Next(
        reminder_on=min((day for day in reminders if day >= today), default=None),
        default_on=default_on if default_on is not None and default_on >= today else None,
    )
