"""What the flows work with, handed to them by __main__ and by tests: messages', and webhooks'."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from ipaddress import IPv4Network, IPv6Network

from libs.clock import Clock
from libs.db import Database
from libs.seal import Seal


@dataclass(frozen=True, slots=True)
class Deps:
    db: Database
    public_url: str  # of the gateway, without slash at the end
    clock: Clock = field(default_factory=Clock)


@dataclass(frozen=True, slots=True)
class WebhookDeps:
    db: Database
    seal: Seal
    allowed_networks: Sequence[IPv4Network | IPv6Network] = ()  # let pass by the SSRF guard
    clock: Clock = field(default_factory=Clock)
