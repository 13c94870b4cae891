"""What the flows of reporting work with, handed to them by __main__ and by tests."""

from dataclasses import dataclass

from libs.clock import Clock
from libs.db import Database


@dataclass(frozen=True, slots=True)
class Deps:
    db: Database
    clock: Clock
