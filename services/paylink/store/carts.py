"""SQL of carts."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from libs.db import Conn, Row
from libs.due import Room, fair_sql
from libs.money import Money
from libs.pages import Page
from services.paylink.rules.carts import (
    ASK_AGAIN_AFTER,
    CART_TRANSITIONS,
    Cart,
    CartContents,
    CartEvent,
    CartState,
)
from services.paylink.rules.domain import LineItem, Recipient

_COLUMNS = (
    "id, merchant_id, state, reference, recipient_name, recipient_email, recipient_phone,"
    " line_items, amount_minor, currency, locale, recover_at, payment_link_id, metadata, created_at"
)
_SELECT = f"SELECT {_COLUMNS} FROM carts"  # noqa: S608 - made of constants


def _cart(row: Row) -> Cart:
    return Cart(
        id=row["id"],
        merchant_id=row["merchant_id"],
        state=CartState(row["state"]),
        reference=row["reference"],
        contents=CartContents(
            recipient=Recipient(
                name=row["recipient_name"],
                email=row["recipient_email"],
                phone=row["recipient_phone"],
            ),
            line_items=tuple(LineItem(**item) for item in row["line_items"]),
            amount=Money(row["amount_minor"], row["currency"]),
            locale=row["locale"],
            recover_at=row["recover_at"],
            metadata=row["metadata"],
        ),
        payment_link_id=row["payment_link_id"],
        created_at=row["created_at"],
    )


def _content_values(contents: CartContents) -> tuple[object, ...]:
    items: list[Mapping[str, Any]] = [asdict(item) for item in contents.line_items]
    return (
        contents.recipient.name,
        contents.recipient.email,
        contents.recipient.phone,
        items,
        contents.amount.amount_minor,
        contents.amount.currency,
        contents.locale,
        contents.recover_at,
        dict(contents.metadata),
    )


async def insert(conn: Conn, cart: Cart) -> bool:
    """False when there is a cart with this reference."""
    made = await conn.execute(
        "INSERT INTO carts (merchant_id, id, state, reference, created_at, recipient_name,"
        " recipient_email, recipient_phone, line_items, amount_minor, currency, locale, recover_at,"
        " due_at, metadata)"
        " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $13, $14)"
        " ON CONFLICT (merchant_id, reference) DO NOTHING",
        cart.merchant_id,
        cart.id,
        cart.state.value,
        cart.reference,
        cart.created_at,
        *_content_values(cart.contents),
    )
    return made == 1


async def refill(conn: Conn, cart: Cart) -> None:
    """Write the contents of an open cart that was locked in this transaction."""
    await conn.execute(
        "UPDATE carts SET recipient_name = $3, recipient_email = $4, recipient_phone = $5,"
        " line_items = $6, amount_minor = $7, currency = $8, locale = $9, recover_at = $10,"
        " due_at = $10, metadata = $11 WHERE merchant_id = $1 AND id = $2 AND state = 'open'",
        cart.merchant_id,
        cart.id,
        *_content_values(cart.contents),
    )


async def get(conn: Conn, merchant_id: str, cart_id: str) -> Cart | None:
    row = await conn.fetchrow(_SELECT + " WHERE merchant_id = $1 AND id = $2", merchant_id, cart_id)
    return None if row is None else _cart(row)


async def lock(conn: Conn, merchant_id: str, cart_id: str) -> Cart | None:
    """Who needs the cart's link too locks the link first."""
    row = await conn.fetchrow(
        _SELECT + " WHERE merchant_id = $1 AND id = $2 FOR NO KEY UPDATE", merchant_id, cart_id
    )
    return None if row is None else _cart(row)


async def lock_reference(conn: Conn, merchant_id: str, reference: str) -> Cart | None:
    row = await conn.fetchrow(
        _SELECT + " WHERE merchant_id = $1 AND reference = $2 FOR NO KEY UPDATE",
        merchant_id,
        reference,
    )
    return None if row is None else _cart(row)


_MOVE = f"""
UPDATE carts SET state = $4, payment_link_id = coalesce($5, payment_link_id), due_at = NULL
WHERE merchant_id = $1 AND id = $2 AND state = ANY($3::text[])
RETURNING {_COLUMNS}"""  # noqa: S608 - made of constants


async def move(conn: Conn, cart: Cart, event: CartEvent) -> Cart | None:
    """The cart after `event`, as stored; None when its state does not allow it (any more)."""
    targets = {state: to for (state, what), to in CART_TRANSITIONS.items() if what is event}
    (to,) = set(targets.values())
    row = await conn.fetchrow(
        _MOVE,
        cart.merchant_id,
        cart.id,
        [state.value for state in targets],
        to.value,
        cart.payment_link_id,
    )
    return None if row is None else _cart(row)


async def page(
    conn: Conn, merchant_id: str, page: Page, *, state: CartState | None
) -> Sequence[Cart]:
    """One row more than the page has, newest first."""
    rows = await conn.fetch(
        _SELECT + " WHERE merchant_id = $1 AND id < $2 AND ($3::text IS NULL OR state = $3)"
        " ORDER BY id DESC LIMIT $4",
        merchant_id,
        page.before,
        None if state is None else state.value,
        page.limit + 1,
    )
    return [_cart(row) for row in rows]


@dataclass(frozen=True, slots=True)
class DueCart:
    """An open cart whose recovery is due by its merchant's clock."""

    merchant_id: str
    cart_id: str
    clock_offset_seconds: int


_DUE = fair_sql(
    "carts",
    columns="merchant_id, id, coalesce(clock.clock_offset, interval '0') AS clock_offset",
    by_test_clock=True,
)
_CLAIM_DUE = f"""
WITH due AS ({_DUE})
UPDATE carts SET due_at = now() + due.clock_offset + $4
FROM due WHERE carts.merchant_id = due.merchant_id AND carts.id = due.id
RETURNING carts.merchant_id, carts.id,
    extract(epoch FROM due.clock_offset)::bigint AS clock_offset"""  # noqa: S608 - made of constants


async def claim_due(conn: Conn, room: Room) -> Sequence[DueCart]:
    """Each comes again in a while unless its link was made or it was given up."""
    rows = await conn.fetch(_CLAIM_DUE, *room.values, ASK_AGAIN_AFTER)
    return [DueCart(row["merchant_id"], row["id"], row["clock_offset"]) for row in rows]


async def give_up(conn: Conn, merchant_id: str, cart_id: str) -> None:
    """Nothing is sent by itself any more; the merchant still may."""
    await conn.execute(
        "UPDATE carts SET due_at = NULL WHERE merchant_id = $1 AND id = $2", merchant_id, cart_id
    )
