"""The other doors of webhooks: every public event into the feed, and deliveries that are due."""

from collections.abc import Sequence

from libs.consumer import Handler
from libs.process import Loop
from services.notify.deps import WebhookDeps


def handlers(deps: WebhookDeps) -> dict[str, Handler]:
    """What is done with each event, by subject."""
    return {}


def loops(deps: WebhookDeps) -> Sequence[Loop]:
    """What runs until the process stops."""
    return []
