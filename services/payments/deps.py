"""The dependencies of the flows."""

import random
from collections.abc import Callable
from dataclasses import dataclass, field

from libs import ids
from libs.clock import Clock
from libs.db import Database
from services.payments.breakers import Breakers
from services.payments.psps import Psps
from services.payments.routing_cache import RoutingCache


@dataclass(frozen=True, slots=True)
class Deps:
    db: Database
    psps: Psps
    routing_cache: RoutingCache
    public_url: str  # of the gateway, without trailing slash
    breakers: Breakers = field(default_factory=Breakers)
    clock: Clock = field(default_factory=Clock)
    new_id: Callable[[str], str] = ids.new
    chance: Callable[[], float] = random.random
