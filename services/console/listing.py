"""Lists: a page of rows, the filters as links, and enums of the contracts by their API names."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Final
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp

from libs import json_values, wire
from libs.errors import invalid
from services.console import texts
from services.console.visit import Visit

PAGE_ROWS: Final = 25


async def rows(visit: Visit, request: Message, name: str, *by: str) -> dict[str, Any]:
    """Values for a list's template: one page of rows as `name`, and the cursor of the next page.

    `by`: query parameters that filter the list, each a field of the request; an enum by its name in
    the API, ignored if unknown.
    """
    asked: dict[str, Any] = {"limit": PAGE_ROWS}
    for parameter in ("cursor", *by):
        enum = request.DESCRIPTOR.fields_by_name[parameter].enum_type
        text = visit.asked(parameter)
        if value := json_values.enum_words(enum).get(text) if enum else text:
            asked[parameter] = value
    request.MergeFrom(type(request)(**asked))
    answer = await visit.ask(request)
    return {name: answer.data, "next_cursor": answer.next_cursor}


@dataclass(frozen=True, slots=True)
class Choice:
    """A link to the list with another filter; `name` is "" for all."""

    name: str
    path: str
    chosen: bool


def filters(
    visit: Visit, path: str, parameter: str, names: Sequence[str], *kept: str
) -> list[Choice]:
    """One choice per name, and one for all; the parameters `kept` stay as they are."""
    chosen = visit.asked(parameter)
    rest = {name: visit.asked(name) for name in kept if visit.asked(name)}
    return [
        Choice(
            name, with_query(path, {**rest, **({parameter: name} if name else {})}), name == chosen
        )
        for name in ("", *names)
    ]


def with_query(path: str, query: dict[str, str]) -> str:
    return f"{path}?{urlencode(query)}" if query else path


def midnight(visit: Visit, name: str, *, days: int = 0) -> Timestamp | None:
    """The start of the day in a parameter, plus `days`, in the merchant's time zone; None if it is
    empty. Raises InvalidArgument.
    """
    asked = visit.asked(name)
    if not asked:
        return None
    try:
        on = date.fromisoformat(asked) + timedelta(days=days)
        begins = datetime.combine(on, time(), ZoneInfo(visit.time_zone)).astimezone(UTC)
    except (OverflowError, ValueError) as error:
        raise invalid(name, texts.words(texts.SHARED, visit.language)["day_unreadable"]) from error
    return wire.timestamp(begins)


def enum_value(enum: Any, name: str) -> Any:
    """The number of an enum's value, by its name in the API; None if unknown."""
    return json_values.enum_words(enum.DESCRIPTOR).get(name)
