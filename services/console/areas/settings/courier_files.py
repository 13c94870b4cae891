"""Where a courier collects, and the columns of its files: manifests, events and remittances."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from incasso.cod.v1 import cod_pb2, orders_pb2
from libs.errors import invalid
from services.console.areas.settings import fields
from services.console.areas.settings.couriers import AREA, ONE, READS, courier_of, kept
from services.console.listing import enum_value
from services.console.page import Html, Page, See, get, post
from services.console.rules.lists import words_of
from services.console.shown import enum
from services.console.visit import Visit

PATH: Final = f"{ONE}/files"
SPARE: Final = 3  # empty rows below the existing ones
MOST_ZONES: Final = 50
MOST_WORDS: Final = 50
STYLES: Final = ("comma", "point", "minor")
DAYS: Final = ("dmy", "mdy", "ymd")


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of file. `word`: the message for the meaning of a text in a column; `meaning`: its
    field, "" without one.
    """

    name: str
    message: Any
    columns: tuple[str, ...]
    required: tuple[str, ...] = ()
    word: Any = None
    meaning: str = ""
    meanings: tuple[str, ...] = ()


KINDS: Final = (
    Kind(
        "manifest_columns",
        cod_pb2.ManifestColumns,
        ("tracking_number", "sender_reference", "to_collect"),
        ("tracking_number", "sender_reference", "to_collect"),
    ),
    Kind(
        "event_columns",
        cod_pb2.EventColumns,
        ("tracking_number", "kind", "occurred_at", "time", "amount", "mode", "event_id"),
        ("tracking_number", "kind", "occurred_at"),
        cod_pb2.EventWord,
        "kind",
        ("out_for_delivery", "attempt_failed", "collected", "refused", "returned"),
    ),
    Kind(
        "remittance_columns",
        cod_pb2.RemittanceColumns,
        ("tracking_number", "sender_reference", "collected", "cut", "remitted", "on", "state"),
        (),
        cod_pb2.RemittanceWord,
        "meaning",
        ("collected", "refused", "returned"),
    ),
)


async def shown(visit: Visit) -> Html:
    courier = await courier_of(visit)
    state = enum(courier, "state")
    return Html(
        "courier_files.html",
        {
            "courier": courier,
            "writes": visit.who.holds("cod:write") and state == "active",
            "kinds": KINDS,
            "values": _as_typed(courier),
            "zones": range(_rows(courier.zones, MOST_ZONES)),
            "words_of": {
                kind.name: range(_rows(_words(courier, kind), MOST_WORDS)) for kind in KINDS
            },
            "styles": STYLES,
            "days": DAYS,
        },
    )


async def save(visit: Visit) -> See:
    """Saves how new files are read; the courier's other terms stay."""
    before = await courier_of(visit)
    terms: Any = kept(before)
    terms.ClearField("zones")
    terms.zones.extend(_zones(visit, before))
    for kind in KINDS:
        columns = _columns(visit, before, kind)
        terms.ClearField(kind.name)
        if columns is not None:
            getattr(terms, kind.name).CopyFrom(columns)
    request = cod_pb2.UpdateCourierRequest(courier_id=before.id, terms=terms)
    await visit.change(request, subject=before.id, before=before)
    return See(f"/settings/couriers/{before.id}/files", notice="saved")


def _zones(visit: Visit, before: cod_pb2.Courier) -> list[cod_pb2.CourierZone]:
    """The zones as typed; none means everywhere."""
    found = []
    for row in range(_rows(before.zones, MOST_ZONES)):
        inside = words_of(visit.typed(f"postcodes_{row}"))
        outside = words_of(visit.typed(f"excluded_{row}"))
        country = visit.typed(f"country_{row}").upper()
        if (inside or outside) and not country:
            raise invalid(f"country_{row}", visit.word("country_missing"))
        if country:
            found.append(
                cod_pb2.CourierZone(country=country, postcodes=inside, excluded_postcodes=outside)
            )
    return found


def _columns(visit: Visit, before: cod_pb2.Courier, kind: Kind) -> Any:
    """The columns as typed; None if no column is named."""
    prefix = f"{kind.name}:"
    named = {name: visit.typed(prefix + name) for name in kind.columns}
    if not any(named.values()):
        return None
    for name in kind.required:
        if not named[name]:
            raise invalid(prefix + name, visit.word("column_missing"))
    values: dict[str, Any] = {name: text or None for name, text in named.items()}
    values["header_row"] = fields.number(visit, prefix + "header_row") or None
    if kind.word is not None:
        values["amounts"] = enum_value(cod_pb2.AmountStyle, visit.typed(prefix + "amounts"))
        values["days"] = enum_value(cod_pb2.DayOrder, visit.typed(prefix + "days"))
        values["words"] = _typed_words(visit, before, kind)
    return kind.message(**values)


def _typed_words(visit: Visit, before: cod_pb2.Courier, kind: Kind) -> list[Any]:
    enum_type = orders_pb2.CourierEventKind if kind.meaning == "kind" else kind.word.Meaning
    found = []
    for row in range(_rows(_words(before, kind), MOST_WORDS)):
        text = visit.typed(f"{kind.name}:text_{row}")
        if text:
            meaning = enum_value(enum_type, visit.typed(f"{kind.name}:meaning_{row}"))
            found.append(kind.word(text=text, **{kind.meaning: meaning}))
    return found


def _words(courier: cod_pb2.Courier, kind: Kind) -> Sequence[Any]:
    words: Sequence[Any] = getattr(courier, kind.name).words if kind.word is not None else ()
    return words


def _rows(found: Sequence[Any], most: int) -> int:
    return min(len(found) + SPARE, most)


def _as_typed(courier: cod_pb2.Courier) -> dict[str, str]:
    """The settings as typed in the form."""
    found: dict[str, str] = {}
    for row, zone in enumerate(courier.zones):
        found[f"country_{row}"] = zone.country
        found[f"postcodes_{row}"] = ", ".join(zone.postcodes)
        found[f"excluded_{row}"] = ", ".join(zone.excluded_postcodes)
    for kind in KINDS:
        columns, prefix = getattr(courier, kind.name), f"{kind.name}:"
        found |= {prefix + name: getattr(columns, name) for name in kind.columns}
        found[prefix + "header_row"] = str(columns.header_row or 1)
        if kind.word is not None:
            found[prefix + "amounts"] = enum(columns, "amounts")
            found[prefix + "days"] = enum(columns, "days")
        for row, word in enumerate(_words(courier, kind)):
            found[f"{prefix}text_{row}"] = word.text
            found[f"{prefix}meaning_{row}"] = enum(word, kind.meaning)
    return found


CALLS: Final = (READS, "cod.UpdateCourier")
PAGES: Final[tuple[Page, ...]] = (
    get(PATH, shown, AREA, READS),
    post(PATH, save, AREA, *CALLS, again=shown),
)
