"""The interface of a provider of text messages. A provider is one file here and one line in
registry.py.

Failures to send are returned as outcomes, not raised.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from services.notify.messages.rules.domain import Channel, DeliveryReport
from services.notify.messages.rules.outcomes import Outcome


@dataclass(frozen=True, slots=True)
class Text:
    """One text message, ready to send."""

    channel: Channel
    to: str
    body: str


@dataclass(frozen=True, slots=True)
class Callback:
    """A provider's callback about a message that it accepted; None: nothing relevant."""

    reference: str
    report: DeliveryReport | None


class ProviderUnreachableError(Exception):
    """The provider could not be asked; ask again later."""


class Provider(Protocol):
    def serves(self, channel: Channel) -> bool:
        """Whether it has a sender for the channel."""

    async def send(self, text: Text) -> Outcome:
        """Hands it over. Returns Lost if it may have been accepted."""

    async def find(
        self, *, channel: Channel, to: str, body_sha256: str, since: datetime
    ) -> list[str]:
        """References of messages to `to` with this body since then, oldest first.

        Raises ProviderUnreachableError.
        """

    def read_callback(self, *, url: str, headers: Mapping[str, str], body: bytes) -> Callback:
        """Verifies and reads a callback. Raises SignatureInvalid, NoticeMalformed."""
