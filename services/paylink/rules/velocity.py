"""Which of payments' counters of declined cards a link has. Pure."""

from typing import Final

from services.paylink.rules.domain import Link

CLOSED: Final = "too_many_declines"  # payments' reason


def of_link(link: Link) -> str:
    return f"{'shared_link' if link.reusable else 'link'}:{link.id}"
