"""How many text messages a plan allows, and when the merchant is warned. Pure."""

from datetime import date, datetime
from typing import Final

SMS: Final = "sms_per_month"
NOTIFIED_PERCENTS: Final = (80, 100)


def month_of(now: datetime) -> date:
    """The calendar month by the merchant's clock, as its first day."""
    return now.date().replace(day=1)


def reached(used: int, most: int) -> int | None:
    """The highest percentage that message number `used` of `most` is the first to reach."""
    crossed = [
        percent for percent in NOTIFIED_PERCENTS if used * 100 >= most * percent > (used - 1) * 100
    ]
    return max(crossed, default=None)


def used_up(plan: str, most: int) -> str:
    """The error shown to the merchant for a message that was not sent."""
    return f'the plan "{plan}" allows {most} text messages a month ({SMS}); they are used up'
