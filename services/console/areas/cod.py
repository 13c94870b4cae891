"""Cash on delivery: orders by state and courier, one order with its parcels, and what couriers owe."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from incasso.cod.v1 import cod_pb2, orders_pb2, refunds_pb2, remittances_pb2
from libs.money import Money
from services.console.listing import filters, rows
from services.console.page import Handler, Html, Page, See, get, post
from services.console.rules import charts
from services.console.rules.ageing import Ageing, totals
from services.console.rules.amounts import typed
from services.console.shown import enum
from services.console.visit import Visit

AREA: Final = "cod"
STATES: Final = (
    "proposed",
    "confirmed",
    "dispatched",
    "collected",
    "overdue",
    "short",
    "remitted",
    "returned",
)
KEPT: Final = ("order_reference", "courier_id")
MOST: Final = 100
MOST_EVENTS: Final = 50
# States in which the services allow a change; they check again.
CANCELLABLE: Final = frozenset(["proposed", "confirmed"])
CONVERTIBLE: Final = frozenset(
    ["proposed", "confirmed", "dispatched", "out_for_delivery", "refused"]
)


async def listed(visit: Visit) -> Html:
    """Orders by state, courier and order reference, newest first, a page at a time."""
    found = await rows(visit, orders_pb2.ListCodOrdersRequest(), "orders", "state", *KEPT)
    shown = filters(visit, "/cod", "state", STATES, *KEPT)
    return Html(
        "cod_orders.html", {**found, "filters": shown, "couriers": await couriers_of(visit)}
    )


async def one(visit: Visit) -> Html:
    """An order, with the courier's events about its parcels, and its cash refunds."""
    order = await order_of(visit)
    wanted = orders_pb2.ListCourierEventsRequest(cod_order_id=order.id, limit=MOST_EVENTS)
    events = (await visit.ask(wanted)).data
    refunds = await visit.ask(refunds_pb2.ListCodRefundsRequest(cod_order_id=order.id, limit=MOST))
    state, writes = enum(order, "state"), visit.who.holds("cod:write")
    left = Money(max(order.collected_minor - order.refunded_minor, 0), order.amount.currency)
    return Html(
        "cod_order.html",
        {
            "order": order,
            "state": state,
            "events": events,
            "refunds": refunds.data,
            "couriers": await couriers_of(visit),
            "writes": writes,
            "cancels": writes and state in CANCELLABLE,
            "converts": writes and state in CONVERTIBLE,
            "dispatches": writes and state == "confirmed",
            "left": left if writes else Money(0, left.currency),
            "typed": typed(left),
        },
    )


async def ageing(visit: Visit) -> Html:
    """Cash that couriers have collected but not remitted, by days since collection."""
    data = (await visit.ask(remittances_pb2.GetCodAgeingRequest())).data
    found = cash_ageing(data, visit.currency)
    return Html("cod_ageing.html", {"couriers": data, "ageing": found, "bars": bars_of(found)})


def cash_ageing(data: Sequence[remittances_pb2.CodAgeing], currency: str) -> Ageing:
    """The totals of all couriers in one currency."""
    return totals(
        (
            {
                "days_0_to_7": one.days_0_to_7_minor,
                "days_8_to_15": one.days_8_to_15_minor,
                "days_16_to_30": one.days_16_to_30_minor,
                "days_over_30": one.days_over_30_minor,
            }
            for one in data
            if one.currency == currency
        ),
        currency,
    )


def bars_of(found: Ageing) -> list[float]:
    return charts.bars([part.amount_minor for part in found.parts])


async def cancel(visit: Visit) -> See:
    request = orders_pb2.CancelCodOrderRequest(cod_order_id=visit.part("cod_order_id"))
    return await changed(visit, request, "cancelled")


async def convert(visit: Visit) -> See:
    """Requests a link to pay online instead."""
    request = orders_pb2.ConvertCodOrderRequest(cod_order_id=visit.part("cod_order_id"))
    return await changed(visit, request, "converted")


async def dispatch(visit: Visit) -> See:
    request = orders_pb2.DispatchCodOrderRequest(cod_order_id=visit.part("cod_order_id"))
    return await changed(visit, request, "dispatched")


async def resolve_event(visit: Visit) -> See:
    """Records how a person has dealt with a courier's event."""
    request = orders_pb2.ResolveCourierEventRequest(
        courier_event_id=visit.part("event_id"), resolution=visit.typed("resolution")
    )
    return await changed(visit, request, "event_resolved")


async def changed(visit: Visit, request: Any, notice: str) -> See:
    """Changes the order named in the path, and shows it."""
    order = await order_of(visit)
    await visit.change(request, subject=order.id, before=order)
    return See(f"/cod/orders/{order.id}", notice=notice)


async def order_of(visit: Visit) -> orders_pb2.CodOrder:
    """The order named in the path."""
    wanted = orders_pb2.GetCodOrderRequest(cod_order_id=visit.part("cod_order_id"))
    order: orders_pb2.CodOrder = (await visit.ask(wanted)).order
    return order


async def couriers_of(visit: Visit) -> Mapping[str, str]:
    """Names of couriers by id, including archived ones."""
    answer = await visit.ask(cod_pb2.ListCouriersRequest(limit=MOST))
    return {one.id: one.name for one in answer.data}


READS: Final = (
    "cod.GetCodOrder",
    "cod.ListCourierEvents",
    "cod.ListCodRefunds",
    "cod.ListCouriers",
)


def of_order(path: str, handle: Handler, rpc: str) -> Page:
    """A change that an order's page offers."""
    calls = (*READS, f"cod.{rpc}")
    return post(f"/cod/orders/{{cod_order_id}}/{path}", handle, AREA, *calls, again=one)


PAGES: Final[tuple[Page, ...]] = (
    get("/cod", listed, AREA, "cod.ListCodOrders", "cod.ListCouriers", filters=("state", *KEPT)),
    get("/cod/ageing", ageing, AREA, "cod.GetCodAgeing"),
    get("/cod/orders/{cod_order_id}", one, AREA, *READS),
    of_order("cancel", cancel, "CancelCodOrder"),
    of_order("convert", convert, "ConvertCodOrder"),
    of_order("dispatch", dispatch, "DispatchCodOrder"),
    of_order("events/{event_id}/resolve", resolve_event, "ResolveCourierEvent"),
)
