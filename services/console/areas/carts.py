"""Abandoned carts: recovered by a link that is sent now, or marked as bought."""

from typing import Final

from incasso.paylink.v1 import shop_pb2
from services.console.listing import filters, rows
from services.console.page import Html, Page, See, get, post
from services.console.shown import enum
from services.console.visit import Visit

AREA: Final = "links_carts"
STATES: Final = ("open", "recovering", "recovered", "completed", "lost")
LIST: Final = "/links/carts"
ONE: Final = f"{LIST}/{{cart_id}}"


async def listed(visit: Visit) -> Html:
    found = await rows(visit, shop_pb2.ListCartsRequest(), "carts", "state")
    return Html("carts.html", {**found, "filters": filters(visit, LIST, "state", STATES)})


async def one(visit: Visit) -> Html:
    """The cart's content, and the state of its recovery."""
    cart = await _cart(visit)
    state, writes = enum(cart, "state"), visit.who.holds("links:write")
    shown = {"recovers": writes and state == "open"}
    shown["completes"] = writes and state in {"open", "recovering"}
    return Html("cart.html", {"cart": cart, "state": state, **shown})


async def recover(visit: Visit) -> See:
    """Sends the link now, by e-mail and SMS, if the cart has the addresses."""
    cart = await _cart(visit)
    request = shop_pb2.RecoverCartRequest(cart_id=cart.id)
    await visit.change(request, subject=cart.id, before=cart)
    return See(f"{LIST}/{cart.id}", notice="recovering")


async def complete(visit: Visit) -> See:
    """Marks the cart as bought in the shop: nothing more is sent, and its link is cancelled."""
    cart = await _cart(visit)
    request = shop_pb2.CompleteCartRequest(cart_id=cart.id)
    await visit.change(request, subject=cart.id, before=cart)
    return See(f"{LIST}/{cart.id}", notice="completed")


async def _cart(visit: Visit) -> shop_pb2.Cart:
    wanted = shop_pb2.GetCartRequest(cart_id=visit.part("cart_id"))
    cart: shop_pb2.Cart = (await visit.ask(wanted)).cart
    return cart


READS: Final = "paylink.GetCart"
PAGES: Final[tuple[Page, ...]] = (
    get(LIST, listed, AREA, "paylink.ListCarts", filters=("state",)),
    get(ONE, one, AREA, READS),
    post(f"{ONE}/recover", recover, AREA, READS, "paylink.RecoverCart", again=one),
    post(f"{ONE}/complete", complete, AREA, READS, "paylink.CompleteCart", again=one),
)
