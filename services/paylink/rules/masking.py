"""Addresses as they may be shown to whoever has an old link. Pure."""

from services.paylink.rules.domain import Channel, Recipient


def masked(recipient: Recipient, channel: Channel) -> str:
    """`g•••@example.com`, `••• 4567`."""
    if channel is Channel.EMAIL:
        local, _, domain = (recipient.email or "").rpartition("@")
        return f"{local[:1]}•••@{domain}"
    return f"••• {(recipient.phone or '')[-4:]}"
