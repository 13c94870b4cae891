"""The dependencies of the flows."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from libs.clock import world_now
from libs.db import Database


@dataclass(frozen=True, slots=True)
class Deps:
    db: Database
    scopes: frozenset[str]  # all scopes that the contracts name
    # Neither keys, merchants nor members follow a test clock.
    now: Callable[[], datetime] = world_now
    console_url: str = ""  # without trailing slash; if empty, members cannot be invited
    passwords: bool = False  # whether people may sign in with a password
