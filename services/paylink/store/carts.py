"""SQL of carts. Callers that also need a cart's link lock the link first."""

from typing import Final

from libs import rows
from libs.db import Conn
from libs.queues import Queue
from services.paylink.rules.carts import (
    CART_TRANSITIONS,
    Cart,
    CartContents,
    CartEvent,
)

CARTS: Final = rows.Table("carts", Cart, spread={"contents": "", "recipient": "recipient_"})
_INSERT: Final = CARTS.insert(due_at="{}") + " ON CONFLICT (merchant_id, reference) DO NOTHING"
_REPORTED: Final = rows.Table("carts", CartContents, spread={"recipient": "recipient_"})
_CONTENTS: Final = ("recover_at", *_REPORTED.but("recover_at"))
_REFILL: Final = (
    f"UPDATE carts SET due_at = $3, {rows.assignments(_CONTENTS, first=3)}"  # noqa: S608 - made of constants
    " WHERE merchant_id = $1 AND id = $2 AND state = 'open'"
)


async def insert(conn: Conn, cart: Cart) -> bool:
    """False if there is already a cart with this reference."""
    return await conn.execute(_INSERT, *CARTS.values(cart), cart.contents.recover_at) == 1


async def refill(conn: Conn, cart: Cart) -> None:
    """Writes the contents of an open cart locked in this transaction."""
    await conn.execute(_REFILL, cart.merchant_id, cart.id, *CARTS.values(cart, *_CONTENTS))


async def lock_reference(conn: Conn, merchant_id: str, reference: str) -> Cart | None:
    where = "WHERE merchant_id = $1 AND reference = $2 FOR NO KEY UPDATE"
    return await CARTS.one(conn, where, merchant_id, reference)


_MOVE: Final = f"""
UPDATE carts SET state = $4, payment_link_id = coalesce($5, payment_link_id), due_at = NULL
WHERE merchant_id = $1 AND id = $2 AND state = ANY($3::text[])
RETURNING {CARTS.selected}"""  # noqa: S608 - made of constants


async def move(conn: Conn, cart: Cart, event: CartEvent) -> Cart | None:
    """The cart after `event`, as stored; None if its state does not allow it (any more)."""
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
    return None if row is None else CARTS.read(row)


_DUE: Final = Queue(
    "carts",
    columns="merchant_id, id, coalesce(clock.clock_offset, interval '0') AS clock_offset",
    by_test_clock=True,
)
# Open carts whose recovery is due. Each is claimed again after $4, unless its link was created or
# it was given up.
CLAIM_DUE: Final = _DUE.claim("""
UPDATE carts SET due_at = now() + due.clock_offset + $4
FROM due WHERE carts.merchant_id = due.merchant_id AND carts.id = due.id
RETURNING carts.merchant_id, carts.id,
    extract(epoch FROM due.clock_offset)::bigint AS clock_offset_seconds""")


async def give_up(conn: Conn, merchant_id: str, cart_id: str) -> None:
    """Stops automatic recovery; the merchant can still recover the cart."""
    await conn.execute(
        "UPDATE carts SET due_at = NULL WHERE merchant_id = $1 AND id = $2", merchant_id, cart_id
    )
