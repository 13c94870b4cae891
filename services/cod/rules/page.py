"""What anyone with the URL of an order's page may see. Pure."""

from typing import Final

from services.cod.rules.orders import Order
from services.cod.rules.states import OrderState

_SHOWN_OF_PHONE: Final = 3
_HIDDEN: Final = "•••"


def page_url(public_url: str, token: str) -> str:
    return f"{public_url}/cod/{token}"


def code_sent_to(order: Order) -> str | None:
    """Enough of the phone number or e-mail to recognise it; None if no code is pending."""
    if order.state is not OrderState.PROPOSED:
        return None
    if order.recipient.phone:
        return f"{_HIDDEN} {order.recipient.phone[-_SHOWN_OF_PHONE:]}"
    if order.recipient.email:
        name, _, domain = order.recipient.email.rpartition("@")
        return f"{name[:1]}{_HIDDEN}@{domain}"
    return None
