"""What the flows of merchants need from outside."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from libs.db import Database


def world_now() -> datetime:
    """The world's time: neither keys nor merchants age with a test clock."""
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class Deps:
    db: Database
    scopes: frozenset[str]  # all that the contracts name
    now: Callable[[], datetime] = world_now
