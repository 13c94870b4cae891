"""The dependencies of the flows."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from libs.clock import world_now
from libs.db import Database


@dataclass(frozen=True, slots=True)
class Deps:
    db: Database
    scopes: frozenset[str]  # all that the contracts name
    now: Callable[[], datetime] = world_now  # neither keys nor merchants follow a test clock
