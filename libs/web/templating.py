"""The environment of pages' templates: a process's own folder first, then the parts that all pages share."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import jinja2
from google.protobuf.timestamp_pb2 import Timestamp

from libs import display, sellers, text

_SHARED: Final = Path(__file__).parent / "templates"


def environment(folder: Path) -> jinja2.Environment:
    """Escapes everything; an unknown name is an error."""
    made = jinja2.Environment(
        loader=jinja2.FileSystemLoader([folder, _SHARED]),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
    made.filters |= {
        "moment": moment,
        "isolated": text.isolated,  # what people typed, within one of our sentences
        "paragraphs": text.paragraphs,
    }
    made.globals |= {"card_name": display.card_name, "seller_line": sellers.line}
    return made


def moment(at: Timestamp | datetime, language: str) -> str:
    """Date, time and time zone in the reader's language."""
    when = at.ToDatetime(tzinfo=UTC) if isinstance(at, Timestamp) else at
    return display.moment(when, language)
