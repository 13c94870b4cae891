"""Recognises recipients. Pure: only keyed hashes are stored."""

from services.cod.rules.orders import Order, Recipient


def subjects(recipient: Recipient | None, customer_id: str | None) -> tuple[str, ...]:
    """Subjects to hash: phone, e-mail and customer, as far as they are known."""
    found = []
    if recipient is not None and recipient.phone:
        found.append(f"phone:{recipient.phone}")
    if recipient is not None and recipient.email:
        found.append(f"email:{recipient.email.lower()}")
    if customer_id:
        found.append(f"customer:{customer_id}")
    return tuple(found)


def subjects_of(order: Order) -> tuple[str, ...]:
    return subjects(order.recipient, order.customer_id)
