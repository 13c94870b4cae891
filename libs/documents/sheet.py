"""A document as blocks in reading order, laid out by document.typ.

All texts are plain: nothing in them is markup, whoever wrote them.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Literal, TypeAlias

Row: TypeAlias = tuple[str, Sequence[str]]  # the subject, and paragraphs on it


@dataclass(frozen=True, slots=True, kw_only=True)
class Banner:
    """A prominent warning."""

    text: str
    block: Literal["banner"] = "banner"


@dataclass(frozen=True, slots=True, kw_only=True)
class Highlights:
    """The few figures that a reader looks for first, each under its name."""

    figures: Sequence[tuple[str, str]]
    block: Literal["highlights"] = "highlights"


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    heading: str
    columns: tuple[str, str]
    rows: Sequence[Row]
    block: Literal["facts"] = "facts"


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """The first column is a number, the second a day, the others are amounts."""

    heading: str
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]
    total: Sequence[str]
    block: Literal["schedule"] = "schedule"


@dataclass(frozen=True, slots=True, kw_only=True)
class Clauses:
    """Numbered, each with a heading of its own."""

    heading: str
    clauses: Sequence[tuple[str, str]]
    block: Literal["clauses"] = "clauses"


@dataclass(frozen=True, slots=True, kw_only=True)
class Paragraphs:
    heading: str = ""
    texts: Sequence[str]
    block: Literal["paragraphs"] = "paragraphs"


Block: TypeAlias = Banner | Highlights | Facts | Schedule | Clauses | Paragraphs


@dataclass(frozen=True, slots=True, kw_only=True)
class Sheet:
    language: str
    region: str
    title: str
    description: str
    prepared: str  # for whom, when
    author: str
    colour: str
    issued_on: date
    running: str  # in the header of each page
    version: str  # in the footer
    page: str  # `Page {page} of {pages}`: the layout fills in the numbers
    blocks: Sequence[Block]
